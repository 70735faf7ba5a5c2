"""A packing as the compiled search reads it: exact floats, groups numbered, dimensions thinned."""

from typing import NamedTuple

import numpy as np

from beffroi.capacity.packing.problem import BoolArray, FloatArray, IntArray, Packing


class Terms(NamedTuple):
    """What does not change while a search runs.

    Attributes:
        demand: (items + 1, dimensions) Whole numbers; the last row is zero and stands for nobody.
        capacity: (bins, dimensions) Whole numbers.
        weight: (dimensions) Inverse of the mean capacity: sums of amounts become comparable.
        group: (items) From 0, or -1.
        groups: How many groups there are.
        kind: (items) Items of one kind may stand in the same bins.
        may: (kinds, bins) Whether a kind may stand in a bin.
        starts: (kinds + 1) Where each kind's bins begin in ``choices``.
        choices: Bins of each kind, one kind after the other.
        fixed: (items) Bin or -1.
        movable: Items that are not fixed.
    """

    demand: FloatArray
    capacity: FloatArray
    weight: FloatArray
    group: IntArray
    groups: int
    kind: IntArray
    may: BoolArray
    starts: IntArray
    choices: IntArray
    fixed: IntArray
    movable: IntArray


def terms_of(packing: Packing) -> Terms:
    """Prepare a packing for a search in all its bins."""
    kept = telling_dimensions(packing)
    demand = packing.demand[:, kept].astype(np.float64)
    capacity = packing.capacity[:, kept].astype(np.float64)
    group, groups = _numbered(packing.apart)
    rows, kind = kinds_of(packing)
    may = np.ascontiguousarray(rows[:, packing.bin_class])
    counts = may.sum(axis=1)
    return Terms(
        demand=np.vstack([demand, np.zeros((1, demand.shape[1]))]),
        capacity=np.ascontiguousarray(capacity),
        weight=1.0 / np.maximum(capacity.mean(axis=0), 1.0),
        group=group,
        groups=groups,
        kind=kind,
        may=may,
        starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        choices=np.nonzero(may)[1].astype(np.int64),
        fixed=np.ascontiguousarray(packing.fixed),
        movable=np.nonzero(packing.fixed < 0)[0].astype(np.int64),
    )


def kinds_of(packing: Packing) -> tuple[BoolArray, IntArray]:
    """Return the distinct rows of ``allowed`` and which of them each item has."""
    rows, kind = np.unique(packing.allowed, axis=0, return_inverse=True)
    return rows, kind.reshape(-1).astype(np.int64)


def telling_dimensions(packing: Packing) -> IntArray:
    """List the dimensions that can forbid something, at least one.

    A dimension cannot when the whole demand fits in its smallest bin, or when another one takes
    at least as much of every item and holds at most as much in every bin.
    """
    demand, capacity = packing.demand, packing.capacity
    binding = np.nonzero(demand.sum(axis=0) > capacity.min(axis=0))[0]
    kept: list[int] = []
    for one in sorted(binding, key=lambda number: (-int(demand[:, number].sum()), number)):
        if not any(
            (demand[:, one] <= demand[:, other]).all()
            and (capacity[:, one] >= capacity[:, other]).all()
            for other in kept
        ):
            kept.append(int(one))
    return np.array(sorted(kept) or [0], dtype=np.int64)


def _numbered(apart: IntArray) -> tuple[IntArray, int]:
    """Number from 0 the groups of at least two items; lone items need no group."""
    names, place, counts = np.unique(apart, return_inverse=True, return_counts=True)
    told = (names >= 0) & (counts > 1)
    numbers = np.where(told, np.cumsum(told) - 1, -1)
    return numbers[place.reshape(-1)].astype(np.int64), int(told.sum())
