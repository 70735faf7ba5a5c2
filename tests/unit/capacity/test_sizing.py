"""Sizing advice: what it says, on what evidence, and when it says nothing."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.capacity.model import Amounts, Workload
from beffroi.capacity.sizing import (
    coincidence,
    cpu_advice,
    hour_profile,
    measured,
    memory_advice,
)
from beffroi.capacity.sizing_advice import Anomaly, Statistic, Verdict
from beffroi.capacity.sizing_series import Measure, Numbers, Samples, Usage, usage_of

MONTH = 30 * 288
# 2 June 2025, 0 h in Paris, a Monday.
MONDAY_S = int(datetime(2025, 6, 1, 22, tzinfo=UTC).timestamp())


def _usage(values: Numbers, allotted: int, first_s: int = MONDAY_S, step_s: int = 300) -> Usage:
    instants = first_s + step_s * np.arange(len(values), dtype=np.int64)
    return usage_of(Samples("vm", Measure.CPU_MILLI, instants, values), allotted)


def _steady(milli: float, allotted: int = 4000, samples: int = MONTH) -> Usage:
    return _usage(np.full(samples, milli), allotted)


@pytest.mark.parametrize(
    ("milli", "allotted", "advised", "verdict"),
    [
        (3000, 4000, 3000, Verdict.LOWER),
        (500, 4000, 2000, Verdict.LOWER_BY_HALF),
        (10, 120, 100, Verdict.LOWER_TO_FLOOR),
        (10, 80, 80, Verdict.RIGHT),
        (3900, 4000, 4000, Verdict.AT_ITS_LIMIT),
        (4200, 4000, 4000, Verdict.AT_ITS_LIMIT),
    ],
)
def test_cpu_is_advised_by_its_percentile_and_by_half_at_most(
    milli: int, allotted: int, advised: int, verdict: Verdict
) -> None:
    advice = cpu_advice(_steady(milli, allotted), allotted)
    assert (advice.advised, advice.verdict) == (advised, verdict)


@pytest.mark.parametrize(
    ("mib", "allotted", "advised", "verdict"),
    [
        (5000, 8192, 6000, Verdict.LOWER),
        (1000, 8192, 4096, Verdict.LOWER_BY_HALF),
        (7500, 8192, 9000, Verdict.RAISE),
        (100, 600, 512, Verdict.LOWER_TO_FLOOR),
        (10, 256, 256, Verdict.RIGHT),
    ],
)
def test_memory_is_advised_by_its_highest_and_a_fifth_more(
    mib: int, allotted: int, advised: int, verdict: Verdict
) -> None:
    advice = memory_advice(_steady(mib, allotted), allotted)
    assert (advice.advised, advice.verdict) == (advised, verdict)
    assert advice.evidence.statistic is Statistic.MAXIMUM


def test_a_short_window_keeps_what_is_allotted_and_says_so() -> None:
    advice = cpu_advice(_steady(100, samples=20 * 288), 4000)
    assert (advice.advised, advice.verdict) == (4000, Verdict.WINDOW_SHORT)


def test_missing_samples_keep_what_is_allotted_and_say_so() -> None:
    values = np.full(MONTH, 100.0)
    values[1000:2000] = np.nan
    advice = cpu_advice(_usage(values, 4000), 4000)
    assert (advice.advised, advice.verdict) == (4000, Verdict.SAMPLES_MISSING)
    assert advice.evidence.set_aside == {Anomaly.MISSING: 1000}
    assert (advice.evidence.samples, advice.evidence.expected) == (MONTH - 1000, MONTH)


def test_databases_are_sized_by_a_higher_percentile() -> None:
    values = np.full(MONTH, 1000.0)
    values[: MONTH * 3 // 100] = 3500.0
    usage = _usage(values, 4000)
    assert cpu_advice(usage, 4000, Statistic.P95).evidence.value == 1000
    assert cpu_advice(usage, 4000, Statistic.P99).evidence.value == 3500


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 20_000), st.integers(1, 64_000))
def test_no_advice_goes_below_half_nor_below_the_floor(used: int, allotted: int) -> None:
    for advice in (
        cpu_advice(_steady(used, allotted), allotted),
        memory_advice(_steady(used, allotted), allotted),
    ):
        floor = {"cpu_milli": 100, "memory_mib": 512}[advice.resource.value]
        assert advice.advised >= min(allotted, floor)
        assert advice.advised * 2 >= allotted


def test_each_hour_of_the_week_has_its_own_percentile() -> None:
    values = np.full(35 * 288, 200.0)
    values[np.arange(len(values)) // 12 % 168 == 9] = 1500.0
    profile = hour_profile(_usage(values, 4000))
    assert profile[9] == 1500
    assert {*profile[:9], *profile[10:]} == {200}


def test_idle_hours_are_at_the_floor_and_unseen_hours_at_the_highest() -> None:
    values = np.full(3 * 288, 5.0)
    values[288:300] = 700.0
    profile = hour_profile(_usage(values, 4000))
    assert (profile[0], profile[24], profile[100]) == (100, 700, 700)
    assert hour_profile(_usage(np.full(3, np.nan), 4000)) == ()


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (datetime(2026, 3, 29, tzinfo=UTC), [1, 3, 4]),
        (datetime(2026, 10, 25, tzinfo=UTC), [2, 2, 3]),
        (datetime(2026, 6, 7, tzinfo=UTC), [2, 3, 4]),
    ],
)
def test_local_hours_follow_the_change_of_clocks(day: datetime, hours: list[int]) -> None:
    values = np.array([1000.0, 2000.0, 3000.0])
    profile = hour_profile(_usage(values, 4000, int(day.timestamp()), 3600))
    sunday = profile[6 * 24 :]
    for hour in set(hours):
        expected = max(value for at, value in zip(hours, values, strict=True) if at == hour)
        assert sunday[hour] == pytest.approx(expected, rel=0.03)
    assert [sunday[hour] for hour in range(1, 5) if hour not in hours] == [3000] * (
        4 - len({*hours})
    )


def test_a_measured_workload_has_a_profile_and_its_highest_hour() -> None:
    workload = Workload(name="vm", amounts=Amounts(4000, 8192))
    values = np.where(np.arange(MONTH) % 288 < 12, 1800.0, 300.0)
    sized = measured(workload, _usage(values, 4000))
    assert sized.amounts == Amounts(1800, 8192)
    assert len(sized.cpu_by_hour) == 168
    assert measured(workload, _steady(100, samples=288)) == workload


def test_peaks_that_do_not_meet_cost_less_than_their_sum() -> None:
    hours = np.arange(MONTH) // 12 % 24
    day, night = np.where(hours < 12, 1000.0, 0.0), np.where(hours >= 12, 1000.0, 0.0)
    found = coincidence([_usage(day, 4000), _usage(night, 4000)])
    assert (found.sum_of_p95_milli, found.p95_of_sum_milli, found.ratio) == (2000, 1000, 0.5)
    assert (found.mean_milli, found.samples, found.missing) == (1000, MONTH, 0)


def test_series_of_several_steps_and_spans_are_brought_together() -> None:
    fine = _usage(np.full(288, 100.0), 4000)
    coarse = _usage(np.full(12, 300.0), 4000, MONDAY_S + 43_200, 3600)
    found = coincidence([fine, coarse])
    assert (found.samples, found.max_of_sum_milli, found.mean_milli) == (24, 400, 250)
    assert found.missing == 12
