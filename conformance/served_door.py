"""The door as the platform mounts it, over a scratch PostgreSQL."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec
from tests.support.postgres import FASTER_THAN_DURABLE, PostgresServer

from beffroi.app.exchange_foundation import ExchangeFoundation
from beffroi.app.exchange_wiring import exchange_services
from beffroi.app.wiring import DOMAINS
from beffroi.exchange.api.mounting import mounted_door
from beffroi.exchange.outgoing import Outgoing
from beffroi.exchange.temporal.service import History
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.database.migrations import migrate
from beffroi.kernel.http.loop_serving import answered_on
from beffroi.kernel.log import LogWatch
from beffroi.kernel.rights.model import PLATFORM, Role
from beffroi.kernel.rights.service import Rights
from beffroi.kernel.secrets import SealingKey, Secret

# The suite holds 40 instances to be more than one answer, and up to 24 to be no more.
_INSTANCES_MOST: Final = 30
_ITS_USER_CONNECTS: Final = 0o600


@asynccontextmanager
async def served_door(known: Mapping[str, Path]) -> AsyncIterator[tuple[Path, Secret]]:
    """Serve the door; yield its socket and the token of an operator.

    Args:
        known: Files that stand for the addresses of @contexts.
    """
    async with AsyncExitStack() as undo:
        server = PostgresServer(FASTER_THAN_DURABLE)
        undo.callback(server.remove)
        undo.push_async_callback(server.stop)
        await server.create()
        database = Database(await server.create_database("conformance"))
        await database.open()
        undo.push_async_callback(database.close)
        await migrate(database, DOMAINS)
        clock, rights = SystemClock(), Rights(database, SystemClock())
        actor = (await rights.put_account(PLATFORM, "examiner", Role.OPERATOR)).actor
        token = (await rights.issue_token(actor, "conformance")).secret
        outgoing = await undo.enter_async_context(Outgoing(allow_internal=True))
        given = ExchangeFoundation(
            database=database,
            watch=LogWatch(database),
            outgoing=outgoing,
            known_contexts=known,
            public_url="http://conformance.invalid",
            key=SealingKey(os.urandom(32)),
            clock=clock,
        )
        few = History(database, most=_INSTANCES_MOST)
        services = msgspec.structs.replace(exchange_services(given), history=few)
        for loop in (
            given.watch.run(),
            services.exchange.run(),
            services.contexts.run(),
            services.subscriptions.run(),
        ):
            undo.push_async_callback(_cancel, asyncio.create_task(loop))
        socket = server.folder / "door.sock"
        door = mounted_door(rights, services, clock)
        async with answered_on(socket, door, _ITS_USER_CONNECTS):
            yield socket, token


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
