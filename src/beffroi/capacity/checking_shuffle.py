"""A shuffle of places: all that starts again stands somewhere, and overfull hosts are relieved.

Simulated annealing over the sum of what hosts carry too much, each resource as a part of what may
be used of it, and of pairs that may not meet. Same seed, same steps: the same answer twice.
"""

import random
from math import exp
from typing import Final

from beffroi.capacity.checking_rooms import Room
from beffroi.capacity.checking_units import Effort, Starts, Unit

_WARM: Final = 0.05
_COLD: Final = 0.0005
_RELOCATIONS: Final = 0.45
_MEETING: Final = 0.1


def starts_shuffled(units: list[Unit], effort: Effort) -> Starts | None:
    """Find a place for all of them; the rooms are left as they were."""
    shuffle = _Shuffle(units, effort)
    starts = shuffle.settled()
    for unit, room in shuffle.where.items():
        room.leave(unit.need, unit.groups)
    return starts


class _Shuffle:
    def __init__(self, units: list[Unit], effort: Effort) -> None:
        self._units = units
        self._effort = effort
        self._chance = random.Random(len(units))  # noqa: S311 - not for secrets
        self.where: dict[Unit, Room] = {}
        for unit in units:
            self._enter(unit, min(unit.admitted, key=lambda room: self._burden_with(unit, room)))

    def settled(self) -> Starts | None:
        """Move one or swap two until nothing is too full."""
        rooms = {id(room): room for unit in self._units for room in unit.admitted}
        total = sum(_burden(room) for room in rooms.values())
        steps = max(1, self._effort.left)
        cooling = (_COLD / _WARM) ** (1 / steps)
        warmth = _WARM
        while self._effort.left > 0:
            if total < 1e-9 and all(_burden(room) == 0 for room in rooms.values()):
                return list(self.where.items())
            self._effort.spend()
            warmth *= cooling
            total += self._step(warmth)
        return None

    def _step(self, warmth: float) -> float:
        """Try one change; return what it adds to the burden."""
        unit = self._chance.choice(self._units)
        here = self.where[unit]
        if self._chance.random() < _RELOCATIONS:
            moves = [(unit, self._chance.choice(unit.admitted))]
        else:
            other = self._chance.choice(self._units)
            there = self.where[other]
            if here not in other.admitted or there not in unit.admitted:
                return 0.0
            moves = [(unit, there), (other, here)]
        there = moves[0][1]
        if there is here:
            return 0.0
        before = _burden(here) + _burden(there)
        self._change(moves)
        added = _burden(here) + _burden(there) - before
        if added > 0 and self._chance.random() >= exp(-added / warmth):
            self._change([(unit, here), *((other, there) for other, _ in moves[1:])])
            return 0.0
        return added

    def _change(self, moves: list[tuple[Unit, Room]]) -> None:
        for unit, _ in moves:
            self.where[unit].leave(unit.need, unit.groups)
        for unit, room in moves:
            self._enter(unit, room)

    def _enter(self, unit: Unit, room: Room) -> None:
        room.enter(unit.need, unit.groups)
        self.where[unit] = room

    def _burden_with(self, unit: Unit, room: Room) -> float:
        before = _burden(room)
        room.enter(unit.need, unit.groups)
        after = _burden(room)
        room.leave(unit.need, unit.groups)
        return after - before


def _burden(room: Room) -> float:
    """Return how much too full a room is, and how many meet in it who may not."""
    usable = room.usable
    over = max(0, room.peak - usable.cpu_milli) / max(1, usable.cpu_milli)
    for left, most in zip(
        room.left, (usable.memory_mib, usable.disk_gib, usable.io_per_s), strict=True
    ):
        over -= min(0, left) / max(1, most)
    return over + _MEETING * sum(count - 1 for count in room.standing.values() if count > 1)
