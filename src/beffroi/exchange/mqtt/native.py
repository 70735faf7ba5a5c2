"""Topics that say themselves which entity a message tells of.

``ngsi-ld/{type}/{id}``, or ``tenants/{tenant}/ngsi-ld/{type}/{id}``: the payload has attributes of
that entity, normalized, concise or simplified. ``observedAt`` beside them is that of each that has
none. Names are those of the core @context, or names in full.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.errors import ExchangeError, InvalidRequestError
from beffroi.exchange.model import Attribute, AttributeKind, Iri, Json
from beffroi.exchange.mqtt.ports import Fate
from beffroi.exchange.representation.excerpts import excerpt
from beffroi.exchange.representation.instants import (
    plain_instant,
    read_instant,
    written_instant,
)
from beffroi.exchange.representation.json_reading import read_json
from beffroi.exchange.representation.names import checked_id, type_iris
from beffroi.exchange.representation.reading import read_entity
from beffroi.exchange.uplinks.mapping import Measures
from beffroi.exchange.uplinks.measuring import Measuring
from beffroi.exchange.uplinks.message import UplinkMessage
from beffroi.kernel.rights.model import Actor

_FIRST: Final = ("ngsi-ld/", "tenants/")
_TOPIC: Final = re.compile(
    r"(?:tenants/([A-Za-z0-9_][A-Za-z0-9_.:~-]{0,254})/)?ngsi-ld/([^/]+)/(.+)", re.DOTALL
)
_TOPICS_KEPT: Final = 32_768
_NAMES_KEPT: Final = 8_192
_OBSERVED_AT: Final = "observedAt"
_SOME_TYPE: Final = "Thing"
_SOME_ID: Final = "urn:ngsi-ld:Thing:1"
_SOME_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)
_OF_ENTITIES: Final = frozenset(
    {"id", "@id", "type", "@type", "scope", "expiresAt", "@context", "createdAt", "modifiedAt"}
)


class NamedEntity(NamedTuple):
    """Which entity a topic names."""

    tenant: str
    type_name: str
    types: tuple[Iri, ...]
    id: str


class NativeTopics:
    """Takes messages in whose topics name entities; creates those that are not there yet."""

    def __init__(self, measuring: Measuring) -> None:
        self._measuring = measuring

    async def received(self, actor: Actor, messages: Sequence[UplinkMessage]) -> Sequence[Fate]:
        """Return once each message is committed or refused."""
        fates: list[Fate] = [None] * len(messages)
        told: dict[str, list[tuple[int, Measures]]] = {}
        for place, message in enumerate(messages):
            try:
                named = named_entity(message.topic)
                measures = measures_of(named, message)
            except ExchangeError as error:
                fates[place] = error
            else:
                told.setdefault(named.tenant, []).append((place, measures))
        for tenant, placed in told.items():
            outcomes = await self._measuring.committed(actor, tenant, [one for _, one in placed])
            for (place, _), outcome in zip(placed, outcomes, strict=True):
                fates[place] = outcome
        return fates


def is_native(topic: str) -> bool:
    """Tell whether a topic names an entity, or means to."""
    return topic.startswith(_FIRST)


@lru_cache(maxsize=_TOPICS_KEPT)
def named_entity(topic: str) -> NamedEntity:
    """Return which entity a topic names.

    Raises:
        InvalidRequestError: It names none.
        BadRequestDataError: The type or the id can be none.
    """
    found = _TOPIC.fullmatch(topic)
    if found is None:
        raise InvalidRequestError("exchange.topic_names_nothing", topic=excerpt(topic))
    tenant, type_name, entity_id = found[1] or "", found[2], found[3]
    return NamedEntity(tenant, type_name, type_iris(type_name, CORE), checked_id(entity_id))


def measures_of(named: NamedEntity, message: UplinkMessage) -> Measures:
    """Read what a message tells of an entity.

    Raises:
        InvalidRequestError: The payload is no JSON object.
        BadRequestDataError: It has no attributes, or one that can be none.
    """
    document = read_json(message.payload)
    if not isinstance(document, dict):
        raise InvalidRequestError("exchange.not_an_object", found=excerpt(document))
    observed_as = document.pop(_OBSERVED_AT, None)
    plain = _plain(document, observed_as)
    if plain is not None:
        return Measures(named.id, named.types, message.at, plain)
    if observed_as is not None:
        document = {name: _observed(name, one, observed_as) for name, one in document.items()}
    entity = read_entity({**document, "type": named.type_name}, CORE, message.at, address=named.id)
    if not entity.attributes:
        raise InvalidRequestError("exchange.fragment_empty")
    told = [(iri, one) for iri, instances in entity.attributes.items() for one in instances]
    return Measures(named.id, named.types, message.at, tuple(told))


def _plain(
    document: Mapping[str, Json], observed_as: Json
) -> tuple[tuple[Iri, Attribute], ...] | None:
    """Read attributes that are all bare numbers, which is what sensors send most."""
    told: list[tuple[Iri, Json]] = []
    for name, value in document.items():
        if type(value) is not float and type(value) is not int:
            return None
        iri = _plain_name(name)
        if iri is None:
            return None
        told.append((iri, value))
    observed_at, written = plain_instant(observed_as), ""
    if told and observed_at is None and observed_as is not None:
        observed_at = read_instant(observed_as, _OBSERVED_AT)
        written = observed_as if written_instant(observed_at) != observed_as else ""
    return tuple([(iri, _number(one, observed_at, written)) for iri, one in told]) or None


def _number(value: Json, observed_at: datetime | None, observed_as: str) -> Attribute:
    return Attribute(
        kind=AttributeKind.PROPERTY,
        value=value,
        observed_at=observed_at,
        observed_as=observed_as,
    )


@lru_cache(maxsize=_NAMES_KEPT)
def _plain_name(name: str) -> Iri | None:
    """Return the full name of an attribute that a bare number makes a Property."""
    try:
        entity = read_entity({"type": _SOME_TYPE, name: 1}, CORE, _SOME_TIME, address=_SOME_ID)
    except ExchangeError:
        return None
    for iri, instances in entity.attributes.items():
        if instances[0].kind is AttributeKind.PROPERTY and instances[0].value == 1:
            return iri
    return None


def _observed(name: str, value: Json, observed_as: Json) -> Json:
    """Say when an attribute was observed, where it does not say so itself."""
    if name in _OF_ENTITIES:
        return value
    if isinstance(value, dict) and not _is_bare(value):
        return value if _OBSERVED_AT in value else {**value, _OBSERVED_AT: observed_as}
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        return [_observed(name, one, observed_as) for one in value]
    return {"value": value, _OBSERVED_AT: observed_as}


def _is_bare(value: Mapping[str, Json]) -> bool:
    """Tell a value that is an object from an attribute."""
    return "coordinates" in value or not ({"type", *_VALUES} & value.keys())


_VALUES: Final = frozenset(
    {
        *("value", "object", "languageMap", "vocab", "json", "valueList", "objectList"),
    }
)
