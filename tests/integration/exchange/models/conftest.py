"""Car parks on a real database, whose owner declares their model."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime

import msgspec
import pytest

from beffroi.exchange.declarations import GivenDeclarations
from beffroi.exchange.declared import ExchangeFile
from beffroi.exchange.model import Entity
from beffroi.exchange.models.declared import DeclaredModel
from beffroi.exchange.models.guard import Guard
from beffroi.exchange.models.service import Models
from beffroi.exchange.service import Exchange, Wish
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.rights.model import Actor, Role
from tests.conftest import MakeDatabase
from tests.support.car_parks import reports
from tests.support.clocks import ManualClock

SENSORS = Actor("sensors", Role.PARTNER, "nimes-metropole")
START = datetime(2016, 10, 27, tzinfo=UTC)
STUCK = datetime(2016, 11, 9, 14, 40, tzinfo=UTC)
"""The count of a car park has not moved since the morning; another one stopped two days ago."""
NEGATIVE = datetime(2016, 11, 10, 16, 5, tzinfo=UTC)
"""The one that stopped counts again, and counts less than nothing."""


class Town(msgspec.Struct, frozen=True):
    """Car parks that report to an exchange."""

    database: Database
    clock: ManualClock
    exchange: Exchange
    models: Models
    others: Actor = Actor("others", Role.PARTNER, "chelles")

    async def declare(
        self, models: Mapping[str, DeclaredModel], files: Mapping[str, bytes] = {}
    ) -> None:
        """Declare models in the place of the earlier ones."""
        given = GivenDeclarations(
            source="town.yaml", declared=ExchangeFile(models=models), files=files
        )
        async with self.database.transaction(EVERYTHING) as connection:
            await self.models.keep(connection, SENSORS.organisation, given)
        await self.models.renew()

    async def report(self, after: datetime, until: datetime) -> None:
        """Let the car parks report, all of it at the end."""
        self.clock.move((until - self.clock.now()).total_seconds())
        wishes = [Wish(one.id, _becomes(one)) for _, one in reports(after, until)]
        assert set(await self.exchange.carry_out(SENSORS, "", wishes)) == {None}


@pytest.fixture
async def town(make_database: MakeDatabase) -> AsyncIterator[Town]:
    """Car parks whose owner declares their model."""
    database = await make_database("kernel", "exchange")
    clock = ManualClock(START)
    guard = Guard(clock)
    exchange = Exchange(database, clock, guard.passes)
    town = Town(database, clock, exchange, Models(database, guard, clock))
    await town.declare({"OffStreetParking": DeclaredModel(model="OffStreetParking")})
    running = asyncio.create_task(exchange.run())
    yield town
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def _becomes(entity: Entity) -> Callable[[Entity | None], Entity]:
    return lambda _: entity
