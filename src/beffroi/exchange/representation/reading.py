"""Entities and parts of them read from JSON that requests carry.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.5.1 to 4.5.5, 4.5.17, 4.22, 5.2.4 and 5.5.4.
"""

from datetime import datetime
from typing import Any

from msgspec import UNSET

from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.errors import BadRequestDataError, InvalidRequestError
from beffroi.exchange.model import Entity, Iri, Json
from beffroi.exchange.representation.attribute_reading import AttributeReader
from beffroi.exchange.representation.excerpts import excerpt
from beffroi.exchange.representation.fragments import AttributeFragment, EntityFragment
from beffroi.exchange.representation.instants import read_instant
from beffroi.exchange.representation.names import (
    NULL,
    attribute_iri,
    checked_id,
    checked_scopes,
    type_iris,
)

_OWN = frozenset(
    {
        *("id", "@id", "type", "@type", "scope", "expiresAt", "@context"),
        *("createdAt", "modifiedAt", "deletedAt"),
    }
)
"""Members of an entity that are no attributes."""


def read_entity(document: Json, context: Context, now: datetime, *, address: str = "") -> Entity:
    """Read a whole entity, normalized, concise or simplified.

    Args:
        document: What JSON has.
        context: Where names get their meaning from.
        now: When the entity comes to be.
        address: The id that the URL of the request has, which the document may leave out.

    Raises:
        InvalidRequestError: It is no JSON object.
        BadRequestDataError: It is no entity, with the attribute and the value that are not.
    """
    members = read_object(document)
    reader = AttributeReader(context, now)
    types = _given(members, "type")
    if types is UNSET:
        raise BadRequestDataError("exchange.type_missing")
    expires_at = members.get("expiresAt", UNSET)
    scopes = members.get("scope", UNSET)
    return Entity(
        id=_checked_address(members, address),
        types=type_iris(types, context),
        scopes=() if scopes is UNSET else checked_scopes(scopes),
        attributes=_attributes(members, context, reader.attributes),
        created_at=now,
        modified_at=now,
        expires_at=None if expires_at is UNSET else read_instant(expires_at, "expiresAt"),
    )


def read_fragment(document: Json, context: Context, *, address: str = "") -> EntityFragment:
    """Read the part of an entity that should change; NGSI-LD Null says what should go.

    Args:
        document: What JSON has.
        context: Where names get their meaning from.
        address: The id of the entity; one in the document has to be the same.

    Raises:
        InvalidRequestError: It is no JSON object.
        BadRequestDataError: It is no part of an entity.
    """
    members = read_object(document)
    if _given(members, "id") is not UNSET:
        _checked_address(members, address)
    types = _given(members, "type")
    expires_at = members.get("expiresAt", UNSET)
    if expires_at is not UNSET:
        expires_at = None if expires_at == NULL else read_instant(expires_at, "expiresAt")
    scopes = members.get("scope", UNSET)
    if scopes is not UNSET:
        scopes = () if scopes == NULL else checked_scopes(scopes)
    return EntityFragment(
        context=context,
        types=() if types is UNSET else type_iris(types, context),
        scopes=scopes,
        expires_at=expires_at,
        attributes=_attributes(members, context, AttributeReader(context, None).fragments),
    )


def read_attribute(
    name: str, document: Json, context: Context
) -> tuple[Iri, tuple[AttributeFragment, ...]]:
    """Read what a request changes of one attribute, whose name is in the URL.

    Raises:
        InvalidRequestError: It is no JSON object, nor several.
        BadRequestDataError: It is nothing of an attribute, or the name can be none.
    """
    iri = attribute_iri(name, context)
    reader = AttributeReader(context, None)
    instances = document if isinstance(document, list) else [document]
    fragments = tuple(
        [reader.own_fragment(iri, name, _without_context(read_object(one))) for one in instances]
    )
    if not fragments or any(one.empty for one in fragments):
        raise BadRequestDataError("exchange.fragment_empty")
    if len({one.dataset_id for one in fragments}) < len(fragments):
        told = fragments[0].dataset_id or "@none"
        raise BadRequestDataError("exchange.dataset_twice", name=name, dataset=told)
    return iri, fragments


def _attributes(members: dict[str, Json], context: Context, read: Any) -> dict[Iri, Any]:  # noqa: ANN401
    attributes: dict[Iri, Any] = {}
    known = context.attributes
    for name, value in members.items():
        if name in _OWN:
            continue
        iri = known.get(name) or attribute_iri(name, context)
        if iri in attributes:
            raise BadRequestDataError("exchange.name_twice", name=excerpt(name), iri=excerpt(iri))
        attributes[iri] = read(iri, name, value)
    return attributes


def _given(members: dict[str, Json], name: str) -> Json:
    found = members.get(name, UNSET)
    return members.get("@" + name, UNSET) if found is UNSET else found


def _checked_address(members: dict[str, Json], address: str) -> str:
    given = _given(members, "id")
    if given is UNSET:
        if not address:
            raise BadRequestDataError("exchange.id_missing")
        return checked_id(address)
    if address and given != address:
        raise BadRequestDataError(
            "exchange.id_differs", found=excerpt(given), address=excerpt(address)
        )
    return checked_id(given)


def read_object(document: Json) -> dict[str, Json]:
    """Return the members of an object.

    Raises:
        InvalidRequestError: It is none.
    """
    if not isinstance(document, dict):
        raise InvalidRequestError("exchange.not_an_object", found=excerpt(document))
    return document


def _without_context(document: dict[str, Json]) -> dict[str, Json]:
    if "@context" not in document:
        return document
    return {key: value for key, value in document.items() if key != "@context"}
