"""What was taken between two readings of counters that may begin anew."""

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.delivery.results_usage import SlotUsage, UsageReading, usage_deltas
from beffroi.delivery.visits import SLOT_S
from beffroi.kernel.counters import slot_begin
from tests.unit.delivery.visit_lines import NOON


def _reading(
    at_s: float, cpu_s: float, run: str = "first", memory: int = 0, joules: float = 0.0
) -> UsageReading:
    return UsageReading("site", "ville", run, NOON + timedelta(seconds=at_s), cpu_s, memory, joules)


def _taken(before: UsageReading | None, now: UsageReading) -> list[SlotUsage]:
    earlier = {before.subject: before} if before else {}
    return list(usage_deltas(earlier, [now]))


def test_what_a_counter_gained_was_taken() -> None:
    [found] = _taken(_reading(0, 10), _reading(60, 12.5, memory=100))
    assert (found.slot, found.cpu_s, found.running_s) == (NOON, 2.5, 60)
    assert found.memory_byte_s == 6000


def test_the_very_first_readings_count_for_nothing() -> None:
    assert _taken(None, _reading(0, 1000)) == []


def test_another_run_began_at_zero() -> None:
    [found] = _taken(_reading(0, 1000), _reading(60, 3, run="second"))
    assert found.cpu_s == 3


def test_a_counter_that_goes_back_within_its_run_counts_for_nothing() -> None:
    [found] = _taken(_reading(0, 1000), _reading(60, 999.9))
    assert found.cpu_s == 0


def test_one_that_was_not_there_before_began_since() -> None:
    other = UsageReading("_host", "", "boot", NOON, 5, 0)
    [found] = usage_deltas({"_host": other}, [_reading(60, 4)])
    assert (found.subject, found.cpu_s) == ("site", 4)


def test_a_reading_across_slots_is_divided_by_time() -> None:
    first, second = _taken(_reading(270, 0), _reading(390, 12, joules=24))
    assert (first.slot, second.slot) == (NOON, NOON + timedelta(minutes=5))
    assert (first.cpu_s, second.cpu_s) == pytest.approx((3, 9))
    assert (first.joules, second.joules) == pytest.approx((6, 18))


def test_a_clock_that_went_back_loses_no_cpu() -> None:
    [found] = _taken(_reading(100, 10), _reading(40, 12))
    assert (found.cpu_s, found.running_s) == (2, 0)


@given(
    st.lists(
        st.tuples(st.floats(0.1, 2000), st.floats(0, 50), st.booleans()), min_size=2, max_size=20
    )
)
def test_what_is_taken_adds_up_however_often_it_is_read(
    steps: list[tuple[float, float, bool]],
) -> None:
    at_s, counter, run, spent = 0.0, 7.0, 0, 0.0
    before = _reading(at_s, counter, str(run))
    found: list[SlotUsage] = []
    for wait_s, cpu_s, restarts in steps:
        at_s += wait_s
        run, counter = (run + 1, cpu_s) if restarts else (run, counter + cpu_s)
        spent += cpu_s
        now = _reading(at_s, counter, str(run))
        found += _taken(before, now)
        before = now
    assert math.fsum(one.cpu_s for one in found) == pytest.approx(spent, abs=1e-6)
    assert math.fsum(one.running_s for one in found) == pytest.approx(at_s, abs=1e-3)
    assert all(one.slot == slot_begin(one.slot, SLOT_S) for one in found)
