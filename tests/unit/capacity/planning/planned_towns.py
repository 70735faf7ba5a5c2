"""Small inventories to plan for, and whether the plan holds."""

from collections.abc import Sequence
from typing import Any

from beffroi.capacity.model import (
    HOURS_OF_WEEK,
    Amounts,
    Decision,
    Host,
    HostModel,
    Inventory,
    Plan,
    Policy,
    Workload,
)
from beffroi.capacity.planning.consolidation import plan

OLD = HostModel(name="old", amounts=Amounts(8_000, 64 * 1024, 1_000))
BLADE = HostModel(name="blade", amounts=Amounts(32_000, 256 * 1024, 4_000), price_eur="9000.00")
ORACLE = HostModel(name="oracle", amounts=Amounts(32_000, 256 * 1024, 4_000), licences=("oracle",))
MODELS = {model.name: model for model in (OLD, BLADE, ORACLE)}
WHOLE = Policy(cpu_share=1.0, memory_share=1.0, disk_share=1.0, spare_hosts=1)
NO_SPARE = Policy(cpu_share=1.0, memory_share=1.0, disk_share=1.0, spare_hosts=0)


def workload(name: str, gib: int = 16, cores: int = 1, **more: Any) -> Workload:
    return Workload(name=name, amounts=Amounts(1_000 * cores, 1024 * gib, 20), **more)


def old_hosts(count: int, site: str = "lomme", **more: Any) -> tuple[Host, ...]:
    return tuple(
        Host(name=f"{site}-{number}", model="old", site=site, **more) for number in range(count)
    )


def town(
    workloads: Sequence[Workload],
    hosts: Sequence[Host] = (),
    *,
    sites: tuple[str, ...] = ("lomme",),
    buys: tuple[str, ...] = (),
    policy: Policy = WHOLE,
) -> Inventory:
    return Inventory(
        sites=sites,
        models=MODELS,
        hosts=tuple(hosts),
        workloads=tuple(workloads),
        buys=buys,
        policy=policy,
    )


def planned(inventory: Inventory, seed: int = 1) -> Plan:
    return plan(inventory, lambda _: None, deadline_s=10, seed=seed)


def what_fails(plan: Plan) -> list[str]:
    """Name the rules that are broken and the losses that strand something."""
    broken = [f"{check.rule}: {check.breaches}" for check in plan.proof.checks if not check.holds]
    return broken + [f"{one.lost}: {one.stranded}" for one in plan.proof.replays if one.stranded]


def reasons(plan: Plan) -> dict[str, str]:
    return {one.host.name: one.why.code for one in plan.hosts}


def names(plan: Plan, decision: Decision) -> list[str]:
    return sorted(one.host.name for one in plan.hosts if one.decision is decision)


def by_day(low: int, high: int, first: int, last: int) -> tuple[int, ...]:
    return tuple(high if first <= hour % 24 < last else low for hour in range(HOURS_OF_WEEK))
