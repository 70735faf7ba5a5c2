"""What an answer's headers say about its storage: directives, dates, ages; pure.

Nothing here raises: what is malformed means the shorter life (RFC 9111, section 4.2.1).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, TypeAlias

Headers: TypeAlias = Sequence[tuple[str, str]]

# Caches need not represent longer ages exactly (RFC 9111, section 1.2.2); a year is what the
# territory's own rules allow.
YEAR_S: Final = 31_536_000
_SECONDS: Final = frozenset({"max-age", "s-maxage", "stale-while-revalidate", "stale-if-error"})
_FLAGS: Final = frozenset(
    {
        "immutable",
        "must-revalidate",
        "must-understand",
        "no-cache",
        "no-store",
        "no-transform",
        "private",
        "proxy-revalidate",
        "public",
    }
)
# A name, and a value that a quoted string may hold commas in. A quote that is never closed is
# skipped and semicolons part as commas do, so that what follows still counts.
_DIRECTIVE: Final = re.compile(
    r"""(?P<name>[^\s,;="]+)\s*(?:=\s*(?P<value>"(?:[^"\\]|\\.)*"|[^,;"]*))?""", re.DOTALL
)
_DIGITS: Final = re.compile(r"[0-9]+")
_MOST_DIGITS: Final = 10


def values_of(headers: Headers, name: str) -> list[str]:
    """Return what each header of a name holds, in order."""
    return [value for told, value in headers if told == name]


def members_of(headers: Headers, name: str) -> list[str]:
    """Return the members of a list that holds no quoted string, in lower case."""
    parts = ",".join(values_of(headers, name)).lower().split(",")
    return [member for part in parts if (member := part.strip())]


def directives(values: Iterable[str]) -> Mapping[str, int]:
    """Read the directives that a shared cache knows.

    Of a directive that is told twice the shorter life counts. A directive that names headers
    (``private="x-name"``) counts as if it named none, as RFC 9111, section 5.2.2.7 allows.

    Args:
        values: Those of all headers of one name, such as Cache-Control.

    Returns:
        Seconds per directive, from 0 to a year; 1 for those that take none.
    """
    found: dict[str, int] = {}
    for text in values:
        for match in _DIRECTIVE.finditer(text):
            name = match["name"].lower()
            if name in _FLAGS:
                found[name] = 1
            elif name in _SECONDS:
                told = seconds(match["value"] or "")
                found[name] = min(told, found.get(name, told))
    return found


def seconds(text: str) -> int:
    """Read a number of seconds, at most a year; 0 for anything else, as that is stale."""
    digits = text.strip().removeprefix('"').removesuffix('"').strip()
    if not _DIGITS.fullmatch(digits):
        return 0
    return YEAR_S if len(digits.lstrip("0")) > _MOST_DIGITS else min(int(digits), YEAR_S)


def age_s(headers: Headers) -> int:
    """Return the greatest age that an answer tells; 0 when it tells none."""
    return max((seconds(value) for value in values_of(headers, "age")), default=0)


def expiry_s(headers: Headers) -> int | None:
    """Return the life from Date to Expires; nothing without an Expires.

    An answer without a valid Date has no life by Expires: no clock of ours tells when it was made.
    """
    expires = [_moment(value) for value in values_of(headers, "expires")]
    if not expires:
        return None
    made = [_moment(value) for value in values_of(headers, "date")]
    known = [moment for moment in (*expires, *made) if moment is not None]
    if not made or len(known) < len(expires) + len(made):
        return 0
    life = (min(known[: len(expires)]) - max(known[len(expires) :])).total_seconds()
    return min(max(int(life), 0), YEAR_S)


def _moment(text: str) -> datetime | None:
    try:
        told = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)
