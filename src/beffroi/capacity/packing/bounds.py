"""How many bins no answer can do without, whichever candidates it chooses."""

from typing import Final

import numpy as np

from beffroi.capacity.packing.problem import (
    APART,
    BIG_ITEMS,
    FIXED,
    BoolArray,
    Cause,
    IntArray,
    Packing,
    UnpackableError,
)
from beffroi.capacity.packing.regions import Region, most_apart, regions_of

_MOST_COMPARED: Final = 4_000


def lower_bound(packing: Packing) -> tuple[int, int]:
    """Return a number of bins that no choice of candidates can go below, and what sets it.

    What sets it is a dimension or one of the marks of ``Packed.bound_dimension``. Regions whose
    bins no other items may leave are bounded apart and added up.

    Raises:
        UnpackableError: Not even all candidates can do.
    """
    refuse_impossible(packing)
    if packing.items == 0:
        return 0, 0
    regions = regions_of(packing)
    found = [_bound_in(packing, region) for region in regions]
    total, main = most_apart(regions, [needed for needed, _ in found])
    together = _exclusive(packing)
    held = len(np.unique(packing.fixed[packing.fixed >= 0]))
    dimension = found[main][1]
    if together > total:
        total, dimension = together, BIG_ITEMS
    if held >= total:
        total, dimension = held, FIXED
    if total > packing.bins:
        raise UnpackableError(Cause.BIG_ITEMS, dimension=max(dimension, -1))
    return total, dimension


def is_possible(packing: Packing) -> bool:
    """Tell whether no bound rules out that the candidates take all items."""
    try:
        lower_bound(packing)
    except UnpackableError:
        return False
    return True


def least_prefix(packing: Packing, bound: int) -> int:
    """Return the first number of leading candidates that no bound rules out.

    Raises:
        UnpackableError: Not even all candidates can do.
    """
    least = max(bound, int(packing.fixed.max(initial=-1)) + 1)
    for region in regions_of(packing):
        total = packing.demand[region.items].sum(axis=0)
        held = np.cumsum(packing.capacity[region.bins], axis=0)
        count = _largest_group(packing, region)
        for column, needed in zip(held.T, total, strict=True):
            count = max(count, int(np.searchsorted(column, needed)) + int(needed > 0))
        least = max(least, int(region.bins[count - 1]) + 1 if count else 0)
    return max(least, int(_first_fitting(packing).max(initial=-1)) + 1)


def prefix_is_best(packing: Packing) -> bool:
    """Tell whether the first candidates take whatever as many others would take.

    They do where all are of one class and none is larger, in any dimension, than one before it;
    bins that hold fixed items serve in every answer, so they count apart when they come first.
    """
    held = np.unique(packing.fixed[packing.fixed >= 0])
    others = packing.capacity[len(held) :]
    return bool(
        (held == np.arange(len(held))).all()
        and (packing.bin_class == packing.bin_class[0]).all()
        and (others[1:] <= others[:-1]).all()
    )


def refuse_impossible(packing: Packing) -> None:
    """Raise ``UnpackableError`` for what is plainly impossible, with the item or the dimension."""
    homeless = np.nonzero(_first_fitting(packing) < 0)[0]
    if len(homeless):
        item = int(homeless[0])
        raise UnpackableError(Cause.ITEM, item, _lacking(packing, item))
    for region in regions_of(packing):
        if _largest_group(packing, region) > len(region.bins):
            names = packing.apart[region.items]
            values, counts = np.unique(names[names >= 0], return_counts=True)
            largest = values[counts.argmax()]
            raise UnpackableError(Cause.GROUP, int(region.items[names == largest][0]))
        room = packing.capacity[region.bins].sum(axis=0)
        lacking = packing.demand[region.items].sum(axis=0) - room
        if (lacking > 0).any():
            raise UnpackableError(Cause.TOTAL, dimension=int((lacking / (room + 1.0)).argmax()))
    _refuse_fixed(packing)


def _refuse_fixed(packing: Packing) -> None:
    """Raise when items that may not leave their bins break a rule there among themselves."""
    held = np.nonzero(packing.fixed >= 0)[0]
    loads = np.zeros_like(packing.capacity)
    np.add.at(loads, packing.fixed[held], packing.demand[held])
    seen: set[tuple[int, int]] = set()
    for item in held:
        place, group = int(packing.fixed[item]), int(packing.apart[item])
        over = loads[place] > packing.capacity[place]
        if over.any():
            raise UnpackableError(Cause.FIXED, int(item), int(over.argmax()))
        if group >= 0 and (place, group) in seen:
            raise UnpackableError(Cause.FIXED, int(item))
        seen.add((place, group))


