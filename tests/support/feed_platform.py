"""The exchange as a process of the platform runs it, with what feeds need."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from beffroi.app.exchange_foundation import ExchangeFoundation
from beffroi.app.exchange_wiring import exchange_loops, exchange_services
from beffroi.exchange.api.mounting import ExchangeServices
from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.declarations import GivenDeclarations
from beffroi.exchange.declared import ExchangeFile
from beffroi.exchange.flows.model import FlowSummary, RefusedItem
from beffroi.exchange.model import Entity, Json
from beffroi.exchange.outgoing import Outgoing
from beffroi.exchange.temporal.model import Selection, Times
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.log import LogWatch
from beffroi.kernel.rights.model import Actor, Role
from beffroi.kernel.secrets import SealingKey, Secret
from tests.support.endings import ended

DATABASE = "DATABASE_OF_THE_TEST"
NIMES = Actor("sig", Role.MANAGER, "nimes")


class FeedPlatform(msgspec.Struct, frozen=True):
    """What a process can be asked."""

    services: ExchangeServices

    async def apply(self, **feeds: Mapping[str, Any]) -> None:
        """Declare feeds as a file of the town does."""
        named = {name: {"name": name, **one} for name, one in feeds.items()}
        declared = msgspec.convert({"feeds": named}, ExchangeFile)
        given = GivenDeclarations(source="feeds.yaml", declared=declared)
        await self.services.flow_parts.declarations.apply(NIMES, given)

    async def told(self, name: str) -> FlowSummary:
        """Return how a feed fares, with what was counted until now."""
        parts = self.services.flow_parts
        await parts.journal.write()
        return await parts.flows.one(NIMES, "nimes", name)

    async def refused(self, name: str) -> list[RefusedItem]:
        """Return what a feed could not carry."""
        parts = self.services.flow_parts
        await parts.journal.write()
        return list(await parts.flows.refused(NIMES, "nimes", name))

    async def entity(self, entity_id: str) -> Entity:
        """Return an entity as it is now."""
        return await self.services.exchange.entity(NIMES, "", entity_id)

    async def history(self, entity_id: str, name: str) -> list[tuple[datetime, Json]]:
        """Return the values of an attribute, in the order of time."""
        selection = Selection(times=Times(), attributes=frozenset({CORE.expand(name)}))
        found = await self.services.history.evolution(NIMES, "", entity_id, selection)
        return [(one.at.astimezone(UTC), one.value.value) for one in found.found[0].instances]


@asynccontextmanager
async def feed_platform(database: Database, drops: Path) -> AsyncIterator[FeedPlatform]:
    """Run a process of the platform in this one.

    Args:
        database: Of the platform.
        drops: Where files of watched folders come.
    """
    async with AsyncExitStack() as undo:
        given = ExchangeFoundation(
            database=database,
            watch=LogWatch(database),
            outgoing=await undo.enter_async_context(Outgoing(allow_internal=True)),
            known_contexts={},
            public_url="https://bus.agglo-nimes.fr",
            key=SealingKey(b"k" * 32),
            clock=SystemClock(),
            drops=drops,
        )
        services = exchange_services(given)
        for loop in (given.watch.run(), *exchange_loops(given, services)):
            undo.push_async_callback(ended, asyncio.create_task(loop))
        yield FeedPlatform(services)


async def _main() -> None:
    database = Database(Secret(os.environ[DATABASE]))
    await database.open()
    async with feed_platform(database, Path(sys.argv[1])):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
