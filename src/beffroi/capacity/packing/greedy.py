"""Twelve greedy runs: two that choose a bin for each item, two that choose items for each bin."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from beffroi.capacity.packing.compiled import compiled
from beffroi.capacity.packing.problem import BoolArray, FloatArray, IntArray
from beffroi.capacity.packing.terms import Terms

FIRST_FIT: Final = 0
BEST_FIT: Final = 1
DOT_PRODUCT: Final = 2
RESIDUAL: Final = 3
_NO_BIN: Final = -1
_NOBODY: Final = -1
# Multiplications after which no further run begins: about a second.
_MOST_WORK: Final = 1e9


def greedy_runs(terms: Terms) -> Iterator[IntArray]:
    """Place all items by each rule and weighting; -1 where an item found no bin.

    First fit and best fit take the items by falling size; dot product and smallest residual fill
    one bin after the other. Each runs with three weightings of the dimensions: by scarcity, the
    largest share alone, and equal. Very large problems get only the first runs.

    Source: Panigrahy, Talwar, Uyeda, Wieder, Heuristics for vector bin packing, 2011.
    """
    shares = terms.demand[:-1] * terms.weight
    scarcity = shares.sum(axis=0) / max(float(shares.sum()), 1e-9) * shares.shape[1]
    equal = np.ones_like(scarcity)
    sizes = (shares @ scarcity, shares.max(axis=1), shares.sum(axis=1))
    weightings = (scarcity, scarcity**2, equal)
    work = 0.0
    for size, weighting in zip(sizes, weightings, strict=True):
        order = np.lexsort((-terms.group, -size)).astype(np.int64)
        for by_bin, rules in ((False, (FIRST_FIT, BEST_FIT)), (True, (DOT_PRODUCT, RESIDUAL))):
            work += terms.demand.size * (len(terms.demand) if by_bin else len(terms.capacity))
            if work > _MOST_WORK and by_bin:
                return
            for rule in rules:
                if by_bin:
                    yield filled(terms, weighting * terms.weight**2, rule)
                else:
                    yield placed(terms, order, rule)


@compiled
def placed(terms: Terms, order: IntArray, rule: int) -> IntArray:
    """Place items one by one in the bins opened so far, else open the next that takes them.

    ``FIRST_FIT`` takes the first bin that fits; ``BEST_FIT`` the one with least room left.
    """
    bins = len(terms.capacity)
    free, taken, place = _begun(terms)
    opened = place.max() + 1
    for item in order:
        if place[item] != _NO_BIN:
            continue
        best, least = _NO_BIN, np.inf
        for number in range(bins):
            if best != _NO_BIN and (number >= opened or rule == FIRST_FIT):
                break
            if not _fits(terms, free, taken, item, number):
                continue
            room = 0.0
            for dimension in range(free.shape[1]):
                room += free[number, dimension] * terms.weight[dimension]
            if room < least:
                best, least = number, room
        if best != _NO_BIN:
            opened = max(opened, best + 1)
            _put(terms, free, taken, item, best)
            place[item] = best
    return place


@compiled
def filled(terms: Terms, weighting: FloatArray, rule: int) -> IntArray:
    """Fill one bin after the other with the item that suits its room best.

    ``DOT_PRODUCT`` takes the highest product of item and room; ``RESIDUAL`` the item that comes
    closest to the room.
    """
    free, taken, place = _begun(terms)
    waiting = terms.movable.copy()
    left = len(waiting)
    for number in range(len(free)):
        while left:
            best, most = _NOBODY, -np.inf
            for index in range(left):
                item = waiting[index]
                if not _fits(terms, free, taken, item, number):
                    continue
                score = 0.0
                for dimension in range(free.shape[1]):
                    amount, room = terms.demand[item, dimension], free[number, dimension]
                    if rule == RESIDUAL:
                        score -= weighting[dimension] * (room - amount) ** 2
                    else:
                        score += weighting[dimension] * room * amount
                if score > most:
                    best, most = index, score
            if best == _NOBODY:
                break
            item = waiting[best]
            _put(terms, free, taken, item, number)
            place[item] = number
            left -= 1
            waiting[best] = waiting[left]
    return place


@compiled
def _begun(terms: Terms) -> tuple[FloatArray, BoolArray, IntArray]:
    """Return the room of each bin, its groups and the placement with the fixed items in."""
    free = terms.capacity.copy()
    taken = np.zeros((len(free), max(terms.groups, 1)), dtype=np.bool_)
    for item in range(len(terms.fixed)):
        if terms.fixed[item] != _NO_BIN:
            _put(terms, free, taken, item, terms.fixed[item])
    return free, taken, terms.fixed.copy()


@compiled
def _fits(terms: Terms, free: FloatArray, taken: BoolArray, item: int, number: int) -> bool:
    for dimension in range(free.shape[1]):
        if terms.demand[item, dimension] > free[number, dimension]:
            return False
    group = terms.group[item]
    return terms.may[terms.kind[item], number] and not (group >= 0 and taken[number, group])


@compiled
def _put(terms: Terms, free: FloatArray, taken: BoolArray, item: int, number: int) -> None:
    for dimension in range(free.shape[1]):
        free[number, dimension] -= terms.demand[item, dimension]
    if terms.group[item] >= 0:
        taken[number, terms.group[item]] = True
