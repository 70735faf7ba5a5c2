"""A durable PostgreSQL and the NGSI-LD door in a process of its own, for the length of a bench."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import msgspec
import uvloop
from tests.support.postgres import PostgresServer

from beffroi.app.exchange_foundation import ExchangeFoundation
from beffroi.app.exchange_wiring import exchange_services
from beffroi.exchange.api.mounting import mounted_door
from beffroi.exchange.outgoing import Outgoing
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.database.migrations import migrate
from beffroi.kernel.http.loop_serving import answering
from beffroi.kernel.log import LogWatch
from beffroi.kernel.processes.collecting import collect_seldom
from beffroi.kernel.processes.tables import descendants_of
from beffroi.kernel.rights.model import PLATFORM, Actor, Role
from beffroi.kernel.rights.service import Rights
from beffroi.kernel.secrets import SealingKey, Secret
from bench.measuring import FamilyCpu

_ADDRESS: Final = "127.0.0.1"
_DATABASE_URL: Final = "BENCH_DATABASE_URL"
_AS_OF_THE_PLATFORM: Final = """\
shared_buffers = 128MB
"""
_LISTENS_WITHIN_S: Final = 20.0


class Scratch(msgspec.Struct, frozen=True):
    """A durable server with the tables of the exchange.

    Attributes:
        postgresql: What its processes took.
        actor: A partner's account.
        token: What that account presents.
    """

    server: PostgresServer
    postgresql: FamilyCpu
    database: Database
    actor: Actor
    token: str

    @property
    def postgresql_cpu_s(self) -> float:
        """CPU that all processes of PostgreSQL took so far, those that ended included."""
        return self.postgresql.spent_s()


class DoorProcess(msgspec.Struct, frozen=True):
    """The door, listening."""

    pid: int
    port: int


@asynccontextmanager
async def scratch_exchange(settings: str = _AS_OF_THE_PLATFORM) -> AsyncIterator[Scratch]:
    """Start PostgreSQL with fsync on and the platform's settings, and make a partner's account."""
    server = PostgresServer(settings)
    await server.create()
    try:
        database = Database(await server.create_database("bench"))
        await database.open()
        await migrate(database, ("kernel", "exchange"))
        rights = Rights(database, SystemClock())
        account = await rights.put_account(PLATFORM, "arras", Role.PARTNER, "arras")
        issued = await rights.issue_token(account.actor, "bench")
        process = server._process  # noqa: SLF001 - tests have no use for its pid
        assert process is not None
        cpu = FamilyCpu(process.pid)
        yield Scratch(server, cpu, database, account.actor, issued.secret.reveal())
        await database.close()
    finally:
        await server.stop()
        server.remove()


@asynccontextmanager
async def served_door(scratch: Scratch) -> AsyncIterator[DoorProcess]:
    """Run the door in another process on uvloop, as further processes of the platform do."""
    port = _free_port()
    process = subprocess.Popen(  # noqa: ASYNC220 - it is only started
        (sys.executable, "-m", "bench.exchange.serving", str(port)),
        env={**os.environ, _DATABASE_URL: scratch.database.url.reveal()},
    )
    try:
        async with asyncio.timeout(_LISTENS_WITHIN_S):
            while not await _listens(port):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.05)
        yield DoorProcess(process.pid, port)
    finally:
        for row in reversed(descendants_of(process.pid)):
            with suppress(ProcessLookupError):
                os.kill(row.pid, signal.SIGKILL)
        await asyncio.to_thread(process.wait)


async def _listens(port: int) -> bool:
    with suppress(OSError):
        _, writer = await asyncio.open_connection(_ADDRESS, port)
        writer.close()
        await writer.wait_closed()
        return True
    return False


def _free_port() -> int:
    with socket.create_server((_ADDRESS, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


async def _serve(port: int) -> None:
    database, clock = Database(Secret(os.environ[_DATABASE_URL])), SystemClock()
    await database.open()
    url = f"http://{_ADDRESS}:{port}"
    async with Outgoing(allow_internal=False) as outgoing:
        given = ExchangeFoundation(
            database=database,
            watch=LogWatch(database),
            outgoing=outgoing,
            known_contexts={},
            public_url=url,
            key=SealingKey(os.urandom(32)),
            clock=clock,
        )
        services = exchange_services(given)
        door = mounted_door(Rights(database, clock), services, clock)
        collect_seldom()
        listener = socket.create_server((_ADDRESS, port))
        async with answering(listener, door):
            await asyncio.gather(services.exchange.run(), services.contexts.run())


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