def _bound_in(packing: Packing, region: Region) -> tuple[int, int]:
    """Bound the bins of a region by its sums, its big items and its groups."""
    demand = packing.demand[region.items]
    capacity = packing.capacity[region.bins]
    held = np.isin(region.bins, packing.fixed[packing.fixed >= 0])
    best, dimension = max(1, _largest_group(packing, region)), APART
    fullness = demand.sum(axis=0) / np.maximum(capacity.sum(axis=0), 1)
    # Of dimensions that ask for the same number, the fullest is told.
    for number in np.argsort(-fullness, kind="stable").tolist():
        needed = max(
            _by_sum(int(demand[:, number].sum()), capacity[:, number], held),
            _by_large_items(demand[:, number], int(capacity[:, number].max())),
        )
        if needed > best or (needed == best and dimension == APART):
            best, dimension = needed, number
    return best, dimension


def _by_sum(total: int, capacity: IntArray, held: BoolArray) -> int:
    """Count the largest bins that carry a sum; bins that hold fixed items serve anyway."""
    free = total - int(capacity[held].sum())
    if free <= 0:
        return int(held.sum()) if held.any() else int(total > 0)
    largest = np.cumsum(np.sort(capacity[~held])[::-1])
    return int(held.sum()) + int(np.searchsorted(largest, free)) + 1


def _by_large_items(amounts: IntArray, capacity: int) -> int:
    """Bound the bins by items of which two of one sort never share a bin.

    Source: Martello, Toth, Lower bounds and reduction procedures for the bin packing problem,
    Discrete Applied Mathematics 28, 1990 (the bound L2), with every bin as large as the largest.
    """
    ordered = np.sort(amounts)
    if capacity <= 0 or not len(ordered):
        return 0
    before = np.concatenate([[0], np.cumsum(ordered)])
    halves = np.searchsorted(ordered, capacity // 2, side="right")
    # Beside items above capacity - least, none of the others fits.
    least = np.unique(np.concatenate([[0], ordered[:halves]]))
    alone = np.searchsorted(ordered, capacity - least, side="right")
    small = before[halves] - before[np.searchsorted(ordered, least, side="left")]
    room = (alone - halves) * capacity - (before[alone] - before[halves])
    more = np.maximum(-(-(small - room) // capacity), 0)
    return int(len(ordered) - halves + more.max())


def _largest_group(packing: Packing, region: Region) -> int:
    names = packing.apart[region.items]
    return int(np.unique(names[names >= 0], return_counts=True)[1].max(initial=0))


def _exclusive(packing: Packing) -> int:
    """Count items of which no two can share a bin, the largest first, as many as are found."""
    largest = np.maximum(packing.capacity.max(axis=0), 1)
    shares = (packing.demand / largest).max(axis=1)
    chosen: list[int] = []
    for item in np.argsort(-shares, kind="stable")[:_MOST_COMPARED]:
        if chosen:
            others = np.array(chosen)
            together = packing.demand[others] + packing.demand[item] > largest
            apart = (packing.apart[others] == packing.apart[item]) & (packing.apart[item] >= 0)
            meet = (packing.allowed[others] & packing.allowed[item]).any(axis=1)
            if not (together.any(axis=1) | apart | ~meet).all():
                continue
        chosen.append(int(item))
    return len(chosen)


def _first_fitting(packing: Packing) -> IntArray:
    """Return the first bin that each item alone fits in, or -1."""
    bins = np.column_stack([packing.capacity, packing.bin_class])
    kinds, first = np.unique(bins, axis=0, return_index=True)
    found = np.full(packing.items, packing.bins, dtype=np.int64)
    for row, number in zip(kinds, first, strict=True):
        fits = (packing.demand <= row[:-1]).all(axis=1) & packing.allowed[:, row[-1]]
        found[fits] = np.minimum(found[fits], number)
    held = np.nonzero(packing.fixed >= 0)[0]
    places = packing.fixed[held]
    fits = (packing.demand[held] <= packing.capacity[places]).all(axis=1)
    fits &= packing.allowed[held, packing.bin_class[places]]
    found[held] = np.where(fits, places, packing.bins)
    return np.where(found == packing.bins, -1, found)


def _lacking(packing: Packing, item: int) -> int:
    """Return the dimension in which an item exceeds the bins it may stand in by most, or -1."""
    places = np.nonzero(packing.allowed[item, packing.bin_class])[0]
    if packing.fixed[item] >= 0:
        places = places[places == packing.fixed[item]]
    if not len(places):
        return -1
    room = packing.capacity[places].max(axis=0)
    return int((packing.demand[item] / np.maximum(room, 1)).argmax())
