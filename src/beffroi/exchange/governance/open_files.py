"""The entities of a data set as files: CSV and GeoJSON, written while they are read."""

import csv
import io
import re
from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.geometry import middle_of
from beffroi.exchange.model import LOCATION, AttributeKind, Entity, Iri, Json
from beffroi.exchange.representation.writing import Form, Style, written_feature

_SIMPLE: Final = Form(style=Style.SIMPLIFIED)
_FIRST: Final = ("id", "type", "longitude", "latitude")
_FORMULA: Final = re.compile(r"[=@\t\r]|[+-](?![\d\s().-]*$)")


async def geojson(entities: AsyncIterator[Entity]) -> AsyncIterator[bytes]:
    """Write a FeatureCollection."""
    yield b'{"type":"FeatureCollection","features":['
    separator = b"\n"
    async for entity in entities:
        yield separator + msgspec.json.encode(written_feature(entity, CORE, _SIMPLE))
        separator = b",\n"
    yield b"\n]}\n"


async def table(entities: AsyncIterator[Entity], names: Sequence[Iri]) -> AsyncIterator[bytes]:
    """Write CSV, a row for each entity.

    Args:
        entities: In their order.
        names: Of the attributes, each a column.
    """
    yield _line([*_FIRST, *(CORE.compact(one) for one in names)])
    async for entity in entities:
        place = _place(entity)
        told = [entity.id, " ".join(CORE.compact(one) for one in entity.types)]
        told += ["", ""] if place is None else [repr(place[0]), repr(place[1])]
        yield _line([*told, *(_cell(entity, one) for one in names)])


def harmless(cell: str) -> str:
    """Return a cell that spreadsheets do not run; numbers, also of telephones, stay."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _line(cells: Sequence[str]) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerow(map(harmless, cells))
    return written.getvalue().encode()


def _place(entity: Entity) -> tuple[float, float] | None:
    for one in entity.attributes.get(LOCATION, ()):
        if not one.dataset_id and one.kind is AttributeKind.GEO_PROPERTY:
            return middle_of(one.value)
    return None


def _cell(entity: Entity, name: Iri) -> str:
    for one in entity.attributes.get(name, ()):
        if not one.dataset_id:
            return _told(one.value)
    return ""


def _told(value: Json) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
