"""Instants: read from text that ends in Z, and written so.

Source: ETSI GS CIM 009 v1.9.1, clause 4.6.3.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import Json
from beffroi.exchange.representation.excerpts import excerpt

_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?Z"
)


def read_instant(given: Json, name: str) -> datetime:
    """Read when something was; parts of a microsecond are dropped.

    Raises:
        BadRequestDataError: It is no date and time of UTC, with the name of its place.
    """
    if isinstance(given, str) and _DATE_TIME.fullmatch(given):
        try:
            return datetime.fromisoformat(given)
        except ValueError:
            pass
    raise BadRequestDataError("exchange.not_an_instant", name=name, found=excerpt(given))


def plain_instant(given: Json) -> datetime | None:
    """Read an instant that is written as ``written_instant`` writes it; None for all else."""
    return _plain_instant(given) if type(given) is str else None


# What is measured together comes with one time.
@lru_cache(maxsize=4_096)
def _plain_instant(given: str) -> datetime | None:
    length = len(given)
    # With three decimals that are all zero, or with six of which the last three are, it is longer
    # than we would write it.
    if length == 24:
        if given[20:23] == "000":
            return None
    elif length != 20:
        return None
    if not _DATE_TIME.fullmatch(given) or given[19] == ",":
        return None
    try:
        return datetime.fromisoformat(given)
    except ValueError:
        return None


def written_instant(instant: datetime) -> str:
    """Write when something was, with as many decimals as it needs: none, three or six."""
    if instant.tzinfo is not UTC:
        instant = instant.astimezone(UTC)
    text: str = msgspec.to_builtins(instant)
    microsecond = instant.microsecond
    return f"{text[:-4]}Z" if microsecond and microsecond % 1_000 == 0 else text
