"""How often something is measured, and whether it stands still."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from beffroi.exchange.models.series import Point, Rhythm, flat_lines, rhythm_of, standing

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
VALUES = st.lists(st.sampled_from([1.0, 2.0]), max_size=30)


def every(minutes: float, count: int, start: datetime = START) -> list[datetime]:
    return [start + timedelta(minutes=minutes * one) for one in range(count)]


def points(values: Sequence[float]) -> list[Point]:
    return list(zip(every(10, len(values)), values, strict=True))


def test_something_measured_by_day_is_not_silent_at_night() -> None:
    days = [every(30, 18, START + timedelta(days=day)) for day in range(4)]
    rhythm = rhythm_of([at for day in days for at in day])
    assert rhythm is not None
    assert rhythm.period_s == 1_800
    assert rhythm.silent_after_s > timedelta(hours=15.5).total_seconds()


def test_something_measured_all_the_time_is_silent_after_three_periods() -> None:
    rhythm = rhythm_of(every(10, 300))
    assert rhythm == Rhythm(600, 600)
    assert rhythm.silent_after_s == 1_800


def test_a_few_measures_tell_no_rhythm() -> None:
    assert rhythm_of(every(10, 6)) is None
    assert rhythm_of([START] * 50) is None


@given(VALUES)
def test_what_stands_is_as_long_as_the_last_values_are_the_same(values: list[float]) -> None:
    count = standing(points(values))
    assert len(set(values[len(values) - count :])) == (1 if values else 0)
    assert count == len(values) or values[-count - 1] != values[-1]


def test_a_value_stands_still_where_others_move() -> None:
    moving = points([float(one) for one in range(20)])
    series = {"stuck": points([*range(5), *[4.0] * 12]), "a": moving, "b": moving}
    assert flat_lines(series) == {"stuck": 13}


def test_what_most_never_change_does_not_stand_still() -> None:
    still = points([400.0] * 20)
    moving = points([float(one) for one in range(20)])
    assert flat_lines({"a": still, "b": still, "c": still, "d": moving}) == {}
    assert flat_lines({"alone": still}) == {}


def test_a_short_series_is_neither_still_nor_moving() -> None:
    moving = points([float(one) for one in range(20)])
    assert flat_lines({"short": points([4.0] * 11), "a": moving, "b": moving}) == {}
