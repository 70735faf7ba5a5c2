"""Samples at regular steps: what is averaged, what is set aside, and that it is told."""

from datetime import date

import numpy as np
import pytest

from beffroi.capacity.sizing_advice import Anomaly
from beffroi.capacity.sizing_series import Measure, Samples, Usage, usage_of, within

BEGIN = 1_750_000_200


def _usage(
    instants: list[int],
    values: list[float],
    measure: Measure = Measure.CPU_MILLI,
    allotted: int = 0,
) -> Usage:
    told = Samples("vm", measure, np.array(instants) + BEGIN, np.array(values))
    return usage_of(told, allotted)


def test_samples_within_a_step_are_averaged() -> None:
    usage = _usage([0, 60, 120, 300, 600], [1, 2, 3, 10, 20])
    assert usage.values.tolist() == [2, 10, 20]
    assert usage.first_s % 300 == 0


def test_samples_that_come_late_leave_no_gap() -> None:
    instants = [number * 300 + (number * 37) % 100 for number in range(200)]
    usage = _usage(instants, [1.0] * 200)
    assert len(usage.known) == len(usage.values) == 200


def test_samples_that_are_further_apart_make_longer_steps() -> None:
    usage = _usage([0, 3600, 7200, 14_400], [1, 2, 3, 4])
    assert usage.step_s == 3600
    assert usage.set_aside == {Anomaly.MISSING: 1}


@pytest.mark.parametrize(
    ("values", "kept", "anomaly"),
    [
        ([100, -5, 100], [100, 100], Anomaly.NEGATIVE),
        ([100, 9000, 100], [100, 100], Anomaly.ABOVE_ALL),
        ([100, 1050, 100], [100, 1000, 100], Anomaly.CAPPED),
        ([100, float("nan"), 100], [100, 100], Anomaly.MISSING),
    ],
)
def test_samples_that_cannot_be_are_counted(
    values: list[float], kept: list[float], anomaly: Anomaly
) -> None:
    usage = _usage([0, 300, 600], values, allotted=1000)
    assert usage.known.tolist() == kept
    assert usage.set_aside[anomaly] == 1


def test_an_instant_told_twice_counts_once_in_any_order() -> None:
    usage = _usage([600, 0, 300, 300], [3, 1, 2, 9])
    assert usage.values.tolist() == [1, 2, 3]
    assert usage.set_aside == {Anomaly.REPEATED: 1}


def test_a_share_is_of_what_is_allotted() -> None:
    usage = _usage([0, 300], [0.5, 0.25], Measure.CPU_SHARE, 4000)
    assert usage.values.tolist() == [2000, 1000]


def test_a_counter_gives_rates_and_its_reset_is_set_aside() -> None:
    usage = _usage([0, 300, 600, 900, 1200], [1000, 1300, 1450, 10, 310], Measure.CPU_SECONDS)
    assert usage.values.tolist()[:2] == [1000, 500]
    assert np.isnan(usage.values[2])
    assert usage.values[3] == 1000
    assert usage.set_aside == {Anomaly.MISSING: 1, Anomaly.RESET: 1}


def test_a_counter_that_jumps_is_set_aside() -> None:
    usage = _usage([0, 300, 600], [0, 300, 10**9], Measure.CPU_SECONDS, 1000)
    assert usage.known.tolist() == [1000]
    assert usage.set_aside[Anomaly.ABOVE_ALL] == 1


def test_days_are_local_and_both_count() -> None:
    hour = 3600
    first_s = 1_748_728_800  # 1 June 2025, 0 h in Paris
    usage = Usage("vm", first_s, hour, np.arange(72.0))
    part = within(usage, date(2025, 6, 2), date(2025, 6, 2))
    assert part.values.tolist() == list(range(24, 48))
    assert part.first_s == first_s + 24 * hour
    assert within(usage, None, None) is usage


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_days_of_the_change_of_clocks_have_their_own_length(day: date, hours: int) -> None:
    first_s = 1_772_323_200
    usage = Usage("vm", first_s, 3600, np.ones(24 * 300))
    assert len(within(usage, day, day).values) == hours


def test_nothing_at_all_is_a_usage_of_nothing() -> None:
    assert len(_usage([], []).values) == 0
