"""The exchange with its subscriptions, as one process of the platform runs it."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from beffroi.exchange.contexts.service import Contexts
from beffroi.exchange.outgoing import Outgoing
from beffroi.exchange.service import Exchange
from beffroi.exchange.subscriptions.sending import Patience
from beffroi.exchange.subscriptions.service import Needs, Subscriptions
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.log import LogWatch
from beffroi.kernel.secrets import Secret
from tests.support.endings import ended

HASTY = Patience(attempts_most=3, first_s=0.05, most_s=0.2, given_up_s=0.0)


class ExchangeProcess(msgspec.Struct, frozen=True):
    """What a process can be asked."""

    exchange: Exchange
    subscriptions: Subscriptions
    contexts: Contexts


@asynccontextmanager
async def exchange_process(
    database: Database, patience: Patience = HASTY, *, serving: bool = True
) -> AsyncIterator[ExchangeProcess]:
    """Run a process of the platform in this one.

    Args:
        database: Of the platform.
        patience: With receivers.
        serving: It may match and send.
    """
    async with AsyncExitStack() as undo:
        outgoing = await undo.enter_async_context(Outgoing(allow_internal=True))
        clock = SystemClock()
        contexts = Contexts(
            database, outgoing, clock, public_url="https://bus.agglo-nimes.fr", known={}
        )
        watch = LogWatch(database)
        services = Needs(database, watch, outgoing, contexts, clock)
        made = ExchangeProcess(
            Exchange(database, clock), Subscriptions(services, patience), contexts
        )
        loops = [watch.run(), contexts.run(), made.exchange.run()]
        if serving:
            loops.append(made.subscriptions.run())
        for loop in loops:
            undo.push_async_callback(ended, asyncio.create_task(loop))
        yield made


async def _main() -> None:
    database = Database(Secret(os.environ["DATABASE_OF_THE_TEST"]))
    await database.open()
    async with exchange_process(database):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
