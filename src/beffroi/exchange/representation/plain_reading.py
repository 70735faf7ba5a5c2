"""The plain shapes of attributes, which most requests have, read in one go.

What is not of a plain shape, or not as it should be, is left to the general reader: it alone
refuses. Where this one reads, both read the same.
"""

from datetime import datetime
from typing import Final

from beffroi.exchange.model import Attribute, AttributeKind, Iri, Json
from beffroi.exchange.representation.instants import plain_instant
from beffroi.exchange.representation.names import NULL, PROOF, is_uri
from beffroi.exchange.representation.values import GEOGRAPHIC

_JUDGED: Final = GEOGRAPHIC | {PROOF}
"""Attributes that not every kind or value suits."""

_NUMBERS: Final = frozenset({int, float, bool})
_NO_UNITS: Final = frozenset({"", NULL})
_UNTOLD: Final = (None, "")
_TOLD: Final[dict[str, tuple[AttributeKind | None, str]]] = {
    "Property": (AttributeKind.PROPERTY, "value"),
    "GeoProperty": (AttributeKind.GEO_PROPERTY, "value"),
    "Relationship": (AttributeKind.RELATIONSHIP, "object"),
}


def plain_attribute(iri: Iri, document: Json, now: datetime) -> Attribute | None:
    """Read a whole instance that is a number, a text, a point or a relationship to one entity.

    Returns:
        None where the general reader has to look.
    """
    if type(document) is dict:
        return _of_members(iri, document, now)
    if iri in _JUDGED or not _is_plain(document):
        return None
    return Attribute(kind=AttributeKind.PROPERTY, value=document, created_at=now, modified_at=now)


def _of_members(iri: Iri, document: dict[str, Json], now: datetime) -> Attribute | None:
    told = document.get("type")
    kind, member = _TOLD.get(told, _UNTOLD) if type(told) is str else _UNTOLD
    value = document.get(member)
    if kind is None or not _suits(kind, value, iri):
        return None
    members, unit, observed_at = 2, "", None
    if "observedAt" in document:
        members += 1
        observed_at = plain_instant(document["observedAt"])
        if observed_at is None:
            return None
    if "unitCode" in document:
        members += 1
        unit = document["unitCode"]
        if kind is not AttributeKind.PROPERTY or type(unit) is not str or unit in _NO_UNITS:
            return None
    if members != len(document):
        return None
    return Attribute(
        kind=kind,
        value=value,
        observed_at=observed_at,
        unit_code=unit,
        created_at=now,
        modified_at=now,
    )


def _suits(kind: AttributeKind, value: Json, iri: Iri) -> bool:
    if kind is AttributeKind.PROPERTY:
        return iri not in _JUDGED and _is_plain(value)
    if kind is AttributeKind.RELATIONSHIP:
        return iri not in _JUDGED and is_uri(value) and value != NULL
    return iri != PROOF and _is_point(value)


def _is_plain(value: Json) -> bool:
    return type(value) in _NUMBERS or (type(value) is str and value != NULL)


def _is_point(value: Json) -> bool:
    if type(value) is not dict or value.get("type") != "Point":
        return False
    position = value.get("coordinates")
    if type(position) is not list or len(position) != 2:
        return False
    longitude, latitude = position
    return (
        type(longitude) in {int, float}
        and type(latitude) in {int, float}
        and -180 <= longitude <= 180
        and -90 <= latitude <= 90
    )
