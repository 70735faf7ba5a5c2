"""How long the periods are that figures are reckoned for.

Source: ETSI GS CIM 009 v1.9.1, clause 4.5.19.1; ISO 8601-1, 5.5.2.
"""

import re
from calendar import monthrange
from datetime import datetime, timedelta

import msgspec

from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import Json
from beffroi.exchange.representation.excerpts import excerpt

_MONTHS_OF_YEAR = 12
_YEARS_MOST = 1_000
_DURATION = re.compile(
    r"P(?=.)(?:(?P<years>\d{1,6})Y)?(?:(?P<months>\d{1,6})M)?(?:(?P<weeks>\d{1,6})W)?"
    r"(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?=.)(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?"
    r"(?:(?P<seconds>\d{1,9}(?:[.,]\d{1,6})?)S)?)?",
    re.ASCII,
)


class Period(msgspec.Struct, frozen=True):
    """Months of the calendar or a fixed length; neither: the whole time asked for."""

    months: int = 0
    length: timedelta = timedelta()

    @property
    def whole(self) -> bool:
        """Whether it is all of the time asked for."""
        return not self.months and not self.length

    def end_of(self, origin: datetime, start: datetime) -> datetime:
        """Return when a period ends.

        Args:
            origin: When the first one starts.
            start: When this one does.
        """
        if not self.months:
            return start + self.length
        begun = (start.year - origin.year) * _MONTHS_OF_YEAR + start.month - origin.month
        return months_after(origin, begun + self.months)


def months_after(origin: datetime, months: int) -> datetime:
    """Return the same day of a later month, or its last one where it has none of that number."""
    years, month = divmod(origin.month - 1 + months, _MONTHS_OF_YEAR)
    year, month = origin.year + years, month + 1
    return origin.replace(year=year, month=month, day=min(origin.day, monthrange(year, month)[1]))


def read_period(given: Json) -> Period:
    """Read a duration of ISO 8601; one of nothing is the whole time asked for.

    Raises:
        BadRequestDataError: It is none, or has months beside weeks or less, which have no fixed
            length together, or is longer than 1,000 years.
    """
    found = _DURATION.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        raise BadRequestDataError("exchange.not_a_duration", found=excerpt(given))
    parts = {
        name: float(text.replace(",", ".")) if text else 0.0
        for name, text in found.groupdict().items()
    }
    months = int(parts.pop("years") * _MONTHS_OF_YEAR + parts.pop("months"))
    try:
        length = timedelta(**parts)
    except OverflowError:
        length = timedelta.max
    if months and length:
        raise BadRequestDataError("exchange.duration_mixed", found=given)
    if months > _YEARS_MOST * _MONTHS_OF_YEAR or length > timedelta(days=_YEARS_MOST * 365):
        raise BadRequestDataError("exchange.duration_too_long", found=given, years=_YEARS_MOST)
    return Period(months, length)
