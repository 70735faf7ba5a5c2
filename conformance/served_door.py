"""The door as the platform mounts it, over a scratch PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from granian.constants import Interfaces
from tests.support.postgres import FASTER_THAN_DURABLE, PostgresServer

from beffroi.app.wiring import DOMAINS
from beffroi.exchange.api.mounting import ExchangeServices, mounted_door
from beffroi.exchange.contexts.service import Contexts
from beffroi.exchange.inventory_service import Inventory
from beffroi.exchange.outgoing import Outgoing
from beffroi.exchange.service import Exchange
from beffroi.exchange.subscriptions.service import Needs, Subscriptions
from beffroi.exchange.temporal.recording import Recorder
from beffroi.exchange.temporal.service import History
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.database.migrations import migrate
from beffroi.kernel.http.serving import served_on
from beffroi.kernel.log import LogWatch
from beffroi.kernel.rights.model import PLATFORM, Role
from beffroi.kernel.rights.service import Rights
from beffroi.kernel.secrets import Secret

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
        contexts = Contexts(
            database, outgoing, clock, public_url="http://conformance.invalid", known=known
        )
        watch = LogWatch(database)
        services = ExchangeServices(
            exchange=Exchange(database, clock),
            inventory=Inventory(database),
            history=History(database, most=_INSTANCES_MOST),
            recorder=Recorder(database, clock),
            contexts=contexts,
            subscriptions=Subscriptions(Needs(database, watch, outgoing, contexts, clock)),
            public_url="http://conformance.invalid",
        )
        for loop in (
            watch.run(),
            services.exchange.run(),
            services.contexts.run(),
            services.subscriptions.run(),
        ):
            undo.push_async_callback(_cancel, asyncio.create_task(loop))
        socket = server.folder / "door.sock"
        application = mounted_door(rights, services, clock)
        async with served_on(socket, application, Interfaces.ASGI, _ITS_USER_CONNECTS):
            yield socket, token


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
