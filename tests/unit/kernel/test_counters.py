"""What counters gained, and the slots of time that it falls into."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.kernel.counters import (
    Continuity,
    Counter,
    gained,
    slot_begin,
    slot_parts,
    whole_shares,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SLOTS = st.sampled_from([60, 300, 3600])


def _counter(value: float, at_s: float = 0, run: str = "first") -> Counter:
    return Counter(run, value, NOON + timedelta(seconds=at_s))


def test_a_counter_that_goes_on_gained_the_difference() -> None:
    found = gained(_counter(10), _counter(12.5, 60), NOON)
    assert found is not None
    assert (found.amount, found.since, found.continuity) == (2.5, NOON, Continuity.GOES_ON)


def test_a_counter_of_another_run_gained_all_it_shows_since_anybody_looked() -> None:
    looked = NOON + timedelta(seconds=30)
    found = gained(_counter(1000), _counter(3, 60, "second"), looked)
    assert found is not None
    assert (found.amount, found.since, found.continuity) == (3, looked, Continuity.BEGAN_ANEW)


def test_a_counter_that_was_not_there_gained_all_it_shows() -> None:
    found = gained(None, _counter(4, 60), NOON)
    assert found is not None
    assert (found.amount, found.continuity) == (4, Continuity.BEGAN_ANEW)


def test_where_nobody_looked_before_nothing_is_known() -> None:
    assert gained(None, _counter(4), None) is None


def test_a_counter_that_went_back_gained_nothing() -> None:
    found = gained(_counter(10), _counter(9, 60), NOON)
    assert found is not None
    assert (found.amount, found.continuity) == (0, Continuity.WENT_BACK)


def test_whole_numbers_stay_whole() -> None:
    found = gained(_counter(10), _counter(12, 60), NOON)
    assert found is not None
    assert isinstance(found.amount, int)


def test_a_time_within_a_slot_is_not_divided() -> None:
    [part] = slot_parts(NOON, NOON + timedelta(seconds=60), 60)
    assert (part.start, part.inside_s, part.part, part.done) == (NOON, 60, 1, 1)


@pytest.mark.parametrize("back_s", [0, 40])
def test_a_clock_that_stood_or_went_back_loses_nothing(back_s: int) -> None:
    [part] = slot_parts(NOON + timedelta(seconds=back_s), NOON, 60)
    assert (part.start, part.inside_s, part.part) == (NOON, 0, 1)


@given(begin_s=st.floats(0, 1e5), duration_s=st.floats(0.001, 20_000), slot_s=SLOTS)
def test_parts_make_the_whole(begin_s: float, duration_s: float, slot_s: int) -> None:
    since = NOON + timedelta(seconds=begin_s)
    until = since + timedelta(seconds=duration_s)
    parts = slot_parts(since, until, slot_s)
    seconds = (until - since).total_seconds()
    assert math.fsum(one.inside_s for one in parts) == pytest.approx(seconds)
    assert math.fsum(one.part for one in parts) == pytest.approx(1)
    assert parts[-1].done == 1
    assert all(one.start == slot_begin(one.start, slot_s) for one in parts)


@given(amount=st.integers(0, 2**53), duration_s=st.floats(0.001, 20_000), slot_s=SLOTS)
def test_whole_shares_add_up_exactly(amount: int, duration_s: float, slot_s: int) -> None:
    parts = slot_parts(NOON, NOON + timedelta(seconds=duration_s), slot_s)
    shares = whole_shares(amount, parts)
    assert sum(shares) == amount
    assert min(shares) >= 0
    assert all(
        share == pytest.approx(amount * part.part, abs=1.01, rel=1e-9)
        for share, part in zip(shares, parts, strict=True)
    )
