"""From what a message tells to the measures of an entity, compiled once for each declaration."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.errors import ExchangeError
from beffroi.exchange.feeds import cells
from beffroi.exchange.feeds.declared import Decimals, ValueKind
from beffroi.exchange.feeds.mistakes import WrongValueError
from beffroi.exchange.measures import AHEAD_MOST
from beffroi.exchange.model import Attribute, AttributeKind, Iri, Json
from beffroi.exchange.representation.excerpts import excerpt
from beffroi.exchange.representation.instants import written_instant
from beffroi.exchange.representation.names import attribute_iri, checked_id, type_iris
from beffroi.exchange.representation.reading import read_entity
from beffroi.exchange.uplinks.declared import Uplink, UplinkAttribute, UplinkInstant
from beffroi.exchange.uplinks.message import Reading, member
from beffroi.exchange.uplinks.wrong import WrongMessageError, as_wrong, wrong_message

BATTERY: Final = "batteryLevel"
MARGIN: Final = "linkMargin"
_DECIBELS: Final = "2N"
_WHOLE_MOST: Final = 2**63
_CHECKED_AT: Final = datetime(2000, 1, 1, tzinfo=UTC)
_UTC: Final = ZoneInfo("UTC")
_UNKEEPABLE: Final = re.compile(r"[\x00\ud800-\udfff]")
Path = tuple[str, ...]
_Read = Callable[[Mapping[str, Any]], Json]


class Measures(msgspec.Struct, frozen=True, gc=False):
    """What a message tells of an entity.

    Attributes:
        at: When it was so.
        attributes: Without the dates of their writing.
    """

    id: str
    types: tuple[Iri, ...]
    at: datetime
    attributes: tuple[tuple[Iri, Attribute], ...]


class _Made(msgspec.Struct, frozen=True):
    iri: Iri
    kind: AttributeKind
    read: _Read
    unit: str
    measured: bool


class UplinkMapping:
    """Makes measures as an uplink declares them.

    Args:
        uplink: The declaration.
        context: What its names stand for.
    """

    def __init__(self, uplink: Uplink, context: Context) -> None:
        self._types = type_iris(uplink.type, context)
        self._id = _Template(uplink.id)
        self._instant = _instant_of(uplink)
        self._attributes = tuple(
            _made(name, one, context) for name, one in uplink.attributes.items()
        )
        self._status = tuple(_status_attributes(context))
        self._tells_status = any(
            one.field.startswith("status.") for one in uplink.attributes.values()
        )

    def mapped(self, reading: Reading, received_at: datetime) -> Measures:
        """Map a message that is decoded.

        Raises:
            WrongMessageError: It tells nothing that is declared, or something that cannot be.
        """
        told = reading.told
        at = reading.at if self._instant is None else self._instant(told) or reading.at
        if at - received_at > AHEAD_MOST:
            raise wrong_message("exchange.uplink_instant_ahead", found=written_instant(at))
        attributes = []
        for one in self._attributes:
            value = one.read(told)
            if value is not None:
                attributes.append((one.iri, _attribute(one, value, at)))
        tells = bool(attributes)
        if not self._tells_status and "status" in told:
            attributes += _told_of_status(self._status, told, at)
            tells = tells or (reading.is_status and bool(attributes))
        if not tells:
            raise wrong_message(
                "exchange.uplink_tells_nothing", members=", ".join(_members(told))[:300]
            )
        return Measures(self._id.filled(told), self._types, at, tuple(attributes))


def path_of(field: str) -> Path:
    """Return the steps of ``object.temperature``."""
    return tuple(field.split("."))


def id_paths(template: str) -> Iterator[tuple[str, Path]]:
    """Give the members that a template names; a bare name is a level of the topic."""
    for name in cells.placeholders(template):
        path = path_of(name)
        yield name, path if len(path) > 1 else ("topic", name)


class _Template:
    """An id with places for members."""

    def __init__(self, template: str) -> None:
        self._parts = re.split(r"\{[^{}]*\}", template)
        self._members = tuple(id_paths(template))
        self._kept: dict[tuple[str, ...], str] = {}

    def filled(self, told: Mapping[str, Any]) -> str:
        values = []
        for name, path in self._members:
            value = member(told, path)
            if value is None or value == "" or isinstance(value, dict | list | bool):
                raise wrong_message("exchange.uplink_id_empty", member=name)
            values.append(
                value
                if type(value) is str
                else f"{value:g}"
                if type(value) is float
                else str(value)
            )
        key = tuple(values)
        found = self._kept.get(key)
        if found is None:
            found = self._checked(key)
            if len(self._kept) < 100_000:
                self._kept[key] = found
        return found

    def _checked(self, values: tuple[str, ...]) -> str:
        made = self._parts[0]
        try:
            for value, part in zip(values, self._parts[1:], strict=True):
                made += quote(value, safe="-._~:") + part
            return checked_id(made)
        except ExchangeError as error:
            raise as_wrong(error) from error
        except UnicodeEncodeError as error:
            raise wrong_message("exchange.uplink_text_unkeepable", member="id") from error


def _instant_of(uplink: Uplink) -> Callable[[Mapping[str, Any]], datetime | None] | None:
    declared = uplink.observed_at
    if declared is UNSET:
        return None
    path, zone = path_of(declared.field), ZoneInfo(declared.zone)

    def read(told: Mapping[str, Any]) -> datetime | None:
        value = member(told, path)
        if value is None:
            raise wrong_message("exchange.uplink_instant_missing", member=declared.field)
        return _instant(declared, value, zone)

    return read


def _instant(declared: UplinkInstant, value: Json, zone: ZoneInfo) -> datetime:
    try:
        if declared.format in (cells.EPOCH, cells.EPOCH_MS) and not isinstance(value, bool):
            seconds = float(value) / (1_000 if declared.format == cells.EPOCH_MS else 1)
            return datetime.fromtimestamp(seconds, UTC)
        if type(value) is str:
            return cells.instant(declared.field, value, zone, declared.format)
    except (ValueError, TypeError, OverflowError, OSError) as error:
        if isinstance(error, WrongValueError):
            told = {"column": error.column, "value": excerpt(value), **error.told}
            raise wrong_message(error.code, **told) from error
    form = declared.format or "2026-11-22T14:30:00Z"
    raise wrong_message("exchange.uplink_instant_unreadable", found=excerpt(value), form=form)


def _made(name: str, declared: UplinkAttribute, context: Context) -> _Made:
    iri, kind = attribute_iri(name, context), AttributeKind.PROPERTY
    if declared.object:
        kind, read = AttributeKind.RELATIONSHIP, _relationship(declared.object)
    elif declared.longitude:
        kind, read = AttributeKind.GEO_PROPERTY, _point(declared)
    else:
        read = _value(name, declared)
    return _Made(iri, kind, read, declared.unit, declared.measured)


def _attribute(made: _Made, value: Json, at: datetime) -> Attribute:
    return Attribute(
        kind=made.kind,
        value=value,
        unit_code=made.unit,
        observed_at=at if made.measured else None,
    )


def _relationship(template: str) -> _Read:
    filling = _Template(template)
    paths = [path for _, path in id_paths(template)]

    def read(told: Mapping[str, Any]) -> Json:
        if any(member(told, path) in (None, "") for path in paths):
            return None
        return filling.filled(told)

    return read


def _point(declared: UplinkAttribute) -> _Read:
    sides = ((declared.longitude, 180), (declared.latitude, 90))
    paths = [(field, path_of(field), most) for field, most in sides]

    def read(told: Mapping[str, Any]) -> Json:
        values = [member(told, path) for _, path, _ in paths]
        if any(value is None for value in values):
            return None
        coordinates = []
        for value, (field, _, most) in zip(values, paths, strict=True):
            degrees = _number(field, value)
            if abs(degrees) > most:
                raise wrong_message("exchange.feed_degrees", column=field, value=degrees, most=most)
            coordinates.append(degrees)
        # Trackers without a fix say 0, 0.
        return {"type": "Point", "coordinates": coordinates} if any(coordinates) else None

    return read


def _value(name: str, declared: UplinkAttribute) -> _Read:
    path = path_of(declared.field)
    if declared.kind is UNSET:
        return lambda told: _as_it_comes(name, declared.field, member(told, path))
    read = _READ[declared.kind]

    def as_declared(told: Mapping[str, Any]) -> Json:
        value = member(told, path)
        return None if value is None else read(declared, value)

    return as_declared


def _as_it_comes(name: str, field: str, value: Json) -> Json:
    kind = type(value)
    if kind is float or value is None or kind is bool:
        return value
    if kind is int:
        return _number(field, value)
    return _text(field, value) if kind is str else _compound(name, value)


def _declared_number(declared: UplinkAttribute, value: Json) -> Json:
    number = _number(declared.field, value)
    factor = declared.multiplied_by
    if factor == 1:
        return number
    product = float(f"{number * factor:.12g}")
    if not math.isfinite(product):
        raise _not_a_number(declared.field, value)
    return product


def _declared_day(declared: UplinkAttribute, value: Json) -> Json:
    text = _written(declared.field, value)
    return {"@type": "Date", "@value": _cell(declared.field, text, cells.day)}


def _declared_time(declared: UplinkAttribute, value: Json) -> Json:
    def instant(field: str, text: str) -> str:
        return written_instant(cells.instant(field, text, _UTC))

    text = _written(declared.field, value)
    return {"@type": "DateTime", "@value": _cell(declared.field, text, instant)}


_READ: Final[Mapping[ValueKind, Callable[[UplinkAttribute, Json], Json]]] = {
    ValueKind.NUMBER: _declared_number,
    ValueKind.TEXT: lambda declared, value: _text(declared.field, value),
    ValueKind.DATE: _declared_day,
    ValueKind.TIME: _declared_time,
}


def _cell(field: str, text: str, read: Callable[[str, str], str]) -> str:
    try:
        return read(field, text)
    except WrongValueError as error:
        values = {"column": field, "value": excerpt(text), **error.told}
        raise wrong_message(error.code, **values) from error


def _written(field: str, value: Json) -> str:
    if type(value) is str:
        return value
    raise wrong_message("exchange.uplink_not_a_text", member=field, found=excerpt(value))


def _number(field: str, value: Json) -> int | float:
    if type(value) is float or (type(value) is int and abs(value) < _WHOLE_MOST):
        return value
    if type(value) is str and len(value) < 60:
        try:
            return cells.number(field, value, Decimals.POINT)
        except WrongValueError:
            pass
    raise _not_a_number(field, value)


def _not_a_number(field: str, value: Json) -> WrongMessageError:
    return wrong_message("exchange.uplink_not_a_number", member=field, found=excerpt(value))


def _text(field: str, value: Json) -> str:
    text = value if type(value) is str else msgspec.json.encode(value).decode()
    if _UNKEEPABLE.search(text):
        raise wrong_message("exchange.uplink_text_unkeepable", member=field)
    return text


def _compound(name: str, value: Json) -> Json:
    """Read a list or an object as the platform's door would."""
    document = {"id": "urn:x:y", "type": "X", name: {"type": "Property", "value": value}}
    try:
        entity = read_entity(document, CORE, _CHECKED_AT)
    except ExchangeError as error:
        raise as_wrong(error) from error
    ((instance,),) = entity.attributes.values()
    return instance.value


def _status_attributes(context: Context) -> Iterator[_Made]:
    """Give what every device of LoRaWAN may tell of itself."""

    def battery(told: Mapping[str, Any]) -> Json:
        percent = member(told, ("status", "battery"))
        return None if percent is None else round(float(percent) / 100, 4)

    iri = attribute_iri(BATTERY, context)
    yield _Made(iri, AttributeKind.PROPERTY, battery, "", measured=True)
    iri = attribute_iri(MARGIN, context)
    margin = lambda told: member(told, ("status", "margin"))  # noqa: E731 - beside its like
    yield _Made(iri, AttributeKind.PROPERTY, margin, _DECIBELS, measured=True)


def _told_of_status(
    made: tuple[_Made, ...], told: Mapping[str, Any], at: datetime
) -> Iterator[tuple[Iri, Attribute]]:
    for one in made:
        value = one.read(told)
        if value is not None:
            yield one.iri, _attribute(one, value, at)


def _members(told: Mapping[str, Any]) -> Iterator[str]:
    for part, inner in told.items():
        if isinstance(inner, dict):
            yield from (f"{part}.{name}" for name in list(inner)[:30])
        else:
            yield part
