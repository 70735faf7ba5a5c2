"""Whether an assignment obeys every rule, in whole numbers."""

import numpy as np

from beffroi.capacity.packing.problem import BoolArray, IntArray, Packing


def holds(packing: Packing, assignment: IntArray) -> bool:
    """Check each rule exactly, for every item and bin."""
    if packing.items == 0:
        return True
    if assignment.min() < 0 or assignment.max() >= packing.bins:
        return False
    items = np.arange(packing.items)
    held = packing.fixed >= 0
    return bool(
        not broken_bins(packing, assignment).any()
        and packing.allowed[items, packing.bin_class[assignment]].all()
        and (assignment[held] == packing.fixed[held]).all()
    )


def broken_bins(packing: Packing, assignment: IntArray) -> BoolArray:
    """Tell which bins are overloaded or hold two items of a group; -1 is no bin."""
    stands = assignment >= 0
    loads = np.zeros_like(packing.capacity)
    np.add.at(loads, assignment[stands], packing.demand[stands])
    broken: BoolArray = np.any(loads > packing.capacity, axis=1)
    grouped = stands & (packing.apart >= 0)
    pairs = np.stack([packing.apart[grouped], assignment[grouped]], axis=1)
    distinct, counts = np.unique(pairs, axis=0, return_counts=True)
    broken[distinct[counts > 1, 1]] = True
    return broken


def moves_of(packing: Packing, assignment: IntArray) -> int:
    """Count the items that leave a preferred bin."""
    return int(((packing.preferred >= 0) & (packing.preferred != assignment)).sum())


def alike_bins(packing: Packing) -> list[IntArray]:
    """List the bins that may be exchanged: of one size and class, without fixed items."""
    free = np.setdiff1d(np.arange(packing.bins), packing.fixed)
    rows = np.column_stack([packing.capacity, packing.bin_class])[free]
    _, kind = np.unique(rows, axis=0, return_inverse=True)
    return [free[kind.reshape(-1) == number] for number in range(kind.max(initial=-1) + 1)]
