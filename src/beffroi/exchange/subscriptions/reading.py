"""Subscriptions read from requests: checked, and every name put in full.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.2.12 to 5.2.15, 5.8.1 and 5.8.2.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from urllib.parse import unquote, urlsplit

import msgspec

from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.errors import BadRequestDataError, InvalidRequestError
from beffroi.exchange.model import Iri, Json
from beffroi.exchange.mqtt.receivers import mqtt_target
from beffroi.exchange.query.conditions import read_condition
from beffroi.exchange.query.geo import places_asked
from beffroi.exchange.query.patterns import Pattern
from beffroi.exchange.query.scope import scopes_asked
from beffroi.exchange.query.type_selection import types_asked
from beffroi.exchange.representation.excerpts import excerpt
from beffroi.exchange.representation.instants import read_instant
from beffroi.exchange.representation.languages import read_languages
from beffroi.exchange.representation.names import (
    NULL,
    attribute_iri,
    checked_dataset,
    checked_id,
    checked_uri,
)
from beffroi.exchange.subscriptions.model import (
    CONTEXT_LINK,
    INTERVAL_LEAST_S,
    NAMES,
    Endpoint,
    Notifying,
    Place,
    Selector,
    Subscription,
    subscription_of,
)
from beffroi.exchange.subscriptions.receivers import over_mqtt

_KNOWN: Final = frozenset(Subscription.__struct_encode_fields__) - {NAMES, CONTEXT_LINK}
_HTTP: Final = frozenset({"http", "https"})
_SIMPLIFIED: Final = frozenset({"keyValues", "simplified"})
_TYPE_NAME: Final = re.compile(r"[^();|,\s]+")
_UNWRITABLE: Final = re.compile(r"[();|,\s]")
_OF_ENTITIES: Final = frozenset(
    {"id", "type", "scope", "createdAt", "modifiedAt", "deletedAt", "expiresAt"}
)
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def read_members(given: Json, context: Context) -> dict[str, Json]:
    """Read the members of a subscription, or of a part of one; None takes one away.

    Raises:
        InvalidRequestError: It is no JSON object.
        BadRequestDataError: A name cannot be one.
    """
    if not isinstance(given, dict):
        raise InvalidRequestError("exchange.subscription_not_an_object", found=excerpt(given))
    members = {
        "id" if name == "@id" else "type" if name == "@type" else name: None
        if value == NULL
        else value
        for name, value in given.items()
    }
    told: dict[str, Json] = {
        name: _READERS[name](value, context) if name in _READERS else value
        for name, value in members.items()
        if name in _KNOWN
    }
    if isinstance(told.get("q"), str):
        told[NAMES] = _names(told, context)
    return told


def checked_subscription(document: Mapping[str, Json], now: datetime) -> Subscription:
    """Make a subscription of the members that it has.

    Raises:
        BadRequestDataError: It is none, with the member that is wrong.
    """
    try:
        subscription = subscription_of(document)
    except msgspec.ValidationError as error:
        raise BadRequestDataError("exchange.subscription_wrong", reason=str(error)) from error
    checked_id(subscription.id)
    if "expiresAt" in document:
        read_instant(document["expiresAt"], "expiresAt")
    if subscription.expires_at is not None and subscription.expires_at <= now:
        raise BadRequestDataError("exchange.subscription_over", found=document["expiresAt"])
    if subscription.entities is None and subscription.watched_attributes is None:
        raise BadRequestDataError("exchange.subscription_to_nothing")
    interval_s = subscription.time_interval
    if interval_s is not None and interval_s < INTERVAL_LEAST_S:
        reason = f"Expected `float` >= {INTERVAL_LEAST_S} - at `$.timeInterval`"
        raise BadRequestDataError("exchange.subscription_wrong", reason=reason)
    if interval_s is not None and subscription.throttling is not None:
        raise BadRequestDataError("exchange.subscription_interval_throttled")
    _check_selection(subscription)
    _check_notifying(subscription.notification)
    for one in subscription.dataset_id or ():
        checked_dataset(one, "subscription")
    if subscription.lang is not None:
        read_languages(subscription.lang)
    return subscription


def decoded_query(q: str) -> str:
    """Return a query as it is read: it comes as it stands in an address (clause 5.2.12)."""
    return unquote(q) if "%" in q else q


def names_context(names: Mapping[str, Iri]) -> Context:
    """Return what the names of a query stand for, as it was when they were read."""
    return _Names(names)


class _Names(Context):
    """Names put in full once."""

    def __init__(self, names: Mapping[str, Iri]) -> None:
        super().__init__({}, None)
        self._known = names

    def expand(self, name: str) -> Iri:
        return self._known.get(name) or super().expand(name)


class _NamesUsed(Context):
    """A @context that remembers which of its names were asked for."""

    def __init__(self, context: Context) -> None:
        super().__init__({}, None)
        self._context = context
        self.used: dict[str, Iri] = {}

    def expand(self, name: str) -> Iri:
        self.used[name] = self._context.expand(name)
        return self.used[name]

    def coercion(self, iri: Iri) -> str:
        return self._context.coercion(iri)


def _names(told: Mapping[str, Json], context: Context) -> dict[str, Iri]:
    using = _NamesUsed(context)
    expanded = told.get("expandValues")
    attributes = [one for one in expanded if isinstance(one, str)] if expanded else ()
    read_condition(decoded_query(told["q"]), using, expanded=attributes)
    return using.used


def _expanded(names: Json, context: Context) -> Json:
    """Put names in full; what is no list of texts is told of later, with its place."""
    if not isinstance(names, list):
        return names
    return [attribute_iri(one, context) if isinstance(one, str) else one for one in names]


def _datasets(given: Json, _context: Context) -> Json:
    return [given] if isinstance(given, str) else given


def _selectors(given: Json, context: Context) -> Json:
    return [_selector(one, context) for one in given] if isinstance(given, list) else given


def _selector(given: Json, context: Context) -> Json:
    if not isinstance(given, dict):
        return given
    told = _only(given, Selector)
    if "@type" in given:
        told.setdefault("type", given["@type"])
    if isinstance(told.get("type"), str) and told["type"].strip() != "*":
        types_asked(told["type"], context)
        told["type"] = _TYPE_NAME.sub(lambda name: _type(name[0], context), told["type"])
    return told


def _type(name: str, context: Context) -> Iri:
    iri = context.expand(name)
    if _UNWRITABLE.search(iri):
        raise BadRequestDataError("exchange.subscription_type_unwritable", name=excerpt(iri))
    return iri


def _place(given: Json, context: Context) -> Json:
    if not isinstance(given, dict):
        return given
    told = _only(given, Place)
    if isinstance(told.get("geoproperty"), str):
        told["geoproperty"] = attribute_iri(told["geoproperty"], context)
    return told


def _notifying(given: Json, context: Context) -> Json:
    if not isinstance(given, dict):
        return given
    told = _only(given, Notifying)
    if isinstance(told.get("endpoint"), dict):
        told["endpoint"] = _only(told["endpoint"], Endpoint)
    for name in ("attributes", "pick", "omit"):
        if isinstance(told.get(name), list):
            told[name] = [
                attribute_iri(one, context)
                if isinstance(one, str) and one not in _OF_ENTITIES
                else one
                for one in told[name]
            ]
    return told


_READERS: Final[Mapping[str, Callable[[Json, Context], Json]]] = {
    "datasetId": _datasets,
    "watchedAttributes": _expanded,
    "expandValues": _expanded,
    "entities": _selectors,
    "notification": _notifying,
    "geoQ": _place,
}


def _only(given: dict[str, Json], kind: type[msgspec.Struct]) -> dict[str, Json]:
    known = frozenset(kind.__struct_encode_fields__)
    return {name: value for name, value in given.items() if name in known}


def _check_selection(subscription: Subscription) -> None:
    for selector in subscription.entities or ():
        for one in selector.ids:
            checked_id(one)
        if selector.id_pattern:
            Pattern("idPattern", selector.id_pattern)
    if subscription.scope_q is not None:
        scopes_asked(subscription.scope_q)
    if subscription.csf is not None:
        read_condition(decoded_query(subscription.csf), names_context({}), parameter="csf")
    place = subscription.geo_q
    if place is not None:
        places_asked(place.georel, place.geometry, place.coordinates, place.geoproperty)


def _check_notifying(notifying: Notifying) -> None:
    if notifying.attributes is not None and (notifying.pick or notifying.omit):
        raise BadRequestDataError("exchange.attrs_beside_pick")
    both = frozenset(notifying.pick or ()) & frozenset(notifying.omit or ())
    if both:
        raise BadRequestDataError("exchange.picked_and_omitted", name=min(both))
    if notifying.show_changes and notifying.format in _SIMPLIFIED:
        raise BadRequestDataError("exchange.subscription_changes_simplified")
    _check_endpoint(notifying.endpoint)


def _check_endpoint(endpoint: Endpoint) -> None:
    uri = checked_uri(endpoint.uri, "endpoint.uri")
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise BadRequestDataError("exchange.endpoint_unknown", found=excerpt(uri)) from None
    if over_mqtt(uri):
        mqtt_target(uri, {pair.key: pair.value for pair in endpoint.notifier_info})
        return
    if parts.scheme.lower() not in _HTTP or not host:
        raise BadRequestDataError("exchange.endpoint_unknown", found=excerpt(uri))
    for pair in endpoint.receiver_info:
        if not _HEADER_NAME.fullmatch(pair.key) or not _HEADER_VALUE.fullmatch(pair.value):
            raise BadRequestDataError("exchange.endpoint_header", name=excerpt(pair.key))
