"""Months of Europe/Paris, their long and short days, and what elapses."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.kernel.errors import InvalidInputError
from beffroi.ledger.months import (
    Span,
    counted_month,
    elapsed_months,
    month_named,
    month_of,
    months_of,
    next_month,
    split,
    years_later,
)

DAYS = st.dates(date(2001, 1, 1), date(2098, 12, 31))


def test_a_month_of_march_has_a_day_of_23_hours() -> None:
    assert Span(date(2026, 3, 29), date(2026, 3, 30)).hours == 23
    assert month_of(date(2026, 3, 15)).hours == 31 * 24 - 1


def test_a_month_of_october_has_a_day_of_25_hours() -> None:
    assert Span(date(2026, 10, 25), date(2026, 10, 26)).hours == 25
    assert month_of(date(2026, 10, 1)).hours == 31 * 24 + 1


def test_a_month_begins_at_midnight_in_paris() -> None:
    assert month_of(date(2026, 7, 31)).begins_at == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert month_of(date(2026, 1, 31)).begins_at == datetime(2025, 12, 31, 23, tzinfo=UTC)


@given(DAYS)
def test_the_days_of_a_month_follow_one_another_without_a_gap(day: date) -> None:
    month = month_of(day)
    inside = [month.since + timedelta(days=number) for number in range(month.days)]
    days = split(month, inside)
    assert days[0].begins_at == month.begins_at
    assert days[-1].ends_at == month.ends_at
    assert all(one.ends_at == other.begins_at for one, other in pairwise(days))
    assert sum(one.hours for one in days) == month.hours


@given(DAYS, st.lists(DAYS, max_size=5))
def test_a_split_month_keeps_all_its_time(day: date, at: list[date]) -> None:
    month = month_of(day)
    parts = split(month, [*at, month.since, month.since + timedelta(days=9), month.until])
    assert parts[0].since == month.since
    assert parts[-1].until == month.until
    assert sum(part.hours for part in parts) == month.hours
    assert month.since + timedelta(days=9) in {part.since for part in parts}


def test_an_overlap_with_what_is_open_goes_on_to_the_end() -> None:
    month = month_of(date(2026, 7, 1))
    assert month.overlap(date(2026, 7, 20), None) == Span(date(2026, 7, 20), date(2026, 8, 1))
    assert month.overlap(date(2026, 8, 1), None) is None
    assert month.overlap(date(2020, 1, 1), date(2026, 7, 1)) is None


@given(DAYS)
def test_a_whole_month_elapses_as_one(day: date) -> None:
    first = day.replace(day=1)
    assert elapsed_months(next_month(first)) - elapsed_months(first) == 1


def test_a_month_begun_elapses_by_its_days() -> None:
    assert elapsed_months(date(2026, 2, 15)) - elapsed_months(date(2026, 2, 1)) == Fraction(1, 2)


def test_a_year_has_twelve_months() -> None:
    assert months_of(2026)[0] == date(2026, 1, 1)
    assert months_of(2026)[-1] == date(2026, 12, 1)
    assert len(months_of(2026)) == 12


def test_the_29th_of_february_comes_back_as_the_first_of_march() -> None:
    assert years_later(date(2024, 2, 29), 5) == date(2029, 3, 1)
    assert years_later(date(2024, 2, 29), 4) == date(2028, 2, 29)


def test_a_month_is_named_by_year_and_month() -> None:
    assert month_named("2026-07") == date(2026, 7, 1)


@pytest.mark.parametrize("text", ["2026-13", "2026-7", "juillet", "2026-07-01", ""])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        month_named(text)
    assert raised.value.code == "ledger.not_a_month"
    assert raised.value.values == {"found": text}


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1999, 12, 31), date(2200, 1, 1), date.max])
def test_months_outside_the_years_of_ledgers_are_refused(day: date) -> None:
    with pytest.raises(InvalidInputError) as raised:
        counted_month(day)
    assert raised.value.code == "ledger.year_not_counted"


def test_the_first_and_the_last_year_of_ledgers_count() -> None:
    assert counted_month(date(2000, 1, 31)) == date(2000, 1, 1)
    assert counted_month(date(2199, 12, 31)) == date(2199, 12, 1)
