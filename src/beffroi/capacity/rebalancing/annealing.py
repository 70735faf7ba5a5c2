"""One annealing: from a placement to a better one, within a time, never breaking a rule at its end.

Capacities are soft first, since where they are tight few moves are possible one by one: what
exceeds them costs a penalty that rises until, for the last part, none is worth it.
"""

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np

from beffroi.capacity.rebalancing.arrays import (
    HARD,
    Fixed,
    Ints,
    Moving,
    fits,
    moving_arrays,
    set_penalty,
)
from beffroi.capacity.rebalancing.compiled import anneal

Elapsed = Callable[[], float]
_STEPS_AT_ONCE: Final = 20_000
_HARD_FROM: Final = 0.9
_DESCENT_FROM: Final = 0.97


class Course(msgspec.Struct, frozen=True):
    """How an annealing goes.

    Attributes:
        seconds: How long, in all.
        hottest: First temperature, in units of cost.
        coldest: Last temperature.
        softest: First penalty of a unit beyond capacity, in units of cost.
        hardest: Last penalty while capacities are soft.
        mix: Which moves are tried, as ``compiled.anneal`` takes them.
    """

    seconds: float
    hottest: float
    coldest: float
    softest: float
    hardest: float
    mix: tuple[int, int, int, int]


class Found(msgspec.Struct, frozen=True):
    """A placement that breaks no rule, its cost, and how many moves were tried for it."""

    placement: Ints
    cost: int
    tried: int


def anneal_from(fixed: Fixed, start: Ints, course: Course, seed: int, elapsed: Elapsed) -> Found:
    """Look for a better placement.

    Args:
        fixed: The instance.
        start: A placement that breaks no rule.
        course: How the annealing goes.
        seed: Of the random numbers.
        elapsed: Seconds since some fixed point.

    Returns:
        The best placement found that breaks no rule; the start where none is better.
    """
    moving = moving_arrays(fixed, start, seed)
    best = Found(start, int(moving.totals[0]), 0)
    mix = np.array(course.mix)
    begun, tried = elapsed(), 0
    while (share := (elapsed() - begun) / course.seconds) < 1:
        set_penalty(fixed, moving, _penalty_at(course, share))
        anneal(fixed, moving, _temperature_at(course, share), _STEPS_AT_ONCE, mix)
        tried += _STEPS_AT_ONCE
        best = _better(fixed, moving, best)
    return Found(best.placement, best.cost, tried)


def _temperature_at(course: Course, share: float) -> float:
    if share >= _DESCENT_FROM or course.hottest <= 0:
        return 0.0
    return course.hottest * float((course.coldest / course.hottest) ** (share / _DESCENT_FROM))


def _penalty_at(course: Course, share: float) -> float:
    if share >= _HARD_FROM:
        return HARD
    return course.softest * float((course.hardest / course.softest) ** (share / _HARD_FROM))


def _better(fixed: Fixed, moving: Moving, best: Found) -> Found:
    if moving.totals[0] < best.cost and fits(fixed, moving):
        return Found(moving.machine.copy(), int(moving.totals[0]), best.tried)
    return best
