"""What text in cells stands for: numbers, dates, instants, ids."""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from beffroi.exchange.feeds.declared import Decimals
from beffroi.exchange.feeds.mistakes import wrong_value

_SAMPLE: Final = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_WITH_COMMA: Final = re.compile(r"[+-]?[0-9]+,[0-9]+")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,15}")
_DAY_FIRST: Final = re.compile(
    r"([0-9]{1,2})([/.-])([0-9]{1,2})\2[0-9]{4}( [0-9]{1,2}:[0-9]{2})?(:[0-9]{2})?"
)
_SPACES: Final = str.maketrans("", "", " \u00a0\u202f")


EPOCH: Final = "epoch"
EPOCH_MS: Final = "epoch-ms"


def placeholders(template: str) -> Iterator[str]:
    """Give the columns that a template names."""
    return (found[1] for found in _PLACEHOLDER.finditer(template))


def filled(template: str, cells: Mapping[str, str]) -> str:
    """Write an id; what a URI cannot hold is percent-encoded.

    Raises:
        WrongValueError: A cell it needs is empty.
    """

    def cell(found: re.Match[str]) -> str:
        value = cells.get(found[1], "")
        if not value:
            raise wrong_value("exchange.feed_id_empty", found[1])
        return quote(value, safe="-._~:")

    return _PLACEHOLDER.sub(cell, template)


def number(column: str, text: str, decimals: Decimals) -> int | float:
    """Read a number.

    Raises:
        WrongValueError: It is none.
    """
    bare = text.translate(_SPACES)
    if decimals is Decimals.COMMA:
        bare = bare.replace(",", ".") if "." not in bare else "?"
    if _INTEGER.fullmatch(bare):
        return int(bare)
    try:
        read = math.nan if "_" in bare else float(bare)
    except ValueError:
        read = math.nan
    if not math.isfinite(read):
        if decimals is Decimals.POINT and _WITH_COMMA.fullmatch(bare):
            raise wrong_value("exchange.feed_number_comma", column, text)
        raise wrong_value("exchange.feed_not_a_number", column, text, decimals=decimals.value)
    return read


def day(column: str, text: str) -> str:
    """Read a date.

    Raises:
        WrongValueError: It is none.
    """
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise wrong_value("exchange.feed_not_a_date", column, text) from error


def instant(column: str, text: str, zone: ZoneInfo, written: str = "") -> datetime:
    """Read an instant; one that names no offset is of the zone.

    Of the two instants that an hour repeated in autumn may mean, it is the first.

    Raises:
        WrongValueError: It is none, or the zone's clocks skipped it in spring.
    """
    try:
        read = _told(text, written)
        if read.tzinfo is not None:
            return read.astimezone(UTC)
        told = read.replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        form = written or "2026-11-22 14:30"
        raise wrong_value("exchange.feed_not_an_instant", column, text, form=form) from error
    if told.astimezone(zone).replace(tzinfo=None) != read:
        raise wrong_value("exchange.feed_instant_skipped", column, text, zone=zone.key)
    return told


def likely_form(text: str) -> str:
    """Return how a text that is no ISO 8601 seems to tell an instant; nothing: in no usual way."""
    if text.isdigit() and len(text) in (10, 13):
        return EPOCH if len(text) == 10 else EPOCH_MS
    found = _DAY_FIRST.fullmatch(text)
    if found is None:
        return ""
    first, mark, second, minutes, seconds = found.groups()
    first_two = ("%m", "%d") if int(second) > 12 >= int(first) else ("%d", "%m")
    date_form = mark.join((*first_two, "%Y"))
    return date_form + (" %H:%M" if minutes else "") + (":%S" if seconds else "")


def is_form(written: str) -> bool:
    """Tell whether a form says day, month and year of an instant."""
    if written in (EPOCH, EPOCH_MS):
        return True
    try:
        return datetime.strptime(_SAMPLE.strftime(written), written).date() == _SAMPLE.date()  # noqa: DTZ007
    except (ValueError, re.error):  # The latter where it says the same thing twice.
        return False


def _told(text: str, written: str) -> datetime:
    if written in (EPOCH, EPOCH_MS):
        return datetime.fromtimestamp(float(text) / (1_000 if written == EPOCH_MS else 1), UTC)
    # Without an offset it stays naive until the caller gives it the zone of the feed.
    return datetime.strptime(text, written) if written else datetime.fromisoformat(text)  # noqa: DTZ007
