"""What is packed into what, and what comes out."""

from enum import StrEnum
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]

APART: Final = -1
EXACT: Final = -2
BIG_ITEMS: Final = -3
FIXED: Final = -4


class Packing(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Items, and candidate bins in order of preference: an answer uses the first so many of them.

    Amounts are whole numbers and the sum of a dimension stays under 2^53, so that sums are exact.

    Attributes:
        demand: (items, dimensions) What each item takes.
        capacity: (bins, dimensions) What each bin holds.
        apart: (items) Group or -1: items of one group stand in distinct bins.
        allowed: (items, classes) Whether an item may stand in bins of a class.
        bin_class: (bins) Class of each bin.
        fixed: (items) The bin that an item may not leave, or -1.
        preferred: (items) Where an item stands now, or -1: of equal answers, fewer moves win.
    """

    demand: IntArray
    capacity: IntArray
    apart: IntArray
    allowed: BoolArray
    bin_class: IntArray
    fixed: IntArray
    preferred: IntArray

    @property
    def items(self) -> int:
        """How many items there are."""
        return len(self.demand)

    @property
    def bins(self) -> int:
        """How many candidate bins there are."""
        return len(self.capacity)

    def first(self, bins: int) -> "Packing":
        """Return the same items before the first bins only."""
        return msgspec.structs.replace(
            self, capacity=self.capacity[:bins], bin_class=self.bin_class[:bins]
        )

    def part(self, items: IntArray, bins: IntArray) -> "Packing":
        """Return some items before some bins, both numbered anew in the order given."""
        number = np.full(self.bins + 1, -1, dtype=np.int64)
        number[bins] = np.arange(len(bins))
        return Packing(
            demand=self.demand[items],
            capacity=self.capacity[bins],
            apart=self.apart[items],
            allowed=self.allowed[items],
            bin_class=self.bin_class[bins],
            fixed=number[self.fixed[items]],
            preferred=number[self.preferred[items]],
        )


def plain_packing(demand: IntArray, capacity: IntArray) -> Packing:
    """Make a packing with no rule but capacities."""
    nowhere = np.full(len(demand), -1, dtype=np.int64)
    return Packing(
        demand=demand,
        capacity=capacity,
        apart=nowhere,
        allowed=np.ones((len(demand), 1), dtype=np.bool_),
        bin_class=np.zeros(len(capacity), dtype=np.int64),
        fixed=nowhere,
        preferred=nowhere,
    )


class Method(StrEnum):
    """What found the answer."""

    GREEDY = "greedy"
    ANNEALING = "annealing"
    EXACT = "exact"


class Packed(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """An answer: every rule holds exactly.

    Attributes:
        assignment: (items) Bin of each item, below ``bins``.
        bins: The answer needs that many of the candidates, the first ones.
        bound: No choice of fewer candidates, in any order, can do.
        bound_dimension: The dimension whose sum sets the bound; or ``APART``: the largest group;
            ``BIG_ITEMS``: items that exclude each other pairwise; ``FIXED``: bins that hold fixed
            items; ``EXACT``: an exhaustive search.
        method: What found the assignment.
        moved: How many items leave a preferred bin.
    """

    assignment: IntArray
    bins: int
    bound: int
    bound_dimension: int
    method: Method
    moved: int

    @property
    def optimal(self) -> bool:
        """Whether the bound proves that no answer has fewer bins."""
        return self.bins == self.bound


class Cause(StrEnum):
    """Why nothing can be packed.

    ITEM: an item fits in no bin that it may stand in; ``dimension`` is what lacks most there, or
    -1 when no bin is allowed. GROUP: more items apart (``item`` is one) than bins they may use.
    FIXED: fixed items alone break a rule in the bin of ``item``. TOTAL: all bins together lack
    ``dimension``. BIG_ITEMS: more items than bins of which no two share one. PROVED: an
    exhaustive search found nothing. SEARCHED: the time or the steps ended; an answer may exist.
    """

    ITEM = "item"
    GROUP = "group"
    FIXED = "fixed"
    TOTAL = "total"
    BIG_ITEMS = "big_items"
    PROVED = "proved"
    SEARCHED = "searched"


class UnpackableError(Exception):
    """The candidates cannot take the items, or no way was found."""

    def __init__(self, cause: Cause, item: int = -1, dimension: int = -1) -> None:
        super().__init__(f"{cause} item={item} dimension={dimension}")
        self.cause = cause
        self.item = item
        self.dimension = dimension
