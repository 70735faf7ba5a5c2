"""How many bins nothing can do without, and what sets it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.capacity.packing.bounds import least_prefix, lower_bound
from beffroi.capacity.packing.problem import APART, BIG_ITEMS, FIXED, Packing, UnpackableError
from tests.unit.capacity.packing.packings import (
    all_answers,
    packing_of,
    tiny_packings,
    with_classes,
)


@settings(max_examples=200, deadline=None)
@given(tiny_packings())
def test_never_exceeds_what_some_answer_uses(packing: Packing) -> None:
    answers = all_answers(packing)
    if not answers:
        return
    bound, _ = lower_bound(packing)
    assert 1 <= bound <= min(len(set(places)) for places in answers)
    held = int(packing.fixed.max()) + 1
    shortest = max(held, min(max(places) + 1 for places in answers))
    assert bound <= least_prefix(packing, bound) <= shortest


@given(st.lists(st.integers(1, 20), min_size=1, max_size=30))
def test_is_at_least_the_sum_and_the_count_of_more_than_halves(amounts: list[int]) -> None:
    bound, _ = lower_bound(packing_of([[one] for one in amounts], [[20]] * 30))
    assert bound >= -(-sum(amounts) // 20)
    assert bound >= sum(one > 10 for one in amounts)


@pytest.mark.parametrize(
    ("packing", "bound", "dimension"),
    [
        (packing_of([[4, 1]] * 5, [[10, 10]] * 4), 2, 0),
        (packing_of([[1, 5]] * 5, [[10, 10]] * 4), 3, 1),
        # Larger bins stand last, and still count first.
        (packing_of([[10]] * 4, [[10], [10], [10], [20], [20]]), 2, 0),
        (packing_of([[1]] * 4, [[10]] * 4, apart=[0, 0, 0, -1]), 3, APART),
        # No two of the six share a bin, and two of 4 fill none of them up.
        (packing_of([[6]] * 3 + [[5]] * 3, [[10]] * 8), 5, 0),
        # Memory keeps two apart, disk the other two, and nothing stands beside another.
        (packing_of([[9, 2], [9, 2], [2, 9], [2, 9]], [[10, 10]] * 6), 4, BIG_ITEMS),
        (packing_of([[1]] * 3, [[10]] * 4, fixed=[0, 1, 2]), 3, FIXED),
    ],
)
def test_tells_what_sets_it(packing: Packing, bound: int, dimension: int) -> None:
    assert lower_bound(packing) == (bound, dimension)


def test_regions_without_a_common_class_add_up() -> None:
    packing = packing_of([[6]] * 4, [[10]] * 6)
    sites = [[True, False]] * 2 + [[False, True]] * 2
    assert lower_bound(packing) == (4, 0)
    halves = packing_of([[3]] * 4, [[10]] * 6)
    assert lower_bound(halves) == (2, 0)
    assert lower_bound(with_classes(halves, sites, [0, 1] * 3)) == (2, 0)
    apart = packing_of([[1]] * 4, [[10]] * 6, apart=[0, 0, 1, 1])
    assert lower_bound(with_classes(apart, sites, [0, 1] * 3)) == (4, APART)


def test_the_shortest_prefix_holds_bins_of_every_class_asked_for() -> None:
    packing = with_classes(
        packing_of([[1], [1]], [[10]] * 4), [[True, True], [False, True]], [0, 0, 0, 1]
    )
    assert lower_bound(packing) == (1, 0)
    assert least_prefix(packing, 1) == 4


def test_an_item_larger_than_its_bins_is_named() -> None:
    packing = with_classes(
        packing_of([[1, 1], [8, 8]], [[10, 5], [20, 20]]), [[True, True], [True, False]], [0, 1]
    )
    with pytest.raises(UnpackableError) as refused:
        lower_bound(packing)
    assert (refused.value.item, refused.value.dimension) == (1, 1)
