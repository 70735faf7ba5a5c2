"""Losses replayed: what is lost starts again on what is left, and nothing else moves.

Room is that of the plan: ``Policy.usable``, CPU at each hour of the week. Wherever a workload
starts again, ``apart`` (distinct hosts), ``sites``, ``licence`` and ``organisations`` hold, and
those of a group ``together`` that start again do so on one host. ``across_sites`` is not asked
for while a site is lost; after the loss of a host it holds by itself.

*Loss of a host*, when ``Policy.spare_hosts`` is 1 or more: each used host is lost alone, and all
its workloads start again on the other used hosts of the same site, whatever their criticality. A
site's loss does not touch the others, so one host of each site may be lost at once. Above 1, that
many hosts of one site are lost together: every such set where there are at most ``_SETS_OF_HOSTS``,
else the fullest ones by each resource and those that follow each other in fullness. Of these sets
the replays are given that strand something, and one of each site's fullest; ``lost`` joins the
names by `` + ``. ``sets_of_hosts`` tells how many sets are tried of how many there are.

*Loss of a site*, when ``Policy.site_loss`` is not IGNORED: its critical workloads start again on
the other sites' used hosts. SHED: the sheddable ones of the other sites are stopped first; those
for which there is room on their own host afterwards go on there, the smallest first, the others
wait. KEEP: the other sites keep all they have. Sheddable workloads of the lost site wait in both.

*Who waits* (``Replay.shed``) although nobody may stop it: a workload that is ``fixed`` to a host
that is lost, and one whose ``sites`` are all lost. Its own rule forbids it to run elsewhere, so it
is told and is no fault of the plan. A licence or an owner's host that is lost with no other like it
is one: the workload is ``stranded``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from math import comb

import msgspec

from beffroi.capacity.checking_restarts import emptiest_first, restarted
from beffroi.capacity.checking_rooms import (
    Register,
    Room,
    groups_of,
    reason_not_admitted,
    sum_of,
)
from beffroi.capacity.checking_units import Effort, Unit, size_of
from beffroi.capacity.model import Criticality, Host, Replay, SiteLoss, Workload

_SETS_OF_HOSTS = 1770  # all pairs of 60 hosts
_SETS_TOLD = 20


class _Losses:
    """The placement that every loss begins from; each one leaves it as it was."""

    def __init__(
        self, register: Register, placement: Mapping[str, str], proposed: Iterable[Replay]
    ) -> None:
        self.register = register
        self.rooms = register.rooms(register.used.values(), placement)
        self.proposed = {(one.lost, one.is_site): one.restarted for one in proposed}
        self.effort = Effort(register.hours)
        self.standing: dict[str, list[Workload]] = {name: [] for name in self.rooms}
        for name, workload in register.workloads.items():
            if placement.get(name) in self.rooms:
                self.standing[placement[name]].append(workload)

    def of_hosts(self, lost: Sequence[Host]) -> Replay:
        """Lose hosts of one site."""
        gone = {host.name for host in lost}
        workloads = self._on(lost)
        rooms = [
            room
            for name, room in self.rooms.items()
            if room.host.site == lost[0].site and name not in gone
        ]
        waiting = [workload.name for workload in workloads if workload.fixed]
        needed = [workload for workload in workloads if not workload.fixed]
        return self._restart(" + ".join(sorted(gone)), needed, rooms, waiting, is_site=False)

    def of_site(self, site: str) -> Replay:
        """Lose a site, with all its hosts."""
        lost = [host for host in self.register.used.values() if host.site == site]
        left = [room for room in self.rooms.values() if room.host.site != site]
        needed, waiting = [], []
        for workload in self._on(lost):
            elsewhere = not workload.sites or set(workload.sites) - {site}
            critical = workload.criticality is Criticality.CRITICAL
            if critical and elsewhere and not workload.fixed:
                needed.append(workload)
            else:
                waiting.append(workload.name)
        if self.register.inventory.policy.site_loss is SiteLoss.KEEP:
            return self._restart(site, needed, left, waiting, is_site=True)
        return self._with_stops(site, needed, left, waiting)

    def _with_stops(
        self, site: str, needed: list[Workload], left: list[Room], waiting: list[str]
    ) -> Replay:
        stopped = [
            (workload, room)
            for room in left
            for workload in self.standing[room.host.name]
            if workload.criticality is Criticality.SHEDDABLE
        ]
        for workload, room in stopped:
            room.leave(self.register.needs[workload.name], groups_of(workload))
        back = _Return(self.register, stopped)
        replay = self._restart(site, needed, left, waiting, is_site=True, then=back.into_room_left)
        for workload, room in stopped:
            room.enter(self.register.needs[workload.name], groups_of(workload))
        return replay

    def _on(self, hosts: Iterable[Host]) -> list[Workload]:
        return [workload for host in hosts for workload in self.standing[host.name]]

    def _restart(
        self,
        lost: str,
        needed: Sequence[Workload],
        rooms: Sequence[Room],
        waiting: list[str],
        *,
        is_site: bool,
        then: Callable[[], list[str]] = list,
    ) -> Replay:
        units = self._units(needed, emptiest_first(rooms), self.proposed.get((lost, is_site), {}))
        starts, stranded = restarted(units, rooms, self.effort)
        for unit, room in starts:
            room.enter(unit.need, unit.groups)
        shed = [*waiting, *then()]
        for unit, room in starts:
            room.leave(unit.need, unit.groups)
        return Replay(
            lost,
            is_site,
            {name: room.host.name for unit, room in starts for name in unit.names},
            tuple(sorted(shed)),
            tuple(sorted(name for unit in stranded for name in unit.names)),
        )

    def _units(
        self, needed: Sequence[Workload], rooms: Sequence[Room], proposal: Mapping[str, str]
    ) -> list[Unit]:
        """Gather those who start again on one host."""
        members: dict[tuple[str, str], list[Workload]] = {}
        for workload in needed:
            key = ("together", workload.together) if workload.together else ("", workload.name)
            members.setdefault(key, []).append(workload)
        return [
            Unit(
                names=tuple(workload.name for workload in group),
                need=sum_of([self.register.needs[workload.name] for workload in group]),
                groups=tuple(name for workload in group for name in groups_of(workload)),
                admitted=tuple(
                    room
                    for room in rooms
                    if all(reason_not_admitted(workload, room) is None for workload in group)
                ),
                proposed=proposal.get(group[0].name, ""),
            )
            for group in members.values()
        ]


class _Return:
    """Sheddable workloads that go on after a site's loss where there is room left."""

    def __init__(self, register: Register, stopped: list[tuple[Workload, Room]]) -> None:
        self._register = register
        self._stopped = sorted(
            stopped, key=lambda one: (size_of(register.needs[one[0].name], one[1]), one[0].name)
        )

    def into_room_left(self) -> list[str]:
        """Name those that have to wait; the rooms are left as they were."""
        waiting, back = [], []
        for workload, room in self._stopped:
            need, groups = self._register.needs[workload.name], groups_of(workload)
            if room.holds(need) and not room.meets(groups):
                room.enter(need, groups)
                back.append((room, need, groups))
            else:
                waiting.append(workload.name)
        for room, need, groups in back:
            room.leave(need, groups)
        return waiting


