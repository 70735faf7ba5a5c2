"""Of answers with the same bins, one that moves fewer items."""

import time
from typing import Final

import numpy as np

from beffroi.capacity.packing.annealing import Schedule, anneal, begun, valid
from beffroi.capacity.packing.problem import IntArray, Packing
from beffroi.capacity.packing.rules import alike_bins, holds, moves_of
from beffroi.capacity.packing.terms import Terms, terms_of

# Parts of a bin; a lower price or a cooler start left more items away (measured on 300 items).
_HOTTEST: Final = 0.01
_COLDEST: Final = 1e-4
_LEAVING: Final = 0.01
_LEG: Final = 500_000


def with_fewer_moves(
    packing: Packing, place: IntArray, *, seed: int, steps: int, until_s: float
) -> IntArray:
    """Bring items of a valid assignment back to where they stood, as far as every rule holds.

    Bins that are alike are exchanged first; then the annealing runs twice with a price on every
    item away from home: from this assignment, and from the present placement.

    Args:
        packing: All its bins may be used.
        place: A valid assignment.
        seed: Of the random numbers.
        steps: Moves of each run.
        until_s: Reading of the monotonic clock after which no further leg is run.
    """
    exchanged = _exchanged(packing, place)
    stood = packing.preferred
    may = packing.allowed[np.arange(packing.items), packing.bin_class[stood % packing.bins]]
    home = np.where((stood < packing.bins) & may, stood, -1)
    terms = terms_of(packing)
    found = [_annealed(terms, begin, home, seed, steps, until_s) for begin in (home, exchanged)]
    valid_ones = [one for one in (place, exchanged, *found) if holds(packing, one)]
    return min(valid_ones, key=lambda one: moves_of(packing, one))


def _annealed(
    terms: Terms, begin: IntArray, home: IntArray, seed: int, steps: int, until_s: float
) -> IntArray:
    """Return the valid placement with fewest items away from home, or one that breaks rules."""
    state = begun(terms, begin, home, seed)
    if valid(state):
        state.best[:-1], state.best[-1] = state.place, state.tally[2]
    for begins in range(0, steps, _LEG):
        if time.monotonic() > until_s:
            break
        ends = min(begins + _LEG, steps)
        leg = Schedule(_HOTTEST, _COLDEST, begins, ends, steps, home, _LEAVING)
        anneal(terms, state, leg)
    return state.best[:-1]


def _exchanged(packing: Packing, place: IntArray) -> IntArray:
    """Number bins that are alike so that most items keep their number."""
    counts = np.zeros((packing.bins, packing.bins), dtype=np.int64)
    told = (packing.preferred >= 0) & (packing.preferred < packing.bins)
    np.add.at(counts, (place[told], packing.preferred[told]), 1)
    number = np.arange(packing.bins)
    for bins in alike_bins(packing):
        staying = counts[np.ix_(bins, bins)]
        order = np.argsort(-staying, axis=None, kind="stable")
        rows, columns = np.unravel_index(order, staying.shape)
        taken_rows, taken_columns = set[int](), set[int]()
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if row not in taken_rows and column not in taken_columns:
                taken_rows.add(row)
                taken_columns.add(column)
                number[bins[row]] = bins[column]
    return number[place]
