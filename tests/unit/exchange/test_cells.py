"""Figures that part of their instances have left are those of all that were ever there."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.exchange.retention.cells import NOTHING, Spread, corrected

_NUMBERS = st.lists(st.none() | st.integers(-1000, 1000).map(float), max_size=8)


def _spread(values: list[float | None]) -> Spread:
    numbers = [one for one in values if one is not None]
    if not numbers:
        return Spread(instances=len(values))
    mean = sum(numbers) / len(numbers)
    return Spread(
        instances=len(values),
        numbers=len(numbers),
        low=min(numbers),
        high=max(numbers),
        total=sum(numbers),
        squares=sum(one * one for one in numbers),
        deviations=sum((one - mean) ** 2 for one in numbers),
    )


@given(gone=_NUMBERS, before=_NUMBERS, after=_NUMBERS)
def test_what_has_gone_still_counts_beside_what_is_there_now(
    gone: list[float | None], before: list[float | None], after: list[float | None]
) -> None:
    found = corrected(_spread([*gone, *before]), _spread(before), _spread(after))
    expected = _spread([*gone, *after])
    assert (found.instances, found.numbers) == (expected.instances, expected.numbers)
    for name in ("total", "squares", "deviations"):
        told, real = getattr(found, name), getattr(expected, name)
        if real is None:
            assert told is None, name
        else:
            assert told is not None, name
            assert math.isclose(told, real, abs_tol=1e-4), name
    if expected.low is not None and expected.high is not None:
        assert found.low is not None
        assert found.high is not None
        assert found.low <= expected.low <= expected.high <= found.high


def test_a_least_number_that_was_another_s_stays_exact() -> None:
    found = corrected(_spread([1.0, 5.0, 9.0]), _spread([5.0]), _spread([7.0]))
    assert (found.low, found.high, found.total) == (1.0, 9.0, 17.0)


@pytest.mark.parametrize("there", [NOTHING, Spread(instances=2)])
def test_a_sum_that_is_unknown_stays_unknown(there: Spread) -> None:
    kept = Spread(instances=3, numbers=3, low=0.0, high=1e300)
    found = corrected(kept, NOTHING, there)
    assert found.total is None
    assert found.high == 1e300
