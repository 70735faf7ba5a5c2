"""What the last numbers of an entity tell: how often it is measured, whether it stands still."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby, pairwise
from statistics import median
from typing import Final

import msgspec

LONGER_THAN_PERIOD: Final = 3.0
LONGER_THAN_PAUSE: Final = 1.5
GAPS_LEAST: Final = 6
SAME_LEAST: Final = 12
VARYING_LEAST: Final = 0.5

Point = tuple[datetime, float]


class Rhythm(msgspec.Struct, frozen=True):
    """How often something is measured.

    Attributes:
        period_s: The median of the times between measures.
        pause_s: The median of each day's longest one, such as a night.
    """

    period_s: float
    pause_s: float

    @property
    def silent_after_s(self) -> float:
        """Return how long nothing has to come for silence to be unusual."""
        return max(LONGER_THAN_PERIOD * self.period_s, LONGER_THAN_PAUSE * self.pause_s)


def rhythm_of(times: Sequence[datetime]) -> Rhythm | None:
    """Return the rhythm of instants in order; nothing where there are too few to tell."""
    gaps = [
        (after.date(), (after - before).total_seconds())
        for before, after in pairwise(times)
        if after > before
    ]
    if len(gaps) < GAPS_LEAST:
        return None
    longest = [max(gap for _, gap in day) for _, day in groupby(gaps, key=lambda one: one[0])]
    return Rhythm(median(gap for _, gap in gaps), median(longest))


def typical(rhythms: Sequence[Rhythm]) -> Rhythm | None:
    """Return the rhythm of most of several."""
    if not rhythms:
        return None
    return Rhythm(median(one.period_s for one in rhythms), median(one.pause_s for one in rhythms))


def standing(points: Sequence[Point]) -> int:
    """Count how many of the last values are the same."""
    if not points:
        return 0
    last = points[-1][1]
    count = 0
    for _, value in reversed(points):
        if value != last:
            break
        count += 1
    return count


def flat_lines(series: Mapping[str, Sequence[Point]]) -> dict[str, int]:
    """Tell which entities keep a value of one attribute while the others' varies.

    Args:
        series: The last numbers by entity, the oldest first.

    Returns:
        By entity, how many of its last values are the same: at least 12, while of the other
        entities that have 12 values at least half vary.
    """
    long = {entity: points for entity, points in series.items() if len(points) >= SAME_LEAST}
    still = {entity: standing(points) for entity, points in long.items()}
    flat = {entity: count for entity, count in still.items() if count >= SAME_LEAST}
    others = len(long) - 1
    if others < 1 or (len(long) - len(flat)) / others < VARYING_LEAST:
        return {}
    return flat
