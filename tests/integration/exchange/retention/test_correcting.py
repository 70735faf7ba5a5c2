"""Figures of hours and days follow corrections of history, however late, and forget nothing."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from beffroi.exchange.asking.reach import EVERYWHERE, Realm, asking
from beffroi.exchange.representation.instants import written_instant
from beffroi.exchange.retention.model import Retention
from beffroi.exchange.retention.rollup_store import rolled_until
from beffroi.exchange.retention.service import Retentions
from beffroi.exchange.temporal import aggregate_store, rolled_store
from beffroi.exchange.temporal.conditions import stretch_of
from beffroi.exchange.temporal.durations import Period
from beffroi.exchange.temporal.instance_ids import InstanceKey
from beffroi.exchange.temporal.model import (
    Aggregation,
    Figures,
    Method,
    Selection,
    TimeRelation,
    Times,
)
from beffroi.kernel.database import fetch_tuples, fetch_value
from beffroi.kernel.database.pool import EVERYTHING
from tests.conftest import MakeDatabase
from tests.integration.exchange.temporal.conftest import TOWN, TownHistory
from tests.support.clocks import ManualClock
from tests.support.waiting import scaled

_VOCABULARY = "https://uri.etsi.org/ngsi-ld/default-context/"
_POWER = _VOCABULARY + "power"
_METER = "urn:ngsi-ld:Meter:1"
_WRITTEN = datetime(2026, 3, 2, tzinfo=UTC)
_LONG_BEFORE = _WRITTEN - timedelta(days=900)
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_METHODS = (Method.TOTAL_COUNT, Method.SUM, Method.MIN, Method.MAX)


@pytest.fixture
async def town(make_database: MakeDatabase) -> AsyncIterator[TownHistory]:
    town = TownHistory(await make_database("kernel", "exchange"), ManualClock(_WRITTEN))
    running = asyncio.create_task(town.exchange.run())
    yield town
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def _tell(town: TownHistory, since: datetime, values: Sequence[float]) -> None:
    """Tell a value for each hour from a time on."""
    instances = [
        {
            "type": "Property",
            "value": value,
            "observedAt": written_instant(since + hour * _HOUR),
        }
        for hour, value in enumerate(values)
    ]
    await town.record({"id": _METER, "type": "Meter", "power": instances})


async def _roll_up(town: TownHistory) -> None:
    await town.clock.advance(3600)
    await Retentions(town.database, town.clock).roll_up()


async def _by_day(
    town: TownHistory, since: datetime, days: int = 3, *, rolled: bool = True
) -> list[tuple[object, ...]]:
    aggregation = Aggregation(_METHODS, Period(length=_DAY))
    selection = Selection(
        times=Times(relation=TimeRelation.BETWEEN, low=since, high=since + days * _DAY),
        attributes=frozenset({_POWER}),
        aggregation=aggregation,
    )
    realm, stretches = Realm("", EVERYWHERE), [stretch_of(_METER, selection.times)]
    store = rolled_store if rolled else aggregate_store
    async with asking(town.database, realm.reach) as connection:
        asked = (connection, realm, stretches, selection, aggregation)
        found: Sequence[Figures] | None = await store.figures(*asked, limit=100)
    assert found is not None
    return [one.figures for one in found]


async def _instance(town: TownHistory, at: datetime) -> InstanceKey:
    async with town.database.transaction(EVERYTHING) as connection:
        rows = await fetch_tuples(
            connection, "select written_at, number from exchange.history where at = %s", (at,)
        )
    ((written_at, number),) = rows
    return InstanceKey(written_at.replace(hour=0, minute=0, second=0, microsecond=0), number)


async def test_what_was_observed_before_the_first_day_of_history_is_corrected(
    town: TownHistory,
) -> None:
    await _tell(town, _LONG_BEFORE, [1, 2, 3])
    await _roll_up(town)
    assert await _by_day(town, _LONG_BEFORE) == [(3, 6.0, 1.0, 3.0)]

    await _tell(town, _LONG_BEFORE, [10])

    assert await _by_day(town, _LONG_BEFORE) == [(3, 15.0, 2.0, 10.0)]
    assert await _by_day(town, _LONG_BEFORE, rolled=False) == [(3, 15.0, 2.0, 10.0)]


async def test_an_instance_of_long_ago_that_is_deleted_leaves_the_figures(
    town: TownHistory,
) -> None:
    await _tell(town, _LONG_BEFORE, [1, 2, 3])
    await _tell(town, _LONG_BEFORE + _DAY, [4])
    await _roll_up(town)

    key = await _instance(town, _LONG_BEFORE)
    await town.recorder.delete_instance(TOWN, ("", _METER), _POWER, key)
    assert await _by_day(town, _LONG_BEFORE) == [(2, 5.0, 2.0, 3.0), (1, 4.0, 4.0, 4.0)]

    await town.recorder.delete_attribute(TOWN, ("", _METER), _POWER, None)
    assert await _by_day(town, _LONG_BEFORE) == []


async def test_a_correction_keeps_figures_of_instances_that_were_let_go(town: TownHistory) -> None:
    await _tell(town, _WRITTEN, [1, 2, 3])
    await town.create({"id": "urn:ngsi-ld:Lamp:1", "type": "Lamp", "power": 1})
    for _ in range(4):
        await town.clock.advance(86_400)
        await _tell(town, town.clock.now() - _HOUR, [7])
    await _roll_up(town)
    retentions = Retentions(town.database, town.clock)
    await retentions.put(TOWN, Retention(type=_VOCABULARY + "Meter", raw_days=2, rolled_days=365))
    assert await retentions.let_go() > 0
    before = await _by_day(town, _WRITTEN)
    assert before[0] == (4, 13.0, 1.0, 7.0)

    await _tell(town, _WRITTEN + 4 * _DAY - _HOUR, [8])

    assert await _by_day(town, _WRITTEN) == before
    assert await _by_day(town, _WRITTEN + 3 * _DAY, 2) == [(1, 8.0, 8.0, 8.0)]


async def test_of_a_day_that_is_there_in_part_what_has_gone_still_counts(
    town: TownHistory,
) -> None:
    await _tell(town, _LONG_BEFORE, [1, 9])
    await town.create({"id": "urn:ngsi-ld:Lamp:1", "type": "Lamp", "power": 1})
    await town.clock.advance(4 * 86_400)
    await _tell(town, _LONG_BEFORE + 2 * _HOUR, [5])
    await _roll_up(town)
    retentions = Retentions(town.database, town.clock)
    await retentions.put(TOWN, Retention(type=_VOCABULARY + "Meter", raw_days=2, rolled_days=9999))
    assert await retentions.let_go() > 0
    async with town.database.transaction(EVERYTHING) as connection:
        left = "select count(*) from exchange.history where entity = %s"
        assert await fetch_value(connection, left, (_METER,)) == 1

    await _tell(town, _LONG_BEFORE + 2 * _HOUR, [6])

    assert await _by_day(town, _LONG_BEFORE) == [(3, 16.0, 1.0, 9.0)]


async def test_a_day_that_goes_waits_for_who_corrects_and_holds_nothing_of_theirs(
    town: TownHistory,
) -> None:
    await _tell(town, _WRITTEN, [1, 2, 3])
    await town.clock.advance(4 * 86_400)
    await _roll_up(town)
    retentions = Retentions(town.database, town.clock)
    await retentions.put(TOWN, Retention(type=_VOCABULARY + "Meter", raw_days=2, rolled_days=365))
    async with town.database.transaction(EVERYTHING) as correcting:
        await fetch_value(correcting, "select count(*) from exchange.history")
        going = asyncio.create_task(retentions.let_go())
        await asyncio.sleep(scaled(0.3))
        assert not going.done()
        assert await rolled_until(correcting, hold=True) is not None
    assert await going == 1


async def test_what_is_no_number_leaves_the_sum_of_the_numbers_that_come_later(
    town: TownHistory,
) -> None:
    said = {"type": "Property", "value": "out", "observedAt": written_instant(_WRITTEN + _HOUR)}
    await town.record({"id": _METER, "type": "Meter", "power": [said]})
    await _roll_up(town)
    await _tell(town, _WRITTEN, [1, 2])
    await _roll_up(town)
    async with town.database.transaction(EVERYTHING) as connection:
        rows = await fetch_tuples(
            connection,
            "select instances, numbers, total, squares from exchange.rollup where hours = 24",
        )
    assert rows == [(3, 2, 3.0, 5.0)]
