"""The plain shapes of attributes, which most requests have, read in one go.

What is not of a plain shape, or not as it should be, is left to the general reader: it alone
refuses. Where this one reads, both read the same.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from beffroi.exchange.model import Attribute, AttributeKind, Iri, Json
from beffroi.exchange.representation.fragments import AttributeFragment
from beffroi.exchange.representation.instants import plain_instant
from beffroi.exchange.representation.names import NULL, PROOF, is_uri
from beffroi.exchange.representation.values import GEOGRAPHIC

_JUDGED: Final = GEOGRAPHIC | {PROOF}
"""Attributes that not every kind or value suits."""

_NUMBERS: Final = frozenset({int, float, bool})
_NO_UNITS: Final = frozenset({"", NULL})


_Told = tuple[AttributeKind, Json, datetime | None, str]
"""Kind, value, when it was observed, unit."""


def plain_attribute(iri: Iri, document: Json, now: datetime) -> Attribute | None:
    """Read a whole instance that is a number, a text, a point or a relationship to one entity.

    Returns:
        None where the general reader has to look.
    """
    if type(document) is not dict:
        if not _is_plain(document, iri):
            return None
        return Attribute(
            kind=AttributeKind.PROPERTY, value=document, created_at=now, modified_at=now
        )
    told = _told_by(iri, document)
    if told is None:
        return None
    kind, value, observed_at, unit = told
    return Attribute(
        kind=kind,
        value=value,
        observed_at=observed_at,
        unit_code=unit,
        created_at=now,
        modified_at=now,
    )


def plain_fragment(iri: Iri, name: str, document: Json) -> AttributeFragment | None:
    """Read such an instance as one that may stand for part of another.

    Returns:
        None where the general reader has to look.
    """
    told = _told_by(iri, document) if type(document) is dict else None
    if told is None:
        return None
    kind, value, observed_at, unit = told
    fields: dict[str, Any] = {}
    if observed_at is not None:
        fields["observed_at"], fields["observed_as"] = observed_at, ""
    if unit:
        fields["unit_code"] = unit
    return AttributeFragment(name=name, kind=kind, told=True, value=value, raw=value, fields=fields)


def _told_by(iri: Iri, document: dict[str, Json]) -> _Told | None:
    told = document.get("type")
    known = _TOLD.get(told) if type(told) is str else None
    if known is None:
        return None
    kind, member, suits = known
    value = document.get(member)
    if not suits(value, iri):
        return None
    further = len(document) - 2
    if not further:
        return kind, value, None, ""
    unit, observed_at = "", None
    told = document.get("observedAt")
    if told is not None:
        further -= 1
        observed_at = plain_instant(told)
        if observed_at is None:
            return None
    told = document.get("unitCode")
    if told is not None:
        further -= 1
        unit = told
        if kind is not AttributeKind.PROPERTY or type(unit) is not str or unit in _NO_UNITS:
            return None
    return None if further else (kind, value, observed_at, unit)


def _is_plain(value: Json, iri: Iri) -> bool:
    kind = type(value)
    return (kind in _NUMBERS or (kind is str and value != NULL)) and iri not in _JUDGED


def _is_one_entity(value: Json, iri: Iri) -> bool:
    return value != NULL and is_uri(value) and iri not in _JUDGED


def _is_point(value: Json, iri: Iri) -> bool:
    if type(value) is not dict or value.get("type") != "Point" or iri == PROOF:
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


_TOLD: Final[dict[str, tuple[AttributeKind, str, Callable[[Json, Iri], bool]]]] = {
    "Property": (AttributeKind.PROPERTY, "value", _is_plain),
    "GeoProperty": (AttributeKind.GEO_PROPERTY, "value", _is_point),
    "Relationship": (AttributeKind.RELATIONSHIP, "object", _is_one_entity),
}
