"""What requests tell of history, read from JSON.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.5.6, 4.5.7, 5.5.4, 5.6.11 and 5.6.12.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.errors import BadRequestDataError, InvalidRequestError
from beffroi.exchange.model import SCOPE, Attribute, AttributeKind, Iri, Json
from beffroi.exchange.representation.attribute_reading import AttributeReader
from beffroi.exchange.representation.excerpts import excerpt
from beffroi.exchange.representation.fragments import AttributeFragment
from beffroi.exchange.representation.instants import read_instant
from beffroi.exchange.representation.making import made
from beffroi.exchange.representation.names import (
    NULL,
    attribute_iri,
    checked_id,
    checked_scopes,
    type_iris,
)

_OWN: Final = frozenset(
    {
        *("id", "@id", "type", "@type", "scope", "expiresAt", "@context"),
        *("createdAt", "modifiedAt", "deletedAt"),
    }
)
_SCOPE_NAME: Final = "scope"


class Recorded(msgspec.Struct, frozen=True):
    """An instance that a request tells of.

    Attributes:
        ended: The attribute was deleted then.
    """

    attribute: Iri
    instance: Attribute
    ended: bool


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the history of an entity.

    Attributes:
        types: None where the request leaves them.
        scopes: The last of them; nothing where the request leaves them.
    """

    id: str
    types: tuple[Iri, ...]
    scopes: tuple[str, ...] | None
    instances: tuple[Recorded, ...]


def read_record(document: Json, context: Context, now: datetime, *, address: str = "") -> Record:
    """Read the temporal representation of an entity, or a part of it.

    Args:
        document: What JSON has.
        context: Where names get their meaning from.
        now: When instances were written that do not tell when they were observed.
        address: The id of the entity, where the address of the request has it; the document then
            has attributes alone.

    Raises:
        InvalidRequestError: It is no JSON object.
        BadRequestDataError: It is no temporal representation.
    """
    if not isinstance(document, dict):
        raise InvalidRequestError("exchange.not_an_object", found=excerpt(document))
    if "expiresAt" in document:
        read_instant(document["expiresAt"], "expiresAt")
    types: tuple[Iri, ...] = ()
    given = document.get("type", document.get("@type"))
    if given is not None:
        types = type_iris(given, context)
    elif not address:
        raise BadRequestDataError("exchange.type_missing")
    instances = [*_scopes(document, context, now), *_attributes(document, context, now)]
    if address and not instances:
        raise BadRequestDataError("exchange.fragment_empty")
    return Record(
        id=checked_id(address) if address else _id(document),
        types=types,
        scopes=_last_scopes(instances, now),
        instances=tuple(instances),
    )


def read_correction(name: str, document: Json, context: Context) -> tuple[Iri, AttributeFragment]:
    """Read what a request corrects of one instance, whose name is in the address.

    Raises:
        InvalidRequestError: It is no JSON object.
        BadRequestDataError: It is nothing of an instance.
    """
    if not isinstance(document, dict):
        raise InvalidRequestError("exchange.not_an_object", found=excerpt(document))
    iri = attribute_or_scope(name, context)
    members = {key: value for key, value in document.items() if key != "@context"}
    fragment = AttributeReader(context, None).own_fragment(iri, name, members)
    if fragment.empty or fragment.deletes:
        raise BadRequestDataError("exchange.fragment_empty")
    if iri == SCOPE and fragment.value is not msgspec.UNSET:
        checked_scopes(fragment.value)
    return iri, fragment


def attribute_or_scope(name: str, context: Context) -> Iri:
    """Return the full name of what has a history: an attribute, or the scope.

    Raises:
        BadRequestDataError: No attribute can be called so.
    """
    return SCOPE if name == _SCOPE_NAME else attribute_iri(name, context)


def _id(document: Mapping[str, Json]) -> str:
    found = document.get("id", document.get("@id"))
    if found is None:
        raise BadRequestDataError("exchange.id_missing")
    return checked_id(found)


def _attributes(document: Mapping[str, Json], context: Context, now: datetime) -> list[Recorded]:
    reader = AttributeReader(context, None, over_time=True)
    found: list[Recorded] = []
    seen: set[Iri] = set()
    for name, value in document.items():
        if name in _OWN:
            continue
        iri = attribute_iri(name, context)
        if iri in seen:
            raise BadRequestDataError("exchange.name_twice", name=excerpt(name), iri=excerpt(iri))
        seen.add(iri)
        if value != []:
            found.extend(_recorded(iri, one, now) for one in reader.fragments(iri, name, value))
    return found


def _recorded(iri: Iri, fragment: AttributeFragment, now: datetime) -> Recorded:
    if not fragment.deletes:
        return Recorded(iri, made(fragment, None, now), ended=False)
    instance = Attribute(
        kind=fragment.kind or AttributeKind.PROPERTY,
        value=NULL,
        dataset_id=fragment.dataset_id,
        observed_at=fragment.fields.get("observed_at"),
        created_at=now,
        modified_at=now,
    )
    return Recorded(iri, instance, ended=True)


def _scopes(document: Mapping[str, Json], context: Context, now: datetime) -> list[Recorded]:
    """Read the scope: scopes as they are now, or instances of a Property."""
    if _SCOPE_NAME not in document:
        return []
    given = document[_SCOPE_NAME]
    instances = given if isinstance(given, list) else [given]
    if not any(isinstance(one, dict) for one in instances):
        scopes = checked_scopes(given)
        value = scopes[0] if len(scopes) == 1 else list(scopes)
        kind = AttributeKind.PROPERTY
        instance = Attribute(
            kind=kind, value=value, observed_at=now, created_at=now, modified_at=now
        )
        return [Recorded(SCOPE, instance, ended=False)]
    reader = AttributeReader(context, None, over_time=True)
    found = []
    for fragment in reader.fragments(SCOPE, _SCOPE_NAME, given):
        one = _recorded(SCOPE, fragment, now)
        if not one.ended:
            if one.instance.kind is not AttributeKind.PROPERTY or one.instance.dataset_id:
                raise BadRequestDataError("exchange.not_a_scope", found=excerpt(given))
            checked_scopes(one.instance.value)
        found.append(one)
    return found


def _last_scopes(instances: list[Recorded], now: datetime) -> tuple[str, ...] | None:
    scopes = [one for one in instances if one.attribute == SCOPE]
    if not scopes:
        return None
    latest = max(scopes, key=lambda one: one.instance.observed_at or now)
    return () if latest.ended else checked_scopes(latest.instance.value)
