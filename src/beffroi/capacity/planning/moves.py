"""The way from the present placement to the planned one, which holds at every step.

A workload that moves holds its room on the host it enters before it frees that on the one it
leaves. Where no move has room, one of those that wait is parked on a third host; where that has no
room either, one is stopped, so that the others can pass, and started again afterwards.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby

import msgspec
import numpy as np

from beffroi.capacity.model import HOURS_OF_WEEK, Host, Inventory, Move, Workload
from beffroi.capacity.packing.problem import IntArray
from beffroi.capacity.planning.blocks import Blocks, blocks_of

_NOWHERE = -1
_HOUR_S = 3600


class Way(msgspec.Struct, frozen=True):
    """Moves in their order.

    Attributes:
        stopped: Workloads that have to be stopped for others to pass: a move without a target,
            then one without an origin.
    """

    moves: tuple[Move, ...]
    stopped: tuple[str, ...]


def way_to(inventory: Inventory, placement: Mapping[str, str], hosts: Sequence[Host]) -> Way:
    """Order the moves, least downtime first, in waves of those that may run side by side.

    Args:
        inventory: Where workloads stand now, and the rules that hold on the way too.
        placement: Where each is to stand.
        hosts: Those that the plan uses.
    """
    return _Yard(inventory, placement, hosts).way()


class _Yard:
    """Hosts with what stands on them, and the workloads that are not where they should be."""

    def __init__(
        self, inventory: Inventory, placement: Mapping[str, str], hosts: Sequence[Host]
    ) -> None:
        by_name = {host.name: host for host in (*inventory.hosts, *hosts)}
        self._hosts = list(by_name.values())
        places = {name: place for place, name in enumerate(by_name)}
        self._workloads = inventory.workloads
        alone = _alone(inventory)
        self._need = np.concatenate([alone.rest, alone.cpu], axis=1)
        self._needs = alone.needs
        self._models = inventory.models
        self._usable = _usable(inventory, self._hosts, self._need.shape[1])
        self._where = [places.get(one.host, _NOWHERE) for one in self._workloads]
        self._target = [places[placement[one.name]] for one in self._workloads]
        self._load = np.zeros_like(self._usable)
        self._groups: list[Counter[str]] = [Counter() for _ in self._hosts]
        for number, host in enumerate(self._where):
            if host != _NOWHERE:
                self._enter(number, host)
        self._parked: set[int] = set()
        self._stopped: list[int] = []
        self._moves: list[Move] = []
        self._wave = 0

    def way(self) -> Way:
        pending = [
            number for number, host in enumerate(self._where) if host != self._target[number]
        ]
        pending.sort(key=self._ease)
        while pending:
            wave = self._side_by_side(pending)
            if wave:
                self._run(wave)
                done = {number for number, _ in wave}
                pending = [number for number in pending if number not in done]
            else:
                self._make_way(pending)
        return Way(
            _with_outages(self._moves),
            tuple(self._workloads[number].name for number in self._stopped),
        )

    def _ease(self, number: int) -> tuple[int, int, str]:
        """Put first what stops least, then what leaves most room."""
        one = self._workloads[number]
        return one.downtime_s, -one.amounts.memory_mib, one.name

    def _side_by_side(self, pending: Sequence[int]) -> list[tuple[int, int]]:
        """Choose moves that have room while none of them has freed any."""
        wave = []
        for number in pending:
            target = self._target[number]
            if self._has_room(number, target):
                self._enter(number, target)
                wave.append((number, target))
        return wave

    def _run(self, wave: Sequence[tuple[int, int]], *, parked: bool = False) -> None:
        """Write the moves of a wave, whose arrivals hold their room already, and free the rest."""
        self._wave += 1
        timed = [(hour_for(self._workloads[number]), number, host) for number, host in wave]
        timed.sort(key=lambda one: -1 if one[0] is None else one[0])
        for hour, number, target in timed:
            origin = self._where[number]
            self._write(number, origin, self._hosts[target].name, hour, parked=parked)
            if origin != _NOWHERE:
                self._leave(number, origin)
            self._where[number] = target

    def _write(
        self, number: int, origin: int, target: str, hour: int | None, *, parked: bool
    ) -> None:
        one = self._workloads[number]
        runs = origin != _NOWHERE
        self._moves.append(
            Move(
                number=len(self._moves) + 1,
                wave=self._wave,
                workload=one.name,
                origin=self._hosts[origin].name if runs else "",
                target=target,
                downtime_s=one.downtime_s if runs else 0,
                parked=parked,
                hour=hour if runs else None,
            )
        )

    def _make_way(self, pending: Sequence[int]) -> None:
        """Park a workload that stands in the way of another; stop it where it has no room."""
        leaving = [number for number in pending if self._where[number] != _NOWHERE]
        opening = [number for number in leaving if self._lets_pass(number, pending)]
        wanted = {self._target[number] for number in pending}
        blocking = [number for number in leaving if self._where[number] in wanted]
        for number in (*opening, *blocking):
            stop = _NOWHERE if number in self._parked else self._free_place(number, wanted)
            if stop != _NOWHERE:
                self._parked.add(number)
                self._enter(number, stop)
                self._run([(number, stop)], parked=True)
                return
        self._stop(next(iter((*opening, *blocking))))

    def _stop(self, number: int) -> None:
        self._wave += 1
        origin = self._where[number]
        self._write(number, origin, "", hour_for(self._workloads[number]), parked=True)
        self._leave(number, origin)
        self._where[number] = _NOWHERE
        self._stopped.append(number)

    def _lets_pass(self, number: int, pending: Sequence[int]) -> bool:
        """Tell whether another could move if this one were gone."""
        host = self._where[number]
        self._leave(number, host)
        passes = any(
            self._target[other] == host and other != number and self._has_room(other, host)
            for other in pending
        )
        self._enter(number, host)
        return passes

    def _free_place(self, number: int, wanted: set[int]) -> int:
        """Find a host to park on, one that nobody waits for if there is one."""
        needs = self._needs[number]
        places = (
            place
            for place, host in enumerate(self._hosts)
            if place != self._where[number]
            and not host.switched_off
            and needs.met_by(host, self._models[host.model])
            and self._has_room(number, place)
        )
        return min(places, key=lambda place: (place in wanted, place), default=_NOWHERE)

    def _has_room(self, number: int, host: int) -> bool:
        group = self._workloads[number].apart
        if group and self._groups[host][group]:
            return False
        return bool((self._load[host] + self._need[number] <= self._usable[host]).all())

    def _enter(self, number: int, host: int) -> None:
        self._load[host] += self._need[number]
        if self._workloads[number].apart:
            self._groups[host][self._workloads[number].apart] += 1

    def _leave(self, number: int, host: int) -> None:
        self._load[host] -= self._need[number]
        if self._workloads[number].apart:
            self._groups[host][self._workloads[number].apart] -= 1


def _with_outages(moves: Sequence[Move]) -> tuple[Move, ...]:
    """Tell at each stop which move ends it, and how long it lasts at least."""
    stops: dict[str, int] = {}
    told = list(moves)
    for place, move in enumerate(moves):
        if not move.target:
            stops[move.workload] = place
        elif move.workload in stops:
            stopped = stops.pop(move.workload)
            waited_s = _waited_s(moves[stopped].hour, moves[stopped + 1 : place])
            told[stopped] = msgspec.structs.replace(
                moves[stopped],
                downtime_s=moves[stopped].downtime_s + waited_s,
                until=move.number,
            )
    return tuple(told)


def _waited_s(hour: int | None, between: Sequence[Move]) -> int:
    """Return how long moves take at least: what they stop, or the hours they wait for.

    Args:
        hour: Of the week, in which the waiting begins; absent: at any.
        between: The moves, wave after wave.
    """
    stopped_s, waited_h = 0, 0
    for _, wave in groupby(between, key=lambda move: move.wave):
        moves = list(wave)
        stopped_s += max(move.downtime_s for move in moves)
        hours = {move.hour for move in moves if move.hour is not None}
        if hours and hour is not None:
            waits_h = max((its - hour) % HOURS_OF_WEEK for its in hours)
            waited_h += waits_h
            hour = (hour + waits_h) % HOURS_OF_WEEK
        elif hours:
            hour = hours.pop() if len(hours) == 1 else None
    # The first move may begin at the end of its hour.
    return max(stopped_s, (waited_h - 1) * _HOUR_S)


def _alone(inventory: Inventory) -> Blocks:
    """Take each workload by itself: together is not asked for on the way."""
    workloads = [msgspec.structs.replace(one, together="") for one in inventory.workloads]
    return blocks_of(msgspec.structs.replace(inventory, workloads=tuple(workloads)))


def _usable(inventory: Inventory, hosts: Sequence[Host], width: int) -> IntArray:
    rows = np.zeros((len(hosts), width), dtype=np.int64)
    for row, host in zip(rows, hosts, strict=True):
        usable = inventory.policy.usable(inventory.models[host.model].amounts)
        row[:3] = usable.memory_mib, usable.disk_gib, usable.io_per_s
        row[3:] = usable.cpu_milli
    return rows


def hour_for(workload: Workload) -> int | None:
    """Choose the quietest hour of the windows, the first of them if nobody measured."""
    if not workload.windows:
        return None
    load = workload.cpu_by_hour
    return min(workload.windows, key=lambda hour: (load[hour] if load else 0, hour))
