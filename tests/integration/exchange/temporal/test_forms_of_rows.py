"""Rows of history from before read like those written now."""

from typing import Any

import msgspec

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.model import Attribute
from beffroi.exchange.representation.reading import read_entity
from beffroi.exchange.temporal.durations import Period
from beffroi.exchange.temporal.model import Aggregation, Method, Selection, TimeProperty, Times
from beffroi.exchange.temporal.writing import Shape
from beffroi.kernel.database import execute, fetch_tuples
from beffroi.kernel.database.pool import EVERYTHING
from tests.integration.exchange.temporal.conftest import TownHistory

BUS = "urn:ngsi-ld:Bus:7"
_DOCUMENT = {
    "id": BUS,
    "type": "Bus",
    "speed": {
        "type": "Property",
        "value": 41.5,
        "unitCode": "KMH",
        "observedAt": "2026-03-01T08:00:00Z",
    },
    "seats": 63,
    "big": 123456789012345678,
    "name": 'Ligne "7" \\ Écusson\n',
    "free": True,
    "stops": {"type": "ListProperty", "valueList": ["a", 2, {"b": "c"}]},
    "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [4.36, 43.83]}},
    "label": {"type": "LanguageProperty", "languageMap": {"fr": "bus", "oc": "bus"}},
    "driver": {"type": "Relationship", "object": "urn:ngsi-ld:Driver:1", "since": {"value": 3}},
}
_AS_BEFORE = """
update exchange.history set said = null, created_at = null, modified_at = null,
    instance = exchange.instance_text(instance, said, created_at, modified_at)::jsonb
"""
_METHODS = (Method.MIN, Method.MAX, Method.DISTINCT_COUNT, Method.SUM, Method.TOTAL_COUNT)


async def _answers(town: TownHistory) -> list[dict[str, Any]]:
    """Ask by the times of changes, which all have, and by those observed, which few have."""
    changed = Times(property=TimeProperty.MODIFIED_AT)
    figures = Aggregation(_METHODS, Period())
    return [
        await town.shown(BUS, Selection(times=changed), sys_attrs=True),
        await town.shown(BUS, Selection(times=changed, last=1), sys_attrs=True),
        await town.shown(BUS, Selection(times=Times()), sys_attrs=True),
        await town.shown(BUS, Selection(times=changed, aggregation=figures), Shape.AGGREGATED),
    ]


async def test_rows_from_before_answer_like_those_written_now(town: TownHistory) -> None:
    await town.create(_DOCUMENT)
    town.clock.move(60)
    later = {"type": "Property", "value": 12, "observedAt": "2026-03-01T09:00:00Z"}
    await town.patch(BUS, {"speed": later})
    town.clock.move(60)
    await town.patch(BUS, {"seats": "urn:ngsi-ld:null", "name": "Ligne 8"})
    now = await _answers(town)

    async with town.database.transaction(EVERYTHING) as connection:
        changed = await execute(connection, _AS_BEFORE)

    assert changed == 12
    assert await _answers(town) == now


async def test_an_instance_is_kept_as_it_was_decided(town: TownHistory) -> None:
    decided = read_entity(_DOCUMENT, CORE, town.clock.now())
    await town.create(_DOCUMENT)
    async with town.database.transaction(EVERYTHING) as connection:
        rows = await fetch_tuples(
            connection,
            "select attribute, exchange.instance_text(instance, said, created_at, modified_at), "
            "instance is null from exchange.history",
        )
    kept = {name: (msgspec.json.decode(text, type=Attribute),) for name, text, _ in rows}
    assert kept == decided.attributes
    assert all(row[2] for row in rows)
