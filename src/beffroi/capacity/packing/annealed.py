"""Runs of the annealing under a deadline."""

import time
from typing import Final

import numpy as np

from beffroi.capacity.packing.annealing import Schedule, anneal, begun, valid
from beffroi.capacity.packing.bounds import is_possible
from beffroi.capacity.packing.greedy import DOT_PRODUCT, filled
from beffroi.capacity.packing.problem import IntArray, Packing
from beffroi.capacity.packing.terms import terms_of

# Parts of a bin. Cooler starts find less often what exists (measured on 300 and 3,000 items).
_HOTTEST: Final = 0.02
_COLDEST: Final = 1e-4
# Steps between two looks at the clock; a multiple of what the annealing cools after.
_LEG: Final = 500_000


def annealed(packing: Packing, seed: int, steps: int, until_s: float) -> IntArray:
    """Return the last placement of a run into all bins; it may break rules.

    Where a bound says that there is no valid one, every item is left out (-1).

    Args:
        packing: All its bins may be used.
        seed: Of the random numbers.
        steps: Moves tried at most; the run ends with the first valid placement.
        until_s: Reading of the monotonic clock after which it ends.
    """
    if not is_possible(packing):
        return np.full(packing.items, -1, dtype=np.int64)
    return cooled(packing, seed, steps, until_s)


def cooled(packing: Packing, seed: int, steps: int, until_s: float) -> IntArray:
    """Return the last placement of a run, as ``annealed`` does, even where none is valid.

    An item that no bin is allowed for is left out (-1).
    """
    homed = packing.allowed[:, packing.bin_class].any(axis=1)
    if not homed.all():
        some, place = np.nonzero(homed)[0], np.full(packing.items, -1, dtype=np.int64)
        if len(some):
            place[some] = cooled(packing.part(some, np.arange(packing.bins)), seed, steps, until_s)
        return place
    terms = terms_of(packing)
    nowhere = np.full(packing.items, -1, dtype=np.int64)
    state = begun(terms, filled(terms, terms.weight**2, DOT_PRODUCT), nowhere, seed)
    if valid(state):
        return state.place
    for begins in range(0, steps, _LEG):
        ends = min(begins + _LEG, steps)
        leg = Schedule(_HOTTEST, _COLDEST, begins, ends, steps, nowhere, 0.0)
        if anneal(terms, state, leg) or time.monotonic() > until_s:
            break
    return state.place
