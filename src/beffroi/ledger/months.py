"""Calendar months of Europe/Paris as instants: some have a day of 23 hours, some of 25.

Instants are in UTC: two times of one zone compare by their clocks, which the change of hour
sets back.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from beffroi.kernel.errors import InvalidInputError

PARIS: Final = ZoneInfo("Europe/Paris")
_YEARS: Final = range(2000, 2200)
YEARS_COUNTED: Final = {"first": _YEARS[0], "last": _YEARS[-1]}
_MONTH: Final = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")


class Span(msgspec.Struct, frozen=True):
    """Whole days, the last one not included."""

    since: date
    until: date

    @property
    def days(self) -> int:
        """How many days."""
        return (self.until - self.since).days

    @property
    def begins_at(self) -> datetime:
        """The instant of its first midnight in Paris."""
        return instant_of(self.since)

    @property
    def ends_at(self) -> datetime:
        """The instant of the midnight that ends it."""
        return instant_of(self.until)

    @property
    def hours(self) -> int:
        """How many hours truly pass."""
        return (self.ends_at - self.begins_at) // timedelta(hours=1)

    def overlap(self, since: date, until: date | None) -> "Span | None":
        """Return the days shared with others, of which the last may be open."""
        first = max(self.since, since)
        last = self.until if until is None else min(self.until, until)
        return Span(first, last) if first < last else None


def is_counted(day: date) -> bool:
    """Tell whether a day lies in the years that ledgers cover: 2000 to 2199."""
    return day.year in _YEARS


def instant_of(day: date) -> datetime:
    """Return the instant at which a day begins in Paris."""
    return datetime(day.year, day.month, day.day, tzinfo=PARIS).astimezone(UTC)


def month_named(text: str) -> date:
    """Return the first day of a month written ``2026-07``.

    Raises:
        InvalidInputError: It is no month of this century.
    """
    found = _MONTH.fullmatch(text)
    if found is None:
        raise InvalidInputError("ledger.not_a_month", found=text)
    return date(int(found[1]), int(found[2]), 1)


def counted_month(day: date) -> date:
    """Return the first day of a day's month.

    Raises:
        InvalidInputError: It lies outside the years that ledgers cover.
    """
    if not is_counted(day):
        raise InvalidInputError("ledger.year_not_counted", found=day.isoformat(), **YEARS_COUNTED)
    return day.replace(day=1)


def month_of(day: date) -> Span:
    """Return the month that a day is in."""
    first = day.replace(day=1)
    return Span(first, next_month(first))


def next_month(day: date) -> date:
    """Return the first day of the following month."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def months_of(year: int) -> tuple[date, ...]:
    """Return the first days of a year's months."""
    return tuple(date(year, month, 1) for month in range(1, 13))


def split(span: Span, at: Iterable[date]) -> tuple[Span, ...]:
    """Cut a span at the days that lie inside it."""
    inside = {day for day in at if span.since < day < span.until}
    days = sorted({span.since, *inside, span.until})
    return tuple(map(Span, days, days[1:]))


def elapsed_months(day: date) -> Fraction:
    """Count the months to a day, those begun by the share of their days."""
    return 12 * day.year + day.month + Fraction(day.day - 1, month_of(day).days)


def years_later(day: date, years: int) -> date:
    """Return the same day of a later year; the day after it where 29 February is missing."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
