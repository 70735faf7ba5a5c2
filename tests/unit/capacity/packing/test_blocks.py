"""Very many items, packed block by block."""

import time

import msgspec
import numpy as np

from beffroi.capacity.packing.blocks import dealt, packed_in_blocks, spilt
from beffroi.capacity.packing.bounds import lower_bound
from beffroi.capacity.packing.problem import Packing, plain_packing
from tests.unit.capacity.packing.packings import breaches, packing_of, with_classes

ITEMS = 6_500
BINS = 300
FIXED_BINS = 150


def many_items(seed: int) -> Packing:
    """Draw items of two classes, some apart and some fixed, before bins of two classes."""
    dice = np.random.default_rng(seed)
    packing = plain_packing(
        dice.integers(1, 60, (ITEMS, 3)), np.full((BINS, 3), 1_000, dtype=np.int64)
    )
    apart = np.where(dice.random(ITEMS) < 0.3, dice.integers(0, 800, ITEMS), -1)
    kinds = np.array([[True, True], [True, False], [False, True]])
    fixed = np.where(np.arange(ITEMS) % 50 == 0, np.arange(ITEMS) // 50 % FIXED_BINS, -1)
    return msgspec.structs.replace(
        packing,
        apart=np.where(fixed >= 0, -1, apart),
        allowed=kinds[dice.integers(0, 3, ITEMS)] | (fixed[:, None] >= 0),
        bin_class=np.arange(BINS) % 2,
        fixed=fixed,
    )


def packed(packing: Packing, bins: int, *, within_s: float) -> np.ndarray:
    until_s = time.monotonic() + within_s
    return packed_in_blocks(packing, bins, seed=1, until_s=until_s, told=lambda _: None)


def test_obeys_every_rule_and_comes_close_to_the_bound() -> None:
    packing = many_items(1)
    bound, _ = lower_bound(packing)
    near = bound + bound // 20
    place = packed(packing, near, within_s=30)
    assert breaches(packing, place) == []
    assert place.max() + 1 <= near


def test_what_is_broken_at_the_deadline_is_spilt_into_further_bins() -> None:
    packing = many_items(2)
    bound, _ = lower_bound(packing)
    place = packed(packing, bound, within_s=0)
    assert breaches(packing, place) == []
    assert place.max() + 1 > bound


def test_blocks_are_alike_and_keep_fixed_items_with_their_bins() -> None:
    packing = many_items(3)
    blocks = dealt(packing)
    held = packing.fixed >= 0
    assert (blocks.items[held] == blocks.bins[packing.fixed[held]]).all()
    load = np.zeros((blocks.count, 3))
    np.add.at(load, blocks.items, packing.demand)
    room = np.bincount(blocks.bins)
    fullest = (load / room[:, None]).max(axis=1)
    assert fullest.max() < 1.002 * fullest.min()


def test_items_of_a_class_go_only_to_blocks_that_have_its_bins() -> None:
    packing = with_classes(
        packing_of([[1]] * ITEMS, [[100]] * 100),
        [[True, True]] * (ITEMS - 10) + [[False, True]] * 10,
        [0] * 99 + [1],
    )
    blocks = dealt(packing)
    assert set(blocks.items[-10:].tolist()) == {int(blocks.bins[99])}


def test_spilling_keeps_what_fits_and_puts_the_rest_where_there_is_room() -> None:
    packing = packing_of([[3], [3], [8], [7]], [[10]] * 3, apart=[0, 0, -1, -1])
    assert spilt(packing, np.array([1, 1, 0, 0])).tolist() == [1, 2, 0, 1]


def test_an_item_without_room_anywhere_is_left_out() -> None:
    packing = packing_of([[6], [6], [6]], [[10]] * 2)
    assert spilt(packing, np.array([0, 0, 1])).tolist() == [0, -1, 1]