def losses_replayed(
    register: Register, placement: Mapping[str, str], proposed: Iterable[Replay]
) -> tuple[Replay, ...]:
    """Replay each host's loss, then sets of hosts, then each site's, as the policy asks."""
    policy = register.inventory.policy
    losses = _Losses(register, placement, proposed)
    replays: list[Replay] = []
    if policy.spare_hosts:
        replays += [losses.of_hosts([host]) for host in register.used.values()]
    if policy.spare_hosts > 1:
        for site in register.inventory.sites:
            replays += _sets_lost(losses, site, policy.spare_hosts)
    if policy.site_loss is not SiteLoss.IGNORED:
        replays += [losses.of_site(site) for site in register.inventory.sites]
    return tuple(replays)


class SetsOfHosts(msgspec.Struct, frozen=True):
    """How many sets of hosts of one site may be lost at once, and how many of them are tried."""

    tried: int
    of: int


def sets_of_hosts(register: Register, placement: Mapping[str, str]) -> SetsOfHosts:
    """Count the sets of ``Policy.spare_hosts`` hosts over all sites."""
    count = register.inventory.policy.spare_hosts
    sites: dict[str, list[Host]] = {}
    for host in register.used.values() if count else ():
        sites.setdefault(host.site, []).append(host)
    there = [comb(len(hosts), min(count, len(hosts))) for hosts in sites.values()]
    if max(there, default=0) <= _SETS_OF_HOSTS:
        return SetsOfHosts(sum(there), sum(there))
    losses = _Losses(register, placement, ())
    tried = (sum(1 for _ in _sets_of(losses, hosts, count)) for hosts in sites.values())
    return SetsOfHosts(sum(tried), sum(there))


def _sets_lost(losses: _Losses, site: str, count: int) -> list[Replay]:
    hosts = [host for host in losses.register.used.values() if host.site == site]
    fullest: Replay | None = None
    told: list[Replay] = []
    for lost in _sets_of(losses, hosts, count):
        replay = losses.of_hosts(lost)
        fullest = fullest or replay
        if replay.stranded and len(told) < _SETS_TOLD:
            told.append(replay)
    return told or ([fullest] if fullest else [])


def _sets_of(losses: _Losses, hosts: list[Host], count: int) -> Iterator[tuple[Host, ...]]:
    """Give the sets that are tried, the fullest by memory first."""
    if not hosts:
        return
    count = min(count, len(hosts))
    by_fullness = [
        sorted(hosts, key=lambda host: fullness(losses.rooms[host.name]), reverse=True)
        for fullness in (_memory_used, _cpu_used, _disk_used)
    ]
    if comb(len(hosts), count) <= _SETS_OF_HOSTS:
        yield from combinations(by_fullness[0], count)
        return
    tried: set[frozenset[str]] = set()
    for order in by_fullness:
        for first in range(len(order) - count + 1):
            lost = tuple(order[first : first + count])
            names = frozenset(host.name for host in lost)
            if names not in tried:
                tried.add(names)
                yield lost


def _memory_used(room: Room) -> int:
    return room.usable.memory_mib - room.left[0]


def _cpu_used(room: Room) -> int:
    return room.peak


def _disk_used(room: Room) -> int:
    return room.usable.disk_gib - room.left[1]
