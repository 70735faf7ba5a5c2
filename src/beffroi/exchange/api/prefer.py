"""What askers would rather have: older representations, a @context beside the body.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.3.6.8 and 6.3.6; RFC 7240.
"""

from typing import Final

import msgspec

from beffroi.exchange.api.requests import Request
from beffroi.exchange.model import AttributeKind

_SINCE: Final = {
    AttributeKind.LANGUAGE_PROPERTY: (1, 4),
    AttributeKind.VOCAB_PROPERTY: (1, 8),
    AttributeKind.JSON_PROPERTY: (1, 8),
    AttributeKind.LIST_PROPERTY: (1, 8),
    AttributeKind.LIST_RELATIONSHIP: (1, 8),
}
"""The version of the standard that brought a kind; the others were always there."""


class Preferences(msgspec.Struct, frozen=True):
    """What a request prefers.

    Attributes:
        version: As it was written; "" for none.
        as_properties: Kinds that this version has not.
        context_in_body: Of GeoJSON.
    """

    version: str = ""
    as_properties: frozenset[AttributeKind] = frozenset()
    context_in_body: bool = True


_NONE: Final = Preferences()


def preferences(request: Request) -> Preferences:
    """Read the Prefer header; what is not understood is left aside."""
    header = request.header(b"prefer")
    if not header:
        return _NONE
    told: dict[str, str] = {}
    for part in header.split(","):
        name, _, value = part.partition(";")[0].partition("=")
        told.setdefault(name.strip().lower(), value.strip().strip('"'))
    version = told.get("ngsi-ld", "")
    number = _number(version)
    return Preferences(
        version=version if number else "",
        as_properties=frozenset(
            kind for kind, since in _SINCE.items() if number and number < since
        ),
        context_in_body=told.get("body", "ld+json") != "json",
    )


def _number(version: str) -> tuple[int, ...]:
    parts = version.split(".")
    is_version = len(parts) in {2, 3} and all(one.isascii() and one.isdecimal() for one in parts)
    return tuple(map(int, parts[:2])) if is_version else ()
