"""Dates, sizes and durations as each language writes them."""

import re
from datetime import datetime, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from beffroi.kernel.catalogue import Language
from beffroi.kernel.units import told_bytes, told_duration

_MONTHS = {
    Language.FR: (
        *("janv.", "févr.", "mars", "avr.", "mai", "juin"),
        *("juil.", "août", "sept.", "oct.", "nov.", "déc."),
    ),
    Language.EN: (
        *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
        *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    ),
}
_FRENCH_UNITS = {"B": "o", "KiB": "Kio", "MiB": "Mio", "GiB": "Gio", "TiB": "Tio"}
# A territory declares no time zone: the communes are read in metropolitan time.
_ZONE_NAME = "Europe/Paris"
_BRIEF_FROM = 10_000
_UNBREAKABLE = "\N{NO-BREAK SPACE}"
_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


def told_moment(moment: datetime, language: Language) -> str:
    """Write a date with its time: ``22 nov. 2026, 04:12``."""
    local = moment.astimezone(_zone())
    month = _MONTHS[language][local.month - 1]
    day = f"{local.day}{_UNBREAKABLE}{month} {local.year}"
    return f"{day}, {local.hour:02d}:{local.minute:02d}"


def told_size(size_bytes: int, language: Language) -> str:
    """Write a size with the language's unit: ``2,1 Gio``, ``2.1 GiB``, ``512 MiB``."""
    number, unit = told_bytes(size_bytes).split(" ")
    number = number.removesuffix(".0")
    if language is Language.FR:
        number, unit = number.replace(".", ","), _FRENCH_UNITS[unit]
    return f"{number}{_UNBREAKABLE}{unit}"


def told_span(duration_s: float, language: Language) -> str:
    """Write a duration: ``12,3 s``, ``4 min 05 s``."""
    told = told_duration(duration_s).replace(" ", _UNBREAKABLE)
    return told.replace(".", ",") if language is Language.FR else told


def told_number(number: float, language: Language, decimals: int = 0) -> str:
    """Write a number with the decimals that say something, a few at most."""
    told = f"{number:.{decimals}f}"
    if "." in told:
        told = told.rstrip("0").rstrip(".")
    return told.replace(".", ",") if language is Language.FR else told


def told_count(count: int, language: Language) -> str:
    """Write a count, thousands apart: ``12 345``, ``12,345``."""
    told = f"{count:,}"
    return told.replace(",", _UNBREAKABLE) if language is Language.FR else told


def told_brief_count(count: int, language: Language) -> str:
    """Write a count in five characters at most: ``9 999``, ``12 k``."""
    if count < _BRIEF_FROM:
        return told_count(count, language)
    thousands = round(count / 1_000)
    return f"{thousands}k" if thousands < 1_000 else f"{round(thousands / 1_000)}M"


def told_line(line: str) -> str:
    """Return a line of a log without the codes that are for terminals."""
    return _TERMINAL_CODES.sub("", line)


@cache
def _zone() -> tzinfo | None:
    try:
        return ZoneInfo(_ZONE_NAME)
    except ZoneInfoNotFoundError:
        return None
