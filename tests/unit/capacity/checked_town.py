"""A small town whose plan holds, for tests that break one rule of it at a time."""

from collections.abc import Mapping
from typing import Any

import msgspec

from beffroi.capacity.checking import check_plan, replay_losses
from beffroi.capacity.model import (
    HOURS_OF_WEEK,
    Amounts,
    Check,
    Host,
    HostModel,
    Inventory,
    Move,
    Policy,
    Replay,
    Workload,
)

BLADE = HostModel(
    name="blade", amounts=Amounts(10_000, 100_000, 1_000, 5_000), licences=("oracle",)
)
PLAIN = HostModel(name="plain", amounts=Amounts(10_000, 100_000, 1_000, 5_000))
SOLD = HostModel(name="sold", amounts=Amounts(10_000, 100_000, 1_000, 5_000))
WHOLE = Policy(cpu_share=1.0, memory_share=1.0, disk_share=1.0, spare_hosts=0)


def workload(name: str, memory_mib: int = 10_000, cpu_milli: int = 1_000, **more: Any) -> Workload:
    return Workload(
        name=name, amounts=Amounts(cpu_milli, memory_mib, disk_gib=10, io_per_s=10), **more
    )


def in_hours(low: int, high: int, first: int, last: int) -> tuple[int, ...]:
    """Return CPU per hour of the week, high in some hours of each day."""
    return tuple(high if first <= hour % 24 < last else low for hour in range(HOURS_OF_WEEK))


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """What the checker is given."""

    inventory: Inventory
    placement: Mapping[str, str]
    used_hosts: tuple[Host, ...]
    moves: tuple[Move, ...] = ()

    def checks(self) -> dict[str, Check]:
        found = check_plan(self.inventory, self.placement, self.used_hosts, self.moves)
        return {check.rule: check for check in found}

    def broken(self) -> set[str]:
        return {rule for rule, check in self.checks().items() if not check.holds}

    def codes(self, rule: str) -> set[str]:
        return {breach.code for breach in self.checks()[rule].breaches}

    def replays(self) -> dict[str, Replay]:
        found = replay_losses(self.inventory, self.placement, self.used_hosts)
        return {replay.lost: replay for replay in found}

    def but(self, **changes: Any) -> "Planned":
        return msgspec.structs.replace(self, **changes)

    def but_placed(self, **hosts: str) -> "Planned":
        return self.but(placement={**self.placement, **hosts})

    def but_workload(self, name: str, /, **changes: Any) -> "Planned":
        return self.but(
            inventory=msgspec.structs.replace(
                self.inventory,
                workloads=tuple(
                    msgspec.structs.replace(one, **changes) if one.name == name else one
                    for one in self.inventory.workloads
                ),
            )
        )

    def but_move(self, place: int, /, **changes: Any) -> "Planned":
        return self.but(
            moves=tuple(
                msgspec.structs.replace(move, **changes) if move.number == place else move
                for move in self.moves
            )
        )


def placed(
    hosts: Mapping[str, str],
    workloads: Mapping[str, tuple[Workload, ...]],
    policy: Policy,
    model: HostModel = PLAIN,
) -> Planned:
    """Put workloads on hosts, each of which stands on a site."""
    there = tuple(Host(name=name, model=model.name, site=site) for name, site in hosts.items())
    return Planned(
        inventory=Inventory(
            sites=tuple(dict.fromkeys(hosts.values())),
            models={model.name: model},
            hosts=there,
            workloads=tuple(one for group in workloads.values() for one in group),
            policy=policy,
        ),
        placement={one.name: host for host, group in workloads.items() for one in group},
        used_hosts=there,
    )


def town() -> Planned:
    """Return a plan that uses every rule and holds: «old» goes, «new» comes."""
    workloads = (
        workload("web1", apart="web", across_sites=True, host="old", downtime_s=30, windows=(2, 3)),
        workload("web2", apart="web", host="b1"),
        workload("erp_db", together="erp", host="a1"),
        workload("erp_app", together="erp", host="a1", cpu_by_hour=in_hours(100, 1_000, 8, 18)),
        workload("finance", licence="oracle", host="a1"),
        workload("rents", organisation="housing", sites=("B",), host="b2"),
        workload("badges", fixed=True, host="b1"),
        workload("archive", host="old"),
        workload("bulletin"),
    )
    hosts = (
        Host(name="a1", model="blade", site="A"),
        Host(name="old", model="plain", site="A", switched_off=True),
        Host(name="b1", model="plain", site="B"),
        Host(name="b2", model="plain", site="B", organisations=("housing",)),
    )
    new = Host(name="new", model="sold", site="A")
    moves = (
        Move(number=1, wave=1, workload="bulletin", origin="", target="b1"),
        Move(number=2, wave=1, workload="archive", origin="old", target="b1", parked=True),
        Move(number=3, wave=2, workload="archive", origin="b1", target="new"),
        Move(number=4, wave=2, workload="web1", origin="old", target="new", downtime_s=30, hour=3),
    )
    return Planned(
        inventory=Inventory(
            sites=("A", "B"),
            models={model.name: model for model in (BLADE, PLAIN, SOLD)},
            hosts=hosts,
            workloads=workloads,
            buys=("sold",),
            policy=WHOLE,
        ),
        placement={one.name: one.host for one in workloads}
        | {"web1": "new", "archive": "new", "bulletin": "b1"},
        used_hosts=(hosts[0], hosts[2], hosts[3], new),
        moves=moves,
    )
