"""The tags that answers carry, and those that they ask to be dropped; pure."""

import re
from collections.abc import Iterable
from typing import Final

from beffroi.delivery.cache_directives import Headers, values_of

TAG_CHARACTERS: Final = 1024
TAGS: Final = 200

# RFC 9651, section 3: a List whose members are Strings, each with Parameters of any kind.
_STRING: Final = r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"'
_ITEM: Final = "|".join(
    (
        _STRING,
        r"-?[0-9]{1,12}\.[0-9]{1,3}",
        r"-?[0-9]{1,15}",
        r"[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*",
        r":[A-Za-z0-9+/=]*:",
        r"\?[01]",
        r"@-?[0-9]{1,15}",
        r'%"(?:[\x20\x21\x23\x24\x26-\x7e]|%[0-9a-f]{2})*"',
    )
)
_PARAMETERS: Final = rf"(?:; *[a-z*][a-z0-9_.*-]*(?:=(?:{_ITEM}))?)*"
_MEMBER: Final = re.compile(rf"(?P<text>{_STRING}){_PARAMETERS}")
_COMMA: Final = re.compile(r"[ \t]*,[ \t]*")
_ESCAPED: Final = re.compile(r"\\(.)")


def told_tags(headers: Headers) -> frozenset[str]:
    """Return what an answer is tagged with, however its application says so.

    Read are Cache-Groups (RFC 9875), Surrogate-Key and xkey (Fastly's and Varnish's, parted by
    blanks) and Cache-Tag (Cloudflare's and Akamai's, parted by commas). Tags of more than
    ``TAG_CHARACTERS`` and those beyond ``TAGS`` are left out; ``has_unusable_tags`` tells it.
    """
    return frozenset(sorted(filter(_is_usable, _tags(headers)))[:TAGS])


def has_unusable_tags(headers: Headers) -> bool:
    """Tell whether an answer has tags that a purge could not find it by."""
    tags = set(_tags(headers))
    return len(tags) > TAGS or not all(map(_is_usable, tags))


def told_invalidations(headers: Headers) -> frozenset[str]:
    """Return the tags whose pages an answer asks to drop (Cache-Group-Invalidation, RFC 9875)."""
    return frozenset(filter(_is_usable, strings(values_of(headers, "cache-group-invalidation"))))


def strings(values: Iterable[str]) -> list[str]:
    """Read a List of Strings (RFC 9651, section 4.2.1); nothing at all when it is malformed."""
    text = ", ".join(value.strip(" \t") for value in values).strip(" ")
    found: list[str] = []
    place = 0
    while member := _MEMBER.match(text, place):
        found.append(_ESCAPED.sub(r"\1", member["text"][1:-1]))
        comma = _COMMA.match(text, member.end())
        if comma is None:
            return found if member.end() == len(text) else []
        place = comma.end()
    return []


def _tags(headers: Headers) -> Iterable[str]:
    yield from filter(None, strings(values_of(headers, "cache-groups")))
    for name in ("surrogate-key", "xkey"):
        for value in values_of(headers, name):
            yield from value.split()
    for value in values_of(headers, "cache-tag"):
        yield from filter(None, map(str.strip, value.split(",")))


def _is_usable(tag: str) -> bool:
    return tag.isprintable() and 0 < len(tag) <= TAG_CHARACTERS
