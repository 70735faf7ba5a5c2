"""What the parts of a connector must agree on."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import httpx

from beffroi.exchange.connectors.declared import Connector, MappedField, targets_of
from beffroi.exchange.connectors.mapping import OF_ENTITIES
from beffroi.exchange.connectors.selection import checked_selection
from beffroi.exchange.connectors.units import KNOWN_UNITS, can_convert
from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.errors import ExchangeError
from beffroi.territory.findings import KeyPath, Mistake
from beffroi.territory.shape import nearest

PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_SCHEMES: Final = frozenset({"http", "https"})
_HOST_KEY: Final = re.compile(r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-\S+) [A-Za-z0-9+/]+=*( .*)?")


def mistakes(connectors: Mapping[str, Connector]) -> Iterator[Mistake]:
    """Tell what is wrong with connectors that their shape does not tell."""
    for one in connectors.values():
        path: KeyPath = ("connectors", one.name)
        if len(targets_of(one)) != 1:
            yield Mistake("exchange.connector_target", path, {"name": one.name}, at_key=True)
        yield from _selection_mistakes(one, path)
        for name, field in one.fields.items():
            yield from _field_mistakes(name, field, (*path, "fields", name))
        yield from _target_mistakes(one, path)


def _selection_mistakes(connector: Connector, path: KeyPath) -> Iterator[Mistake]:
    try:
        checked_selection(connector, CORE)
    except ExchangeError as error:
        yield Mistake(error.code, path, error.values, at_key=True)


def _field_mistakes(name: str, field: MappedField, path: KeyPath) -> Iterator[Mistake]:
    given = {key: getattr(field, key) for key in ("unit", "unit_held")}
    unknown = {key: code for key, code in given.items() if code and code not in KNOWN_UNITS}
    for key, code in unknown.items():
        values = {"unit": code, "nearest": nearest(code, KNOWN_UNITS)}
        yield Mistake("exchange.connector_unit_unknown", (*path, key), values)
    if all(given.values()) and not unknown and not can_convert(field.unit_held, field.unit):
        values = {"field": name, "attribute": field.attribute}
        values |= {"held": field.unit_held, "wanted": field.unit}
        yield Mistake("exchange.connector_unit", (*path, "unit"), values)
    if field.attribute in OF_ENTITIES and (field.unit or field.divided_by):
        values = {"field": name, "attribute": field.attribute}
        yield Mistake("exchange.connector_unit_of_none", (*path, "attribute"), values)


def _url_mistakes(url: str, name: str, path: KeyPath) -> Iterator[Mistake]:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        yield Mistake("exchange.no_url", path, {"url": url})
        return
    if parsed.userinfo:
        yield Mistake("exchange.connector_url_secret", path, {"name": name})
    elif parsed.scheme not in _SCHEMES or not parsed.host:
        yield Mistake("exchange.no_url", path, {"url": url})


def _target_mistakes(connector: Connector, path: KeyPath) -> Iterator[Mistake]:
    known = tuple(connector.fields)
    if connector.webhook:
        yield from _url_mistakes(connector.webhook.url, connector.name, (*path, "webhook", "url"))
    if connector.table:
        for place, column in enumerate(connector.table.key):
            if column not in known:
                values = {"field": column, "nearest": nearest(column, known)}
                at = (*path, "table", "key", place)
                yield Mistake("exchange.connector_field_unknown", at, values)
    if connector.mqtt:
        for field in PLACEHOLDER.findall(connector.mqtt.topic):
            if field not in known:
                values = {"field": field, "nearest": nearest(field, known)}
                yield Mistake("exchange.connector_field_unknown", (*path, "mqtt", "topic"), values)
        if PLACEHOLDER.sub("", connector.mqtt.topic).strip("/#+") == "" or (
            set("#+") & set(connector.mqtt.topic)
        ):
            values = {"topic": connector.mqtt.topic}
            yield Mistake("exchange.connector_topic", (*path, "mqtt", "topic"), values)
    if connector.sftp and not _HOST_KEY.fullmatch(connector.sftp.host_key.strip()):
        yield Mistake("exchange.connector_host_key", (*path, "sftp", "host_key"))
