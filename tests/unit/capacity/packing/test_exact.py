"""The exhaustive search finds what there is, and proves what there is not."""

import numpy as np
from hypothesis import given, settings

from beffroi.capacity.packing.exact import Verdict, searched
from beffroi.capacity.packing.problem import Packing
from tests.unit.capacity.packing.packings import all_answers, breaches, tiny_packings, triplets


@settings(max_examples=60, deadline=None)
@given(tiny_packings())
def test_agrees_with_trying_all_answers(packing: Packing) -> None:
    nowhere = np.full(packing.items, -1, dtype=np.int64)
    ended = searched(packing, hint=nowhere, seed=1, deadline_s=10)
    answers = all_answers(packing)
    assert ended.verdict is (Verdict.FOUND if answers else Verdict.IMPOSSIBLE)
    assert not answers or breaches(packing, ended.assignment) == []


def test_leaves_open_what_takes_too_long() -> None:
    packing = triplets(40, seed=1).first(40)
    nowhere = np.full(packing.items, -1, dtype=np.int64)
    assert searched(packing, hint=nowhere, seed=1, deadline_s=0.01).verdict is Verdict.OPEN
