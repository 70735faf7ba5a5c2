"""Figures of an hour or a day that part of what they were reckoned from has left; pure."""

from collections.abc import Callable
from typing import Final

import msgspec


class Spread(msgspec.Struct, frozen=True):
    """What some instances come to.

    Attributes:
        instances: Also those that are no numbers.
        deviations: The sum of squares of what the numbers differ by from their mean.
    """

    instances: int = 0
    numbers: int = 0
    low: float | None = None
    high: float | None = None
    total: float | None = None
    squares: float | None = None
    deviations: float | None = None


NOTHING: Final = Spread()


def corrected(kept: Spread, before: Spread, after: Spread) -> Spread:
    """Put what is there after a correction in the place of what was there before.

    Args:
        kept: What was reckoned of all instances, most of which are not there any more.
        before: What those came to that were still there.
        after: What they come to now.

    Returns:
        The figures of what has gone and of what is there now. A least or greatest number that was
        that of all, and was still there, stays: whether another has it cannot be told any more.
    """
    gone = _without(kept, before)
    if not after.numbers:
        return msgspec.structs.replace(gone, instances=gone.instances + after.instances)
    if not gone.numbers:
        return msgspec.structs.replace(after, instances=gone.instances + after.instances)
    return Spread(
        instances=gone.instances + after.instances,
        numbers=gone.numbers + after.numbers,
        low=_of_both(min, gone.low, after.low),
        high=_of_both(max, gone.high, after.high),
        total=_sum(gone.total, after.total),
        squares=_sum(gone.squares, after.squares),
        deviations=_sum(_sum(gone.deviations, after.deviations), _apart(gone, after)),
    )


def _without(kept: Spread, before: Spread) -> Spread:
    if not before.numbers:
        return msgspec.structs.replace(kept, instances=kept.instances - before.instances)
    if kept.numbers <= before.numbers:
        return Spread(instances=kept.instances - before.instances)
    gone = Spread(
        instances=kept.instances - before.instances,
        numbers=kept.numbers - before.numbers,
        low=kept.low,
        high=kept.high,
        total=_difference(kept.total, before.total),
        squares=_difference(kept.squares, before.squares),
    )
    deviations = _difference(_difference(kept.deviations, before.deviations), _apart(gone, before))
    return msgspec.structs.replace(
        gone, deviations=None if deviations is None else max(0.0, deviations)
    )


def _apart(one: Spread, other: Spread) -> float | None:
    """Return what the deviations of two sets together have beyond those of each.

    Source: Chan, Golub, LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample
    Variances, 1979.
    """
    if one.total is None or other.total is None:
        return None
    apart = one.total / one.numbers - other.total / other.numbers
    return apart * apart * one.numbers * other.numbers / (one.numbers + other.numbers)


def _of_both(
    choose: Callable[[float, float], float], one: float | None, other: float | None
) -> float | None:
    if one is None or other is None:
        return one if other is None else other
    return choose(one, other)


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other
