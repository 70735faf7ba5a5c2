"""What the checker adds up: needs hour by hour and the room of hosts, in whole numbers."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from operator import add, sub
from typing import Final

import msgspec

from beffroi.capacity.model import (
    HOURS_OF_WEEK,
    Amounts,
    Host,
    Inventory,
    Policy,
    Reason,
    Resource,
    Workload,
)

_SHARE_PLACES: Final = 6  # a third, written in 16 digits, still gives 155 of 465


class Need(msgspec.Struct, frozen=True):
    """What a workload, or several together, take of a host.

    Attributes:
        cpu: Thousandths of a core, for each hour that is looked at.
        rest: Memory, disk and disk operations.
        peak: The highest of ``cpu``, in its hour ``peak_at``.
    """

    cpu: tuple[int, ...]
    rest: tuple[int, int, int]
    peak: int
    peak_at: int


def need_of(cpu: Sequence[int], rest: tuple[int, int, int]) -> Need:
    """Note where the peak is, which most comparisons are settled by."""
    peak = max(cpu)
    return Need(tuple(cpu), rest, peak, cpu.index(peak))


def sum_of(needs: Sequence[Need]) -> Need:
    """Add the needs of at least one workload, hour by hour."""
    memory, disk, io = (sum(need.rest[place] for need in needs) for place in range(3))
    hours = list(zip(*(need.cpu for need in needs), strict=True))
    return need_of([sum(hour) for hour in hours], (memory, disk, io))


class Overload(msgspec.Struct, frozen=True):
    """How much of a resource would be used, where it is too much; of CPU in the worst hour."""

    resource: Resource
    used: int
    usable: int
    hour: int | None

    def reason(self, code: str, **values: str | int) -> Reason:
        """Tell it under a code that ends in the resource and, where there is one, the weekday."""
        told: dict[str, str | int | float] = {**values, "used": self.used, "usable": self.usable}
        code = f"{code}_{self.resource.name.lower()}"
        if self.hour is None:
            return Reason(code, told)
        return at_hour(f"{code}_at", self.hour, told)


def at_hour(code: str, hour: int, values: Mapping[str, str | int | float]) -> Reason:
    """Tell something of an hour of the week, under the sentence of its weekday."""
    return Reason(f"{code}.{hour // 24}", {**values, "hour": hour % 24})


class Room:
    """A host with what stands on it; adding never refuses, so that a plan at fault can be told."""

    def __init__(self, host: Host, usable: Amounts, licences: Iterable[str], hours: int) -> None:
        self.host = host
        self.usable = usable
        self.licences = frozenset(licences)
        self.cpu = [0] * hours
        self.peak = 0
        self.left = [usable.memory_mib, usable.disk_gib, usable.io_per_s]
        self.standing: dict[str, int] = {}

    def holds(self, need: Need) -> bool:
        """Tell whether there is room for this too, at every hour."""
        if any(its > left for its, left in zip(need.rest, self.left, strict=True)):
            return False
        most = self.usable.cpu_milli
        if self.cpu[need.peak_at] + need.peak > most:
            return False
        return self.peak + need.peak <= most or max(map(add, self.cpu, need.cpu)) <= most

    def enter(self, need: Need, groups: Iterable[str] = ()) -> None:
        """Let something stand here, a member of these groups whose members stand apart."""
        self.cpu = list(map(add, self.cpu, need.cpu))
        self.peak = max(self.cpu)
        self.left = [left - its for left, its in zip(self.left, need.rest, strict=True)]
        for group in groups:
            self.standing[group] = self.standing.get(group, 0) + 1

    def leave(self, need: Need, groups: Iterable[str] = ()) -> None:
        """Take away what stood here."""
        self.cpu = list(map(sub, self.cpu, need.cpu))
        self.peak = max(self.cpu)
        self.left = [left + its for left, its in zip(self.left, need.rest, strict=True)]
        for group in groups:
            self.standing[group] -= 1

    def meets(self, groups: Iterable[str]) -> bool:
        """Tell whether another member of one of these groups stands here."""
        return any(self.standing.get(group) for group in groups)

    def overloads(self) -> list[Overload]:
        """List the resources of which more is used than may be."""
        found = []
        if self.peak > self.usable.cpu_milli:
            hour = self.cpu.index(self.peak) if len(self.cpu) > 1 else None
            found.append(Overload(Resource.CPU, self.peak, self.usable.cpu_milli, hour))
        most = (self.usable.memory_mib, self.usable.disk_gib, self.usable.io_per_s)
        rest = (Resource.MEMORY, Resource.DISK, Resource.IO)
        found += [
            Overload(resource, usable - left, usable, None)
            for resource, usable, left in zip(rest, most, self.left, strict=True)
            if left < 0
        ]
        return found


def usable_of(amounts: Amounts, policy: Policy) -> Amounts:
    """Return what may be used of a host, by the shares as they are written, rounded down.

    The planner has its own sum (``Policy.usable``), so that neither hides a mistake of the other.
    """
    return Amounts(
        _share_of(amounts.cpu_milli, policy.cpu_share),
        _share_of(amounts.memory_mib, policy.memory_share),
        _share_of(amounts.disk_gib, policy.disk_share),
        amounts.io_per_s,
    )


def _share_of(amount: int, share: float) -> int:
    return int(round(amount * Decimal(repr(share)), _SHARE_PLACES))


class Register:
    """An inventory by name, with the hosts of a plan.

    Attributes:
        hours: 168 where peaks are told hour by hour, else 1.
    """

    def __init__(self, inventory: Inventory, used_hosts: Iterable[Host]) -> None:
        self.inventory = inventory
        self.used = {host.name: host for host in used_hosts}
        self.hosts = {host.name: host for host in inventory.hosts} | self.used
        self.workloads = {workload.name: workload for workload in inventory.workloads}
        by_hour = inventory.policy.peaks and any(one.cpu_by_hour for one in inventory.workloads)
        self.hours = HOURS_OF_WEEK if by_hour else 1
        self.needs = {name: self._need(workload) for name, workload in self.workloads.items()}

    def _need(self, workload: Workload) -> Need:
        amounts = workload.amounts
        rest = (amounts.memory_mib, amounts.disk_gib, amounts.io_per_s)
        if self.hours > 1 and workload.cpu_by_hour:
            return need_of(workload.cpu_by_hour, rest)
        return need_of((amounts.cpu_milli,) * self.hours, rest)

    def room(self, host: Host) -> Room:
        """Return the host with nothing on it."""
        model = self.inventory.models[host.model]
        usable = usable_of(model.amounts, self.inventory.policy)
        return Room(host, usable, model.licences, self.hours)

    def rooms(self, hosts: Iterable[Host], placement: Mapping[str, str]) -> dict[str, Room]:
        """Return these hosts with what the placement puts on them."""
        rooms = {host.name: self.room(host) for host in hosts}
        for name, host_name in placement.items():
            if name in self.needs and host_name in rooms:
                rooms[host_name].enter(self.needs[name], groups_of(self.workloads[name]))
        return rooms


def groups_of(workload: Workload) -> tuple[str, ...]:
    """Return the group whose members stand apart, if it has one."""
    return (workload.apart,) if workload.apart else ()


def reason_wrong_site(workload: Workload, room: Room) -> Reason | None:
    """Say why the workload may not run on the host's site, if so."""
    if not workload.sites or room.host.site in workload.sites:
        return None
    return Reason(
        "site_not_allowed",
        {
            "workload": workload.name,
            "host": room.host.name,
            "site": room.host.site,
            "allowed": ", ".join(workload.sites),
        },
    )


def reason_no_licence(workload: Workload, room: Room) -> Reason | None:
    """Say that the host lacks the licence that the workload needs, if so."""
    if not workload.licence or workload.licence in room.licences:
        return None
    return Reason(
        "licence_missing",
        {"workload": workload.name, "host": room.host.name, "licence": workload.licence},
    )


def reason_not_owner(workload: Workload, room: Room) -> Reason | None:
    """Say that the host takes only the workloads of others, if so."""
    owners = room.host.organisations
    if not owners or workload.organisation in owners:
        return None
    return Reason(
        "owner_not_allowed",
        {
            "workload": workload.name,
            "host": room.host.name,
            "organisation": workload.organisation,
            "owners": ", ".join(owners),
        },
    )


def reason_not_admitted(workload: Workload, room: Room) -> Reason | None:
    """Say which rule keeps the workload off the host, whatever else stands there."""
    return (
        reason_wrong_site(workload, room)
        or reason_no_licence(workload, room)
        or reason_not_owner(workload, room)
    )
