"""A number's course is drawn over a chosen time, in steps, with gaps left open."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.exchange.viewing.course import (
    HEIGHT,
    STEPS_MOST,
    WIDTH,
    Course,
    Span,
    Step,
    Window,
    courses,
)
from beffroi.kernel.catalogue import Language

NOON = datetime(2026, 11, 22, 12, 7, tzinfo=UTC)
LEVEL = "https://data.example/level"
_MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)).map(  # noqa: DTZ001 - naive until here
    lambda one: one.replace(tzinfo=UTC)
)


def _steps(window: Window, values: dict[int, tuple[float, float, float]]) -> list[Step]:
    return [
        Step(window.since + place * window.step, *figures, 3) for place, figures in values.items()
    ]


def _drawn(window: Window, values: dict[int, tuple[float, float, float]]) -> Course:
    (drawn,) = courses({LEVEL: _steps(window, values)}, {LEVEL: "MTR"}, window, Language.FR)
    return drawn


@given(_MOMENTS, st.sampled_from(Span))
def test_a_window_ends_just_after_the_last_measure_and_begins_with_an_hour_or_a_day(
    latest: datetime, span: Span
) -> None:
    window = Window.around(span, latest)
    assert window.since <= latest < window.until
    assert window.length / window.step <= STEPS_MOST
    if span is not Span.DAY:
        assert (window.since.minute, window.since.second, window.since.microsecond) == (0, 0, 0)
    if span is Span.YEAR:
        assert window.since.hour == 0


@given(
    st.sampled_from(Span),
    st.dictionaries(
        st.integers(0, 83), st.floats(-1e12, 1e12, allow_subnormal=False), min_size=1, max_size=84
    ),
)
def test_a_course_stays_within_its_drawing(span: Span, values: dict[int, float]) -> None:
    drawn = _drawn(
        Window.around(span, NOON),
        {place: (values[place],) * 3 for place in sorted(values)},
    )
    spots = drawn.line.replace("h0", "").replace("M", "L").split("L")[1:]
    assert len(spots) == len(values)
    for spot in spots:
        x, y = map(int, spot.split())
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT


def test_where_nothing_was_measured_the_line_is_interrupted() -> None:
    window = Window.around(Span.DAY, NOON)
    level = (2.0, 2.0, 2.0)
    close = {0: level, 1: level, 2: level}
    assert _drawn(window, close).line.count("M") == 1
    assert _drawn(window, close | {40: level, 41: level}).line.count("M") == 2


def test_measures_that_come_every_other_hour_are_one_line() -> None:
    hourly = dict.fromkeys(range(0, 96, 8), (2.0, 2.0, 2.0))
    assert _drawn(Window.around(Span.DAY, NOON), hourly).line.count("M") == 1


def test_a_band_leads_from_the_least_to_the_most_of_each_step() -> None:
    window = Window.around(Span.DAY, NOON)
    drawn = _drawn(window, {0: (2.0, 1.0, 3.0), 1: (2.5, 2.0, 4.0)})
    assert drawn.band == "M2 34L5 2L5 66L2 98z"
    assert (drawn.least, drawn.most) == ("1\N{NO-BREAK SPACE}m", "4\N{NO-BREAK SPACE}m")
    assert drawn.count == 6
    assert _drawn(window, {0: (2.0, 2.0, 2.0)}).band == ""


def test_steps_are_told_without_their_unit_which_the_heading_has() -> None:
    drawn = _drawn(Window.around(Span.WEEK, NOON), {0: (2.5, 1.0, 4.0)})
    assert drawn.unit == "m"
    (step,) = drawn.steps
    assert (step.mean, step.least, step.most) == ("2,5", "1", "4")


def test_a_year_ago_is_asked_for_by_whole_days() -> None:
    window = Window.around(Span.YEAR, NOON)
    assert window.until - NOON < timedelta(days=1)
    assert window.step == timedelta(days=4)


@pytest.mark.parametrize(
    "latest", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)]
)
@pytest.mark.parametrize("span", Span)
def test_a_measure_of_another_age_has_a_window(latest: datetime, span: Span) -> None:
    window = Window.around(span, latest)
    assert window.since < window.until < window.until + window.length
