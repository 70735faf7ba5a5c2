"""What counters gained between two readings, and how it falls into slots of time; pure."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec


class Counter(msgspec.Struct, frozen=True):
    """A counter as read.

    Attributes:
        run: What it counts for: the counter of another run begins at 0.
    """

    run: str
    value: float
    at: datetime


class Continuity(StrEnum):
    """How a reading follows on the one before."""

    GOES_ON = "goes_on"
    BEGAN_ANEW = "began_anew"
    WENT_BACK = "went_back"


class Gain(msgspec.Struct, frozen=True):
    """What a counter gained since a moment; of whole numbers it is whole."""

    amount: float
    since: datetime
    continuity: Continuity


class SlotPart(msgspec.Struct, frozen=True):
    """The part of a time that lies in one slot.

    Attributes:
        done: Which part of the time has passed at its end; of the last one exactly 1.
    """

    start: datetime
    inside_s: float
    part: float
    done: float


def gained(earlier: Counter | None, later: Counter, watched_since: datetime | None) -> Gain | None:
    """Tell what a counter gained.

    The counter of another run began anew: all it shows was gained since anybody looked before. So
    was that of a counter which was not there then. One that goes back within its run gained
    nothing that can be told, and the next reading goes on from there.

    Args:
        earlier: The reading before, if there is one.
        later: The reading now.
        watched_since: When counters like it were read last, whichever they were.

    Returns:
        Nothing where nobody looked before: nobody knows since when the counter runs.
    """
    if earlier is not None and earlier.run == later.run:
        amount = later.value - earlier.value
        if amount < 0:
            return Gain(0, earlier.at, Continuity.WENT_BACK)
        return Gain(amount, earlier.at, Continuity.GOES_ON)
    if watched_since is None:
        return None
    return Gain(later.value, watched_since, Continuity.BEGAN_ANEW)


def slot_begin(moment: datetime, slot_s: int) -> datetime:
    """Return when the slot of a moment began; slots begin at multiples of their length."""
    return datetime.fromtimestamp(int(moment.timestamp()) // slot_s * slot_s, UTC)


def slot_parts(since: datetime, until: datetime, slot_s: int) -> list[SlotPart]:
    """Divide a time between slots; one that goes back, or lasts nothing, is all in the last."""
    duration_s = (until - since).total_seconds()
    if duration_s <= 0:
        return [SlotPart(slot_begin(until, slot_s), 0.0, 1.0, 1.0)]
    parts = []
    begin = slot_begin(since, slot_s)
    while begin < until:
        end = begin + timedelta(seconds=slot_s)
        last = min(end, until)
        inside_s = (last - max(begin, since)).total_seconds()
        done = (last - since).total_seconds() / duration_s
        parts.append(SlotPart(begin, inside_s, inside_s / duration_s, done))
        begin = end
    return parts


def whole_shares(amount: int, parts: Sequence[SlotPart]) -> list[int]:
    """Divide a whole number between the slots of a time; the shares add up to it exactly."""
    told = [round(amount * part.done) for part in parts]
    return [now - before for before, now in zip([0, *told], told, strict=False)]
