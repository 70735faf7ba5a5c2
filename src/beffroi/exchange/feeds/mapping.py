"""From a row to the entity that it tells of."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.errors import ExchangeError
from beffroi.exchange.feeds import cells
from beffroi.exchange.feeds.declared import DeclaredAttribute, Feed, ValueKind
from beffroi.exchange.feeds.mistakes import WrongValueError, wrong_value
from beffroi.exchange.feeds.rows import Row
from beffroi.exchange.representation.instants import written_instant
from beffroi.exchange.representation.reading import read_entity

_CHECKED_AT: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""A moment that reading asks for and checking makes no use of."""


class MappedRow(msgspec.Struct, frozen=True):
    """What a row tells of an entity, in the form of the standard.

    Attributes:
        line: Of the row.
        at: When it was observed; absent where the feed tells of no time.
    """

    line: int
    id: str
    at: datetime | None
    document: Mapping[str, Any]


class RowMapping:
    """Makes entities as a feed declares them."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._observed = None if feed.observed_at is UNSET else feed.observed_at
        self._zone = ZoneInfo("UTC" if self._observed is None else self._observed.zone)

    def mapped(self, row: Row) -> MappedRow:
        """Read a row.

        Raises:
            WrongValueError: It cannot be what the feed declares.
        """
        if row.surplus:
            raise wrong_value("exchange.feed_row_too_long", value=row.surplus)
        at = self._instant(row)
        document: dict[str, Any] = {
            "id": cells.filled(self._feed.id, row.cells),
            "type": self._feed.type,
        }
        for name, declared in self._feed.attributes.items():
            attribute = self._attribute(declared, row)
            if attribute is not None:
                if declared.measured and at is not None:
                    attribute["observedAt"] = written_instant(at)
                document[name] = attribute
        _check(document)
        if self._feed.context:
            document["@context"] = list(self._feed.context)
        return MappedRow(row.place.line, document["id"], at, document)

    def _instant(self, row: Row) -> datetime | None:
        if self._observed is None:
            return None
        text = row.cells.get(self._observed.column, "")
        if not text:
            raise wrong_value("exchange.feed_instant_empty", self._observed.column)
        column, form = self._observed.column, self._observed.format
        try:
            return cells.instant(column, text, self._zone, form)
        except WrongValueError as error:
            likely = "" if form else cells.likely_form(text)
            if not likely:
                raise
            raise wrong_value("exchange.feed_instant_form", column, text, form=likely) from error

    def _attribute(self, declared: DeclaredAttribute, row: Row) -> dict[str, Any] | None:
        if declared.geometry:
            return None if row.geometry is None else _geography(row.geometry)
        if declared.object:
            columns = cells.placeholders(declared.object)
            if not all(row.cells.get(column) for column in columns):
                return None
            object_id = cells.filled(declared.object, row.cells)
            return {"type": "Relationship", "object": object_id}
        if declared.longitude:
            return self._point(declared, row)
        value = self._value(declared, row)
        if value is None:
            return None
        unit = {"unitCode": declared.unit} if declared.unit else {}
        return {"type": "Property", "value": value, **unit}

    def _point(self, declared: DeclaredAttribute, row: Row) -> dict[str, Any] | None:
        sides = ((declared.longitude, 180), (declared.latitude, 90))
        told = [row.cells.get(column, "") for column, _ in sides]
        if not any(told):
            return None
        coordinates = []
        for (column, most), text in zip(sides, told, strict=True):
            degrees = cells.number(column, text, self._feed.decimals)
            if abs(degrees) > most:
                raise wrong_value("exchange.feed_degrees", column, text, most=most)
            coordinates.append(degrees)
        return _geography({"type": "Point", "coordinates": coordinates})

    def _value(self, declared: DeclaredAttribute, row: Row) -> Any | None:  # noqa: ANN401 - JSON
        text = row.cells.get(declared.column, "")
        if not text:
            return None
        match declared.kind:
            case ValueKind.TEXT:
                return text
            case ValueKind.DATE:
                return {"@type": "Date", "@value": cells.day(declared.column, text)}
            case ValueKind.TIME:
                told = cells.instant(declared.column, text, self._zone)
                return {"@type": "DateTime", "@value": written_instant(told)}
            case ValueKind.NUMBER:
                return self._number(declared, row, text)

    def _number(self, declared: DeclaredAttribute, row: Row, text: str) -> float | None:
        value = cells.number(declared.column, text, self._feed.decimals)
        if not declared.divided_by:
            return value
        column = declared.divided_by
        divisor = cells.number(column, row.cells.get(column, ""), self._feed.decimals)
        if divisor == 0:
            raise wrong_value("exchange.feed_divided_by_zero", column, row.cells[column])
        return value / divisor


def _geography(geometry: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"type": "GeoProperty", "value": geometry}


def _check(document: Mapping[str, Any]) -> None:
    """Read the entity as the platform's door would."""
    try:
        read_entity(document, CORE, _CHECKED_AT)
    except ExchangeError as error:
        raise WrongValueError(error.code, "", "", error.values) from error
