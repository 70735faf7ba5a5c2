"""Where what was lost starts again: quick ways first, then harder ones, before anyone is stranded.

A false alarm would make a good plan look bad, so a unit is called stranded only after first fit and
best fit, the stranded placed first, all placements of a small loss within a bound, and a shuffle of
all places. Nothing is searched where the room left is too little in sum: then someone is stranded
whatever the order.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from beffroi.capacity.checking_rooms import Room
from beffroi.capacity.checking_shuffle import starts_shuffled
from beffroi.capacity.checking_units import Effort, Starts, Unit, part_left, size_of

_ROUNDS: Final = 6
_SMALL_LOSS: Final = 20


def emptiest_first(rooms: Iterable[Room]) -> list[Room]:
    """Put the room first that has most left: a spare takes all that a lost host of its kind had."""
    return sorted(rooms, key=lambda room: (-part_left(room), room.host.name))


def restarted(
    units: Sequence[Unit], rooms: Sequence[Room], effort: Effort
) -> tuple[Starts, list[Unit]]:
    """Find a host for each unit; the rooms are left as they were.

    Returns:
        Who starts where, and who is stranded.
    """
    possible = [unit for unit in units if any(unit.fits(room) for room in unit.admitted)]
    stranded = [unit for unit in units if unit not in possible]
    if not possible:
        return [], stranded
    largest = max(rooms, key=lambda room: room.usable.memory_mib)
    ordered = sorted(possible, key=lambda unit: (-size_of(unit.need, largest), unit.names))
    starts, left_over = _quickest(ordered)
    if left_over and not _too_little_room(possible, rooms):
        starts, left_over = _found_harder(ordered, effort) or (starts, left_over)
    return starts, stranded + left_over


def _too_little_room(units: Sequence[Unit], rooms: Sequence[Room]) -> bool:
    """Tell whether memory, disk, operations or an hour's CPU cannot suffice, however placed."""
    for place in range(3):
        left = sum(max(0, room.left[place]) for room in rooms)
        if sum(unit.need.rest[place] for unit in units) > left:
            return True
    needed = [sum(hour) for hour in zip(*(unit.need.cpu for unit in units), strict=True)]
    return any(
        hour > sum(max(0, room.usable.cpu_milli - room.cpu[at]) for room in rooms)
        for at, hour in enumerate(needed)
    )


def _quickest(ordered: list[Unit]) -> tuple[Starts, list[Unit]]:
    """Try first fit and best fit, each time with those first whom the time before stranded."""
    starts, stranded = _in_order(ordered, tightest=False)
    best = starts, stranded
    order = ordered
    for number in range(_ROUNDS):
        if not stranded:
            return starts, stranded
        first = set(stranded)
        order = [*stranded, *(unit for unit in order if unit not in first)]
        starts, stranded = _in_order(order, tightest=number % 2 == 0)
        if len(stranded) < len(best[1]):
            best = starts, stranded
    return best


def _in_order(order: list[Unit], *, tightest: bool) -> tuple[Starts, list[Unit]]:
    starts: Starts = []
    stranded = []
    for unit in [
        *(one for one in order if one.proposed),
        *(one for one in order if not one.proposed),
    ]:
        room = _room_for(unit, tightest=tightest)
        if room is None:
            stranded.append(unit)
        else:
            room.enter(unit.need, unit.groups)
            starts.append((unit, room))
    for unit, room in starts:
        room.leave(unit.need, unit.groups)
    return starts, stranded


def _room_for(unit: Unit, *, tightest: bool) -> Room | None:
    if unit.proposed:
        for room in unit.admitted:
            if room.host.name == unit.proposed and unit.fits(room):
                return room
    fitting = (room for room in unit.admitted if unit.fits(room))
    return min(fitting, key=part_left, default=None) if tightest else next(fitting, None)


def _found_harder(ordered: list[Unit], effort: Effort) -> tuple[Starts, list[Unit]] | None:
    if len(ordered) <= _SMALL_LOSS:
        effort.begin(2.0)
        search = _Search(ordered, effort)
        if search.starts is not None or effort.left > 0:
            return None if search.starts is None else (search.starts, [])
    effort.begin(1.0)
    shuffled = starts_shuffled(ordered, effort)
    return None if shuffled is None else (shuffled, [])


class _Search:
    """Every placement of few units, one after the other, until one holds or the effort is spent.

    Attributes:
        starts: A placement of all; none when there is none or it was not found in time.
    """

    def __init__(self, units: list[Unit], effort: Effort) -> None:
        self._effort = effort
        self._units = units
        self._taken: Starts = []
        found = self._placed_from(0)
        self.starts = list(self._taken) if found else None
        for unit, room in self._taken:
            room.leave(unit.need, unit.groups)

    def _placed_from(self, place: int) -> bool:
        if place == len(self._units):
            return True
        unit = self._units[place]
        alike: set[tuple[object, ...]] = set()
        for room in sorted(unit.admitted, key=part_left):
            if self._effort.left <= 0:
                return False
            self._effort.spend()
            likeness = _likeness(room)
            if likeness in alike or not unit.fits(room):
                continue
            alike.add(likeness)
            room.enter(unit.need, unit.groups)
            self._taken.append((unit, room))
            if self._placed_from(place + 1):
                return True
            self._taken.pop()
            room.leave(unit.need, unit.groups)
        return False


def _likeness(room: Room) -> tuple[object, ...]:
    """Return what makes two rooms exchangeable for all that may still come.

    Site, licences and owners decide who is admitted, what stands there and what is left who fits.
    """
    host = room.host
    standing = tuple(sorted(group for group, count in room.standing.items() if count))
    return host.site, host.model, host.organisations, tuple(room.left), tuple(room.cpu), standing
