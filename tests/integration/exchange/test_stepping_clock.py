"""A machine's clock that is wrong for a while, and midnight."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest

from beffroi.exchange.model import Attribute, AttributeKind, Entity
from beffroi.exchange.retention.store import drop_day
from beffroi.exchange.writing.committing import Command, EntityWriter
from beffroi.kernel.database import Database, fetch_tuples
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import GroupCommit
from tests.conftest import MakeDatabase
from tests.support.clocks import ManualClock

BEFORE_MIDNIGHT = datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)
DAY_S = 86_400
NAME = "https://example.org/seats"


class Bench:
    """One entity, written again and again as a clock says."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = ManualClock(BEFORE_MIDNIGHT)
        self.writer = GroupCommit(database, EVERYTHING, EntityWriter(self.clock).write)
        self._seats = 0

    async def write(self) -> None:
        self._seats += 1
        now = self.clock.now()
        seats = Attribute(kind=AttributeKind.PROPERTY, value=self._seats)
        entity = Entity(
            id="urn:ngsi-ld:Bench:1",
            types=("https://example.org/Bench",),
            attributes={NAME: (seats,)},
            created_at=now,
            modified_at=now,
        )
        command = Command(tenant="", id=entity.id, scope=EVERYTHING, decide=lambda _: entity)
        await self.writer.submit([command])

    async def days_written(self) -> list[date]:
        async with self.database.transaction(EVERYTHING) as connection:
            rows = await fetch_tuples(
                connection, "select (written_at at time zone 'UTC')::date from exchange.history"
            )
        return sorted(row[0] for row in rows)


@pytest.fixture
async def bench(make_database: MakeDatabase) -> AsyncIterator[Bench]:
    """A bench, and its writer running."""
    made = Bench(await make_database("kernel", "exchange"))
    running = asyncio.create_task(made.writer.run())
    yield made
    running.cancel()


async def test_history_goes_over_midnight_and_back(bench: Bench) -> None:
    for step_s in (0, 2, -2, 3, DAY_S, -2 * DAY_S):
        bench.clock.move(step_s)
        await bench.write()
    days = [one.day for one in await bench.days_written()]
    assert days == [22, 22, 22, 23, 23, 24]


async def test_a_clock_that_was_a_year_ahead_finds_its_day_again_though_it_was_let_go(
    bench: Bench,
) -> None:
    for _ in range(3):
        await bench.write()
    bench.clock.move(366 * DAY_S)
    await bench.write()
    for day in (22, 23):
        async with bench.database.transaction(EVERYTHING) as connection:
            await drop_day(connection, date(2026, 11, day))
    bench.clock.move(-366 * DAY_S)
    await bench.write()
    assert [one.year for one in await bench.days_written()] == [2026, 2027]
