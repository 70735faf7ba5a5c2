"""Items stay where they stand, as far as the fewest bins allow it."""

import time

import msgspec
import numpy as np

from beffroi.capacity.packing.problem import Packing
from beffroi.capacity.packing.rules import moves_of
from beffroi.capacity.packing.search import fewest_bins
from beffroi.capacity.packing.staying import with_fewer_moves
from tests.unit.capacity.packing.packings import breaches, packing_of, triplets


def settled(packing: Packing, place: np.ndarray) -> np.ndarray:
    until_s = time.monotonic() + 20
    return with_fewer_moves(packing, place, seed=1, steps=100_000, until_s=until_s)


def test_bins_that_are_alike_are_exchanged_before_items_move() -> None:
    packing = packing_of([[5]] * 4, [[10]] * 2, preferred=[1, 1, 0, 0])
    assert settled(packing, np.array([0, 0, 1, 1])).tolist() == [1, 1, 0, 0]


def test_only_the_items_of_a_bin_that_goes_need_to_move() -> None:
    packing = packing_of(
        [[4]] * 6 + [[1]] * 6, [[10]] * 4, preferred=[0, 0, 1, 1, 2, 3, 0, 1, 2, 2, 3, 3]
    )
    packed = fewest_bins(packing, deadline_s=10, seed=1, told=lambda _: None)
    assert breaches(packing, packed.assignment) == []
    assert (packed.bins, packed.moved) == (3, 3)


def test_an_answer_that_holds_is_never_made_worse() -> None:
    full = triplets(6, seed=2).first(6)
    packed = fewest_bins(full, deadline_s=10, seed=1, told=lambda _: None)
    turned = msgspec.structs.replace(full, preferred=(packed.assignment + 1) % 6)
    place = settled(turned, packed.assignment)
    assert breaches(turned, place) == []
    assert moves_of(turned, place) <= moves_of(turned, packed.assignment)


def test_a_preferred_bin_that_is_not_allowed_is_forgotten() -> None:
    packing = msgspec.structs.replace(
        packing_of([[1], [1]], [[10]] * 2, preferred=[1, 1]),
        allowed=np.array([[True, False], [True, True]]),
        bin_class=np.array([0, 1]),
    )
    assert settled(packing, np.array([0, 0])).tolist() == [0, 1]
