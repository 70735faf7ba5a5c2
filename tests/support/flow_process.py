"""The exchange with its flows, as one process of the platform runs it."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec

from beffroi.app.exchange_foundation import ExchangeFoundation
from beffroi.app.flow_wiring import flow_parts
from beffroi.exchange.contexts.service import Contexts
from beffroi.exchange.declarations import GivenDeclarations
from beffroi.exchange.declared import ExchangeFile
from beffroi.exchange.flows.model import (
    DeclarationChange,
    FlowHealth,
    FlowSummary,
    RefusedItem,
    ToldError,
)
from beffroi.exchange.flows.parts import FlowParts
from beffroi.exchange.outgoing import Outgoing
from beffroi.exchange.service import Exchange
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.log import LogWatch
from beffroi.kernel.rights.model import Actor
from beffroi.kernel.secrets import SealingKey, Secret
from tests.support.endings import ended
from tests.support.town_subscriptions import NIMES

KEY = SealingKey(b"k" * 32)
SECRET = Secret("said by nobody")
FIELDS = {
    "code": {"attribute": "id", "required": True},
    "floors": {"attribute": "level"},
    "label": {"attribute": "name"},
}


class FlowProcess(msgspec.Struct, frozen=True):
    """What a process can be asked."""

    exchange: Exchange
    parts: FlowParts

    async def apply(
        self, connectors: Mapping[str, Mapping[str, Any]], source: str = "flows.yaml"
    ) -> Sequence[DeclarationChange]:
        """Declare connectors as a file of the town does; a secret is set."""
        named = {name: {"name": name, **one} for name, one in connectors.items()}
        declared = msgspec.convert({"connectors": named}, ExchangeFile)
        given = GivenDeclarations(source=source, declared=declared)
        await self.parts.vault.put(NIMES, "nimes", "key", SECRET)
        return await self.parts.declarations.apply(NIMES, given)

    async def told(self, name: str = "out", actor: Actor = NIMES) -> FlowSummary:
        """Return how a flow fares, with what was counted until now."""
        await self.parts.journal.write()
        return await self.parts.flows.one(actor, "nimes", name)

    async def failure(self, name: str = "out") -> ToldError:
        """Return why a flow fails; it does."""
        told = await self.told(name)
        assert told.health is FlowHealth.FAILING
        assert told.state.last_error is not None
        return told.state.last_error

    async def refused(self, name: str = "out") -> Sequence[RefusedItem]:
        """Return what a flow could not carry."""
        await self.parts.journal.write()
        return await self.parts.flows.refused(NIMES, "nimes", name)


def buildings(**target: Any) -> dict[str, Any]:
    """Return a connector of buildings to a target."""
    return {"types": ["Building"], "fields": FIELDS, **target}


@asynccontextmanager
async def flow_process(
    database: Database, *, carrying: bool = True, allow_internal: bool = True
) -> AsyncIterator[FlowProcess]:
    """Run a process of the platform in this one.

    Args:
        database: Of the platform.
        carrying: It may carry flows.
        allow_internal: It reaches loopback.
    """
    async with AsyncExitStack() as undo:
        outgoing = await undo.enter_async_context(Outgoing(allow_internal=allow_internal))
        given = ExchangeFoundation(
            database=database,
            watch=LogWatch(database),
            outgoing=outgoing,
            known_contexts={},
            public_url="https://bus.agglo-nimes.fr",
            key=KEY,
            clock=SystemClock(),
        )
        contexts = Contexts(database, outgoing, given.clock, public_url=given.public_url, known={})
        exchange = Exchange(database, given.clock)
        made = FlowProcess(exchange, flow_parts(given, exchange, contexts, retry_first_s=0.1))
        loops = [given.watch.run(), exchange.run(), made.parts.journal.run()]
        if carrying:
            loops.append(made.parts.runner.run())
        for loop in loops:
            undo.push_async_callback(ended, asyncio.create_task(loop))
        yield made


async def _main() -> None:
    database = Database(Secret(os.environ["DATABASE_OF_THE_TEST"]))
    await database.open()
    async with flow_process(database):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
