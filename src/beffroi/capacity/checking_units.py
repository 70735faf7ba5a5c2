"""What starts again after a loss, and how long one may look for its room."""

from typing import Final

import msgspec

from beffroi.capacity.checking_rooms import Need, Room

_STEPS_FOR_ONE_LOSS: Final = 30_000
_STEPS_IN_ALL: Final = 150_000
_HOURS_PER_STEP: Final = 100  # a step over 168 hours takes about three times as long as one over 1

Starts = list[tuple["Unit", Room]]


class Unit(msgspec.Struct, frozen=True, eq=False):
    """Workloads that start again on one host.

    Attributes:
        groups: Groups ``apart`` of its members.
        admitted: Hosts whose site, licences and owners suit all of them, first choice first.
        proposed: The host that the planner would take; empty: none.
    """

    names: tuple[str, ...]
    need: Need
    groups: tuple[str, ...]
    admitted: tuple[Room, ...]
    proposed: str = ""

    def fits(self, room: Room) -> bool:
        """Tell whether the room holds this too and no member of its groups stands there."""
        return room.holds(self.need) and not room.meets(self.groups)


class Effort:
    """How many steps may still be tried once the quick ways have failed.

    Attributes:
        left: For the search that is under way.
    """

    def __init__(self, hours: int) -> None:
        """Allow fewer steps where each looks at more hours."""
        self.left = 0
        self._part = 1 / (1 + hours / _HOURS_PER_STEP)
        self._in_all = int(_STEPS_IN_ALL * self._part)

    def begin(self, part: float) -> None:
        """Give a search its part of what one loss may take, while there is any left."""
        self.left = min(self._in_all, int(_STEPS_FOR_ONE_LOSS * self._part * part))

    def spend(self) -> None:
        """Count one step."""
        self.left -= 1
        self._in_all -= 1


def part_left(room: Room) -> float:
    """Return which part is left of the host's scarcest resource."""
    usable = room.usable
    most = (usable.memory_mib, usable.disk_gib, usable.io_per_s)
    parts = [left / all_ for left, all_ in zip(room.left, most, strict=True) if all_]
    return min([*parts, 1 - room.peak / max(1, usable.cpu_milli)])


def size_of(need: Need, room: Room) -> float:
    """Return which part of the host's scarcest resource this takes."""
    usable = room.usable
    most = (usable.memory_mib, usable.disk_gib, usable.io_per_s)
    parts = [its / all_ for its, all_ in zip(need.rest, most, strict=True) if all_]
    return max([*parts, need.peak / max(1, usable.cpu_milli)])
