"""Times, durations and figures are read, or refused with what is wrong."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.exchange.errors import BadRequestDataError, TooComplexQueryError
from beffroi.exchange.model import Json
from beffroi.exchange.temporal.durations import Period, months_after, read_period
from beffroi.exchange.temporal.model import Method, Selection, Times
from beffroi.exchange.temporal.paging import content_range, cut_of, fitting
from beffroi.exchange.temporal.parameters import read_aggregation, read_last, read_times
from beffroi.kernel.catalogue import Language

_AT = "2026-03-01T12:00:00Z"


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("PT0S", Period()),
        ("P0D", Period()),
        ("PT15M", Period(length=timedelta(minutes=15))),
        ("P1DT12H", Period(length=timedelta(hours=36))),
        ("P2W", Period(length=timedelta(weeks=2))),
        ("PT0.5S", Period(length=timedelta(milliseconds=500))),
        ("P1M", Period(months=1)),
        ("P1Y6M", Period(months=18)),
    ],
)
def test_durations_are_of_the_calendar_or_of_a_fixed_length(text: str, period: Period) -> None:
    assert read_period(text) == period


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "exchange.not_a_duration"),
        ("P", "exchange.not_a_duration"),
        ("PT", "exchange.not_a_duration"),
        ("1H", "exchange.not_a_duration"),
        (5, "exchange.not_a_duration"),
        ("P1M1D", "exchange.duration_mixed"),
        ("P99999Y", "exchange.duration_too_long"),
        ("P999999W", "exchange.duration_too_long"),
    ],
)
def test_what_is_no_duration_is_refused(text: Json, code: str) -> None:
    with pytest.raises(BadRequestDataError) as refused:
        read_period(text)
    assert refused.value.code == code


@given(
    st.datetimes(timezones=st.just(UTC), max_value=datetime(8_000, 1, 1)),  # noqa: DTZ001
    st.integers(0, 12_000),
)
def test_a_later_month_never_passes_its_last_day(origin: datetime, months: int) -> None:
    later = months_after(origin, months)

    passed = (later.year - origin.year) * 12 + later.month - origin.month
    assert passed == months
    assert later.day == origin.day or (later + timedelta(days=1)).day == 1


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"timerel": "during", "timeAt": _AT}, "exchange.not_one_of"),
        ({"timerel": "after"}, "exchange.time_missing"),
        ({"timerel": "between", "timeAt": _AT}, "exchange.time_missing"),
        ({"timerel": "after", "timeAt": "2026-03-01"}, "exchange.not_an_instant"),
        ({"timerel": "after", "timeAt": _AT, "endTimeAt": _AT}, "exchange.end_without_between"),
        ({"timeAt": _AT}, "exchange.time_without_relation"),
        ({"timeproperty": "sentAt"}, "exchange.not_one_of"),
        ({}, "exchange.times_missing"),
    ],
)
def test_times_that_cannot_be_are_refused(given: dict[str, Json], code: str) -> None:
    with pytest.raises(BadRequestDataError) as refused:
        read_times(given, needed=True)
    assert refused.value.code == code


@pytest.mark.parametrize("told", [0, -1, 2.5, True, "", "1.5", "ten", "9999999999", None])
def test_the_last_are_a_whole_number(told: Json) -> None:
    with pytest.raises(BadRequestDataError):
        read_last({"lastN": told})


@pytest.mark.parametrize("told", ["avg,max", ["avg", "max"], " avg , max,avg"])
def test_methods_are_a_list_or_a_text_of_them(told: Json) -> None:
    assert read_aggregation({"aggrMethods": told}).methods == (Method.AVG, Method.MAX)


@pytest.mark.parametrize("told", [None, "", [], "mean", ["avg", 3], 7])
def test_unknown_methods_are_refused(told: Json) -> None:
    with pytest.raises(BadRequestDataError) as refused:
        read_aggregation({"aggrMethods": told})
    assert "aggrMethods" in refused.value.message(Language.EN)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=40), st.integers(1, 20))
def test_answers_follow_each_other_without_gap_or_repetition(minutes: list[int], most: int) -> None:
    left = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=one) for one in sorted(minutes)]
    joined: list[datetime] = []
    try:
        while left:
            kept, beyond = fitting(left[: most + 1], lambda one: one, most)
            joined.extend(kept)
            left = [one for one in left if one > kept[-1]]
            assert beyond is bool(left)
    except TooComplexQueryError:
        assert len(set(left[: most + 1])) == 1
        return
    assert len(joined) == len(minutes)


def test_the_range_runs_backwards_where_the_last_are_asked_for() -> None:
    early, late = (datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2))

    forwards = content_range(cut_of([early, late], Selection(times=Times())))
    backwards = content_range(cut_of([late, early], Selection(times=Times(), last=5)))

    assert forwards == "date-time 2026-01-01T00:00:00Z-2026-01-02T00:00:00Z/*"
    assert backwards == "date-time 2026-01-02T00:00:00Z-2026-01-01T00:00:00Z/5"
