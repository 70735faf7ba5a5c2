"""Figures from rollups are those of the instances that were rolled up."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from beffroi.exchange.asking.reach import EVERYWHERE, Realm, asking
from beffroi.exchange.representation.instants import written_instant
from beffroi.exchange.retention.service import Retentions
from beffroi.exchange.temporal import aggregate_store, rolled_store
from beffroi.exchange.temporal.conditions import stretch_of
from beffroi.exchange.temporal.durations import Period
from beffroi.exchange.temporal.model import (
    Aggregation,
    Figures,
    Method,
    Selection,
    TimeRelation,
    Times,
)
from tests.conftest import MakeDatabase
from tests.integration.exchange.temporal.conftest import TOWN, TownHistory
from tests.support.clocks import ManualClock

_POWER = "https://uri.etsi.org/ngsi-ld/default-context/power"
_METER = "urn:ngsi-ld:Meter:1"
_FIRST = datetime(2026, 3, 2, tzinfo=UTC)
_LAST = _FIRST + timedelta(days=4)
_ROLLED: tuple[Method, ...] = tuple(one for one in Method if one is not Method.DISTINCT_COUNT)
_PERIODS = (
    Period(),
    Period(length=timedelta(hours=1)),
    Period(length=timedelta(hours=6)),
    Period(length=timedelta(days=1)),
)
_NUMBERS = st.integers(-1000, 1000) | st.floats(-1e6, 1e6) | st.floats(1e6, 1e6 + 1)
_MEASURES = st.lists(
    st.tuples(st.timedeltas(timedelta(0), timedelta(days=4, seconds=-1)), _NUMBERS), max_size=12
)


@pytest.fixture
async def town(make_database: MakeDatabase) -> AsyncIterator[TownHistory]:
    town = TownHistory(await make_database("kernel", "exchange"), ManualClock(_FIRST))
    running = asyncio.create_task(town.exchange.run())
    yield town
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def _at(hours: float, *values: float) -> list[tuple[timedelta, float]]:
    return [(timedelta(hours=hours, minutes=place), one) for place, one in enumerate(values)]


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    rolled=_MEASURES.filter(bool), late=_MEASURES, fresh=_MEASURES, period=st.sampled_from(_PERIODS)
)
@example(rolled=_at(1, 5e-324), late=_at(1, 5e-324), fresh=_at(1, 0.0), period=_PERIODS[1])
@example(rolled=_at(1, 1e139, -1e139), late=_at(1, 1e139), fresh=[], period=_PERIODS[3])
@example(rolled=_at(1, 1e6, 1e6 + 1), late=_at(1, 1e6), fresh=_at(2, 1e6 + 1), period=_PERIODS[0])
async def test_figures_from_rollups_are_those_of_the_instances(
    town: TownHistory,
    rolled: list[tuple[timedelta, float]],
    late: list[tuple[timedelta, float]],
    fresh: list[tuple[timedelta, float]],
    period: Period,
) -> None:
    retentions = Retentions(town.database, town.clock)
    for measures in (rolled, late):
        await _record(town, measures)
        await town.clock.advance(3600)
        await retentions.roll_up()
    await _record(town, fresh)

    from_rollups, from_instances = await _figures(town, period)
    await town.recorder.delete(TOWN, ("", _METER))

    assert from_rollups is not None
    assert [(one.start, one.end) for one in from_rollups] == [
        (one.start, one.end) for one in from_instances
    ]
    for one, other in zip(from_rollups, from_instances, strict=True):
        told = dict(zip(_ROLLED, one.figures, strict=True))
        reckoned = dict(zip(_ROLLED, other.figures, strict=True))
        for method in (Method.TOTAL_COUNT, Method.MIN, Method.MAX):
            assert told[method] == reckoned[method], method
        least = 1e-9 * max(1.0, abs(float(reckoned[Method.MAX] or 0)))
        for method in (Method.SUM, Method.AVG, Method.STDDEV, Method.SUMSQ):
            assert _close(told[method], reckoned[method], least), method


async def test_how_many_differ_is_told_from_the_instances(town: TownHistory) -> None:
    await _record(town, _at(1, 1.0, 1.0, 2.0))
    await town.clock.advance(3600)
    await Retentions(town.database, town.clock).roll_up()
    from_rollups, from_instances = await _figures(
        town, Period(length=timedelta(days=1)), (Method.DISTINCT_COUNT,)
    )
    assert from_rollups is None
    assert [one.figures for one in from_instances] == [(2,)]


async def _record(town: TownHistory, measures: Sequence[tuple[timedelta, float]]) -> None:
    if measures:
        instances = [
            {"type": "Property", "value": value, "observedAt": written_instant(_FIRST + passed)}
            for passed, value in measures
        ]
        await town.record({"id": _METER, "type": "Meter", "power": instances})


async def _figures(
    town: TownHistory, period: Period, methods: tuple[Method, ...] = _ROLLED
) -> tuple[Sequence[Figures] | None, Sequence[Figures]]:
    aggregation = Aggregation(methods, period)
    selection = Selection(
        times=Times(relation=TimeRelation.BETWEEN, low=_FIRST, high=_LAST),
        attributes=frozenset({_POWER}),
        aggregation=aggregation,
    )
    realm, stretches = Realm("", EVERYWHERE), [stretch_of(_METER, selection.times)]
    async with asking(town.database, realm.reach) as connection:
        asked = (connection, realm, stretches, selection, aggregation)
        return (
            await rolled_store.figures(*asked, limit=1_000),
            await aggregate_store.figures(*asked, limit=1_000),
        )


def _close(one: object, other: object, least: float) -> bool:
    if one is None or other is None:
        return one is other
    assert isinstance(one, int | float)
    assert isinstance(other, int | float)
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=least)
