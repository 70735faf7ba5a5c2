"""The fewest bins, with every rule and a proof."""

import numpy as np
import pytest
from hypothesis import given, settings

from beffroi.capacity.packing.problem import EXACT, Cause, Method, Packing, UnpackableError
from beffroi.capacity.packing.search import fewest_bins, pack_into
from beffroi.kernel.processes.workers import Progress
from tests.unit.capacity.packing.packings import (
    all_answers,
    breaches,
    packing_of,
    tiny_packings,
    triplets,
    with_classes,
)

DEADLINE_S = 10.0


def unheard(_: Progress) -> None:
    """Take a progress that nobody waits for."""


@settings(max_examples=60, deadline=None)
@given(tiny_packings())
def test_finds_the_shortest_prefix_there_is_or_says_that_there_is_none(packing: Packing) -> None:
    answers = all_answers(packing)
    if not answers:
        with pytest.raises(UnpackableError):
            fewest_bins(packing, deadline_s=DEADLINE_S, seed=1, told=unheard)
        return
    packed = fewest_bins(packing, deadline_s=DEADLINE_S, seed=1, told=unheard)
    assert breaches(packing, packed.assignment) == []
    held = int(packing.fixed.max()) + 1
    assert packed.bins == max(held, min(max(places) + 1 for places in answers))


@settings(max_examples=60, deadline=None)
@given(tiny_packings())
def test_says_optimal_only_of_what_no_choice_of_bins_can_better(packing: Packing) -> None:
    answers = all_answers(packing)
    if not answers:
        return
    packed = fewest_bins(packing, deadline_s=DEADLINE_S, seed=1, told=unheard)
    least = min(len(set(places)) for places in answers)
    assert packed.bound <= least
    assert not packed.optimal or packed.bins == least


@settings(max_examples=60, deadline=None)
@given(tiny_packings())
def test_packs_into_all_bins_obeying_every_rule(packing: Packing) -> None:
    place = pack_into(packing, seed=1, steps=20_000)
    assert place is None or breaches(packing, place) == []
    assert (place is not None) == bool(all_answers(packing))


@pytest.mark.parametrize("bins", [5, 9])
def test_reaches_the_known_optimum_of_triplets(bins: int) -> None:
    packing = triplets(bins, seed=bins)
    packed = fewest_bins(packing, deadline_s=DEADLINE_S, seed=1, told=unheard)
    assert breaches(packing, packed.assignment) == []
    assert (packed.bins, packed.bound, packed.optimal) == (bins, bins, True)


def test_more_room_never_needs_more_bins() -> None:
    exact = triplets(8, seed=3)
    wider = packing_of(exact.demand.tolist(), (exact.capacity * 11 // 10).tolist())
    packed = fewest_bins(wider, deadline_s=DEADLINE_S, seed=1, told=unheard)
    assert packed.bins <= 8


def test_the_same_seed_gives_the_same_answer() -> None:
    demand = np.random.default_rng(4).integers(5, 40, (60, 3))
    packing = packing_of(demand.tolist(), [[100] * 3] * 30)
    first, second = (
        fewest_bins(packing, deadline_s=DEADLINE_S, seed=7, told=unheard) for _ in range(2)
    )
    assert first.method is Method.ANNEALING
    assert first.assignment.tolist() == second.assignment.tolist()


def test_an_exhaustive_search_proves_what_the_bound_leaves_open() -> None:
    """The sums ask for three bins; beside each large item there is room for one small one."""
    packing = packing_of([[4, 1]] * 5 + [[2, 9]] * 2, [[10, 10]] * 6)
    packed = fewest_bins(packing, deadline_s=DEADLINE_S, seed=1, told=unheard)
    assert (packed.bins, packed.optimal) == (4, True)
    assert packed.bound_dimension == EXACT


def test_items_apart_stand_in_distinct_bins() -> None:
    packing = packing_of([[1]] * 6, [[10]] * 4, apart=[0, 0, 0, 1, 1, -1])
    packed = fewest_bins(packing, deadline_s=DEADLINE_S, seed=1, told=unheard)
    assert len(set(packed.assignment[:3].tolist())) == 3
    assert (packed.bins, packed.optimal) == (3, True)


def test_items_stand_only_in_bins_of_their_classes() -> None:
    packing = with_classes(
        packing_of([[5]] * 4, [[10]] * 4), [[True, False]] * 2 + [[False, True]] * 2, [0, 0, 0, 1]
    )
    packed = fewest_bins(packing, deadline_s=DEADLINE_S, seed=1, told=unheard)
    assert packed.assignment[2:].tolist() == [3, 3]
    assert packed.bound == 2


def test_fixed_items_stay() -> None:
    packing = packing_of([[5]] * 4, [[10]] * 4, fixed=[2, -1, -1, 2])
    packed = fewest_bins(packing, deadline_s=DEADLINE_S, seed=1, told=unheard)
    assert packed.assignment[[0, 3]].tolist() == [2, 2]
    assert packed.bins == 3


@pytest.mark.parametrize(
    ("packing", "cause", "item", "dimension"),
    [
        (packing_of([[1, 1], [2, 30]], [[10, 10], [10, 20]]), Cause.ITEM, 1, 1),
        (
            with_classes(packing_of([[1]], [[10]]), [[False, True]], [0]),
            Cause.ITEM,
            0,
            -1,
        ),
        (packing_of([[1]] * 3, [[10]] * 2, apart=[4, 4, 4]), Cause.GROUP, 0, -1),
        (packing_of([[6], [6]], [[10]] * 2, fixed=[1, 1]), Cause.FIXED, 0, 0),
        (packing_of([[1], [1]], [[10]] * 2, fixed=[1, 1], apart=[0, 0]), Cause.FIXED, 1, -1),
        (packing_of([[9, 1]] * 3, [[10, 10]] * 2), Cause.TOTAL, -1, 0),
        (packing_of([[6, 1]] * 3, [[10, 10]] * 2), Cause.BIG_ITEMS, -1, 0),
        (packing_of([[5, 1]] * 3 + [[2, 7]] * 2, [[10, 9]] * 2), Cause.PROVED, -1, -1),
    ],
)
def test_says_why_nothing_can_be_packed(
    packing: Packing, cause: Cause, item: int, dimension: int
) -> None:
    with pytest.raises(UnpackableError) as refused:
        fewest_bins(packing, deadline_s=DEADLINE_S, seed=1, told=unheard)
    told = refused.value
    assert (told.cause, told.item, told.dimension) == (cause, item, dimension)


def test_tells_how_far_it_is() -> None:
    told: list[Progress] = []
    fewest_bins(triplets(8, seed=5), deadline_s=DEADLINE_S, seed=1, told=told.append)
    shares = [progress.share for progress in told]
    assert told[0].doing == Method.GREEDY
    assert shares == sorted(shares)


def test_packs_nothing_into_nothing() -> None:
    packing = packing_of([[1]], [[1]]).part(np.array([], dtype=np.int64), np.array([0]))
    packed = fewest_bins(packing, deadline_s=DEADLINE_S, seed=1, told=unheard)
    assert (packed.bins, packed.bound, packed.optimal) == (0, 0, True)
