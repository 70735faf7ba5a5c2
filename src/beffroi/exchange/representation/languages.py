"""Which of the languages of a text somebody gets.

Source: ETSI GS CIM 009 v1.9.1, clause 4.15; RFC 9110, section 12.5.4; RFC 4647, section 3.
"""

import re
from collections.abc import Iterable

from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.representation.excerpts import excerpt

ANY = "*"

_RANGE = re.compile(
    r"\s*(\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)\s*(?:;\s*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?\s*"
)


def read_languages(text: str) -> tuple[str, ...]:
    """Read the languages that somebody asks for, the best liked first, in small letters.

    Raises:
        BadRequestDataError: One of them is no language.
    """
    ranges: list[tuple[float, str]] = []
    for part in text.split(","):
        found = _RANGE.fullmatch(part)
        if found is None:
            raise BadRequestDataError("exchange.not_languages_asked", found=excerpt(text))
        liking = float(found[2] or 1)
        if liking:
            ranges.append((liking, found[1].lower()))
    return tuple([language for _, language in sorted(ranges, key=lambda one: -one[0])])


def chosen_language(there: Iterable[str], asked: tuple[str, ...]) -> str:
    """Choose one of the languages that are there: one that is asked for, or else any."""
    by_tag = {tag.lower(): tag for tag in there}
    for language in asked:
        if language == ANY:
            break
        parts = language.split("-")
        for length in range(len(parts), 0, -1):
            tag = by_tag.get("-".join(parts[:length]))
            if tag is not None:
                return tag
        for tag, written in by_tag.items():
            if tag.startswith(language + "-"):
                return written
    return by_tag.get("@none") or next(iter(by_tag.values()))
