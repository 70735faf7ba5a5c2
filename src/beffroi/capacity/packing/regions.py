"""Sets of bins that some items may not leave: each needs bins of its own."""

from itertools import combinations
from typing import Final

import msgspec
import numpy as np

from beffroi.capacity.packing.problem import BoolArray, IntArray, Packing
from beffroi.capacity.packing.terms import kinds_of

# Beyond so many distinct sets of allowed classes, their unions are not looked at.
_MOST_KINDS: Final = 6


class Region(msgspec.Struct, frozen=True, eq=False):
    """Some bins, and the items that may stand nowhere else.

    Attributes:
        classes: (classes) Which it is made of.
        items: Numbers of the items that may not leave it.
        bins: Numbers of its bins, in order of preference.
    """

    classes: BoolArray
    items: IntArray
    bins: IntArray


def regions_of(packing: Packing) -> tuple[Region, ...]:
    """List the regions, the whole first, without empty ones.

    Each set of classes that some items are bound to is one; so are unions of few such sets.
    """
    rows, kind = kinds_of(packing)
    bound = [row for row in rows if not row.all()]
    sets = [np.ones(rows.shape[1], dtype=np.bool_), *bound]
    if len(bound) <= _MOST_KINDS:
        for many in range(2, len(bound) + 1):
            sets += [np.any(some, axis=0) for some in combinations(bound, many)]
    distinct = {row.tobytes(): row for row in sets}.values()
    regions = [
        _region(packing, classes, ~(rows & ~classes).any(axis=1), kind) for classes in distinct
    ]
    return tuple(one for one in regions if len(one.items))


def _region(packing: Packing, classes: BoolArray, kinds: BoolArray, kind: IntArray) -> Region:
    return Region(classes, np.nonzero(kinds[kind])[0], np.nonzero(classes[packing.bin_class])[0])


def most_apart(regions: tuple[Region, ...], needs: list[int]) -> tuple[int, int]:
    """Return the largest sum of what regions without a common class need, and its main region.

    The search keeps the neediest first, which is exact for nested and for disjoint regions and
    a valid (possibly lower) sum otherwise.
    """
    best, main = 0, 0
    order = sorted(range(len(regions)), key=lambda number: (-needs[number], number))
    for first in order:
        used = regions[first].classes.copy()
        total = needs[first]
        for other in order:
            if not (used & regions[other].classes).any():
                used |= regions[other].classes
                total += needs[other]
        if total > best:
            best, main = total, first
    return best, main
