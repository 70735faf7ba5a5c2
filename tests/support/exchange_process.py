"""The exchange with its subscriptions, as one process of the platform runs it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec

from beffroi.exchange.asking.reach import OWN_DATA, DataGuard
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

_ROOT = Path(__file__).parents[2]
HASTY = Patience(attempts_most=3, first_s=0.05, most_s=0.2, given_up_s=0.0)


class ExchangeProcess(msgspec.Struct, frozen=True):
    """What a process can be asked."""

    exchange: Exchange
    subscriptions: Subscriptions
    contexts: Contexts


@asynccontextmanager
async def exchange_process(
    database: Database,
    patience: Patience = HASTY,
    *,
    serving: bool = True,
    guard: DataGuard = OWN_DATA,
) -> AsyncIterator[ExchangeProcess]:
    """Run a process of the platform in this one.

    Args:
        database: Of the platform.
        patience: With receivers.
        serving: It may match and send.
        guard: What it is given by others.
    """
    async with AsyncExitStack() as undo:
        outgoing = await undo.enter_async_context(Outgoing(allow_internal=True))
        clock = SystemClock()
        contexts = Contexts(
            database, outgoing, clock, public_url="https://bus.agglo-nimes.fr", known={}
        )
        watch = LogWatch(database)
        services = Needs(database, watch, outgoing, contexts, clock, guard)
        made = ExchangeProcess(
            Exchange(database, clock), Subscriptions(services, patience), contexts
        )
        loops = [watch.run(), contexts.run(), made.exchange.run()]
        if serving:
            loops.append(made.subscriptions.run())
        for loop in loops:
            undo.push_async_callback(ended, asyncio.create_task(loop))
        yield made


async def started_process(database: Database) -> asyncio.subprocess.Process:
    """Start one in a process of its own, which can be killed."""
    environment = {
        **os.environ,
        "DATABASE_OF_THE_TEST": database.url.reveal(),
        "PYTHONPATH": f"{_ROOT / 'src'}:{_ROOT}",
    }
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.exchange_process", env=environment, cwd=_ROOT
    )


async def _main() -> None:
    database = Database(Secret(os.environ["DATABASE_OF_THE_TEST"]))
    await database.open()
    async with exchange_process(database):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
