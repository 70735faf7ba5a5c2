"""History is kept as long as declared, in full and then as figures; answers stay the same."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from beffroi.exchange.retention.errors import RetentionRefusedError, RetentionUnknownError
from beffroi.exchange.retention.model import Retention
from beffroi.exchange.retention.service import Retentions
from beffroi.exchange.temporal.durations import Period
from beffroi.exchange.temporal.model import Aggregation, Method, Selection, TimeRelation, Times
from beffroi.exchange.temporal.writing import Shape
from beffroi.kernel.database import fetch_tuples
from beffroi.kernel.database.pool import EVERYTHING
from tests.conftest import MakeDatabase
from tests.integration.exchange.temporal.conftest import NEIGHBOUR, TOWN, TownHistory
from tests.support.clocks import ManualClock

_VOCABULARY = "https://uri.etsi.org/ngsi-ld/default-context/"
_POWER = _VOCABULARY + "power"
_METER = "urn:ngsi-ld:Meter:1"
_LAMP = "urn:ngsi-ld:Lamp:1"
_FIRST = datetime(2026, 3, 2, tzinfo=UTC)
_DAY = timedelta(days=1)


@pytest.fixture
async def town(make_database: MakeDatabase) -> AsyncIterator[TownHistory]:
    database = await make_database("kernel", "exchange")
    town = TownHistory(database, ManualClock(_FIRST))
    running = asyncio.create_task(town.exchange.run())
    yield town
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def _measured_for_days(town: TownHistory, days: int) -> None:
    """Have a meter and a lamp tell their power every six hours."""
    for number, entity in enumerate((_METER, _LAMP)):
        kind = entity.split(":")[2]
        await town.create({"id": entity, "type": kind, "power": _told(town, number)})
    for step in range(1, days * 4):
        await town.clock.advance(6 * 3600)
        for entity in (_METER, _LAMP):
            await town.patch(entity, {"power": _told(town, step * step % 17)})


def _told(town: TownHistory, value: float) -> dict[str, object]:
    at = town.clock.now() + timedelta(minutes=5)
    return {"type": "Property", "value": value, "observedAt": at.strftime("%Y-%m-%dT%H:%M:%SZ")}


def _by_day(days: int) -> Selection:
    methods = (Method.TOTAL_COUNT, Method.SUM, Method.AVG, Method.MIN, Method.MAX)
    return Selection(
        times=Times(relation=TimeRelation.BETWEEN, low=_FIRST, high=_FIRST + days * _DAY),
        attributes=frozenset({_POWER}),
        having=frozenset({_POWER}),
        aggregation=Aggregation(methods, Period(length=_DAY)),
    )


async def _figures(town: TownHistory, entity: str, days: int = 6) -> object:
    shown = await town.shown(entity, _by_day(days), Shape.AGGREGATED)
    return shown["power"]


async def _raw_instances(town: TownHistory) -> dict[str, int]:
    async with town.database.transaction(EVERYTHING) as connection:
        rows = await fetch_tuples(
            connection, "select entity, count(*) from exchange.history group by entity"
        )
    return dict(rows)


async def _days(town: TownHistory) -> int:
    async with town.database.transaction(EVERYTHING) as connection:
        rows = await fetch_tuples(connection, "select count(*) from exchange.history_days()")
    return int(rows[0][0])


async def test_figures_are_the_same_from_rollups_and_after_the_instances_went(
    town: TownHistory,
) -> None:
    retentions = Retentions(town.database, town.clock)
    await _measured_for_days(town, 6)
    before = await _figures(town, _METER)
    assert await retentions.roll_up() > 0
    assert await _figures(town, _METER) == before

    await town.clock.advance(3 * 24 * 3600)
    await retentions.roll_up()
    declared = Retention(type=_VOCABULARY + "Meter", raw_days=2, rolled_days=365)
    await retentions.put(TOWN, declared)
    assert await retentions.let_go() > 0

    assert (await _raw_instances(town)).get(_METER, 0) == 0
    assert await _figures(town, _METER) == before


async def test_types_that_nothing_is_declared_of_keep_their_instances(town: TownHistory) -> None:
    retentions = Retentions(town.database, town.clock)
    await _measured_for_days(town, 3)
    await town.clock.advance(5 * 24 * 3600)
    await retentions.roll_up()
    before = await _raw_instances(town)
    await retentions.put(TOWN, Retention(type=_VOCABULARY + "Meter", raw_days=1, rolled_days=9))
    await retentions.put(NEIGHBOUR, Retention(type=_VOCABULARY + "Lamp", raw_days=1, rolled_days=9))

    days = await _days(town)
    await retentions.let_go()

    assert await _raw_instances(town) == {_LAMP: before[_LAMP]}
    assert await _days(town) == days - 1  # the one made ahead, that nothing was written on


async def test_a_day_goes_at_once_where_all_of_it_is_past(town: TownHistory) -> None:
    retentions = Retentions(town.database, town.clock)
    await _measured_for_days(town, 3)
    await retentions.roll_up()
    for kind in ("Meter", "Lamp"):
        await retentions.put(TOWN, Retention(type=_VOCABULARY + kind, raw_days=1, rolled_days=9))
    days = await _days(town)
    await retentions.let_go()
    assert await _days(town) == days - 1
    assert min((await _raw_instances(town)).values()) == 8


async def test_nothing_goes_that_was_not_rolled_up(town: TownHistory) -> None:
    retentions = Retentions(town.database, town.clock)
    await _measured_for_days(town, 2)
    await town.clock.advance(5 * 24 * 3600)
    await retentions.put(TOWN, Retention(type=_VOCABULARY + "Meter", raw_days=1, rolled_days=9))
    before = await _raw_instances(town)
    await retentions.let_go()
    assert await _raw_instances(town) == before


async def test_figures_go_after_their_own_time(town: TownHistory) -> None:
    retentions = Retentions(town.database, town.clock)
    await _measured_for_days(town, 2)
    await town.clock.advance(20 * 24 * 3600)
    await retentions.roll_up()
    await retentions.put(TOWN, Retention(type=_VOCABULARY + "Meter", raw_days=1, rolled_days=9))
    await retentions.let_go()
    async with town.database.transaction(EVERYTHING) as connection:
        left = await fetch_tuples(connection, "select distinct entity from exchange.rollup")
    assert left == [(_LAMP,)]


async def test_what_comes_late_and_what_is_corrected_shows_in_figures(town: TownHistory) -> None:
    retentions = Retentions(town.database, town.clock)
    await _measured_for_days(town, 6)
    await town.clock.advance(24 * 3600)
    await retentions.roll_up()
    at = "2026-03-03T07:30:00Z"
    for value in (1000, 2000):
        told = {"type": "Property", "value": value, "observedAt": at}
        await town.record({"id": _METER, "type": "Meter", "power": [told]})
        shown = await town.shown(_METER, _by_day(6), Shape.AGGREGATED)
        assert shown["power"]["max"][1][0] == value
        assert shown["power"]["totalCount"][1][0] == 5
        await town.clock.advance(3600)
        await retentions.roll_up()


async def test_organisations_declare_for_themselves_alone(town: TownHistory) -> None:
    retentions = Retentions(town.database, town.clock)
    declared = Retention(type=_VOCABULARY + "Meter", raw_days=30, rolled_days=365)
    await retentions.put(TOWN, declared)
    assert await retentions.declared(TOWN) == [declared]
    assert await retentions.declared(NEIGHBOUR, "town") == []
    with pytest.raises(RetentionUnknownError):
        await retentions.remove(NEIGHBOUR, declared.type)
    with pytest.raises(RetentionRefusedError):
        await retentions.put(TOWN, Retention(type="a:b", raw_days=2, rolled_days=1))
    await retentions.remove(TOWN, declared.type)
    assert await retentions.declared(TOWN) == []
