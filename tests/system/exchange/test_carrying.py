"""Debian's NATS server is given what the log tells, once and in order, whoever is killed."""

import asyncio
import shutil
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
import nats
import pytest
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import AckPolicy, ConsumerConfig

from beffroi.exchange.carrying.carrier import STREAM, LogCarrier
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import Entry, Event, LogWatch, append
from beffroi.kernel.secrets import Secret
from tests.conftest import MakeDatabase
from tests.support.town import free_port
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        shutil.which("nats-server", path="/usr/sbin:/usr/bin") is None,
        reason="needs Debian's nats-server",
    ),
]
PARKING = "https://smartdatamodels.org/dataModel.Parking/OffStreetParking"


class Server:
    """A NATS server with JetStream, which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *("nats-server", "-js", "-sd", str(self._folder), "-a", "127.0.0.1"),
            *("-p", str(self.port)),
            stdout=DEVNULL,
            stderr=DEVNULL,
        )

    async def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def messages(self) -> list[tuple[str, Entry]]:
        """Return subject and content of all that the stream holds."""
        connection = await nats.connect(self.url, error_cb=_quiet)
        try:
            reader = await connection.jetstream().pull_subscribe(
                "beffroi.>", stream=STREAM.name, config=ConsumerConfig(ack_policy=AckPolicy.NONE)
            )
            found: list[Msg] = []
            with suppress(NatsTimeoutError):
                while True:
                    found += await reader.fetch(500, timeout=0.5)
            return [(one.subject, msgspec.json.decode(one.data, type=Entry)) for one in found]
        finally:
            await connection.close()

    async def count(self) -> int:
        with suppress(NatsError, OSError):
            return len(await self.messages())
        return 0


async def _quiet(_: Exception) -> None:
    """Tell nobody: the test kills the server."""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    made = Server(tmp_path)
    await made.start()
    yield made
    await made.kill()


@asynccontextmanager
async def carried(database: Database, server: Server) -> AsyncIterator[None]:
    watch = LogWatch(database)
    loops = (watch.run(), LogCarrier(database, watch, Secret(server.url)).run())
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def changed(database: Database, first: int, last: int) -> None:
    events = [
        Event("exchange.entity_changed", f"urn:{number}", "ville-nimes", {"types": [PARKING]})
        for number in range(first, last)
    ]
    async with database.transaction(EVERYTHING) as connection:
        await append(connection, *events)


async def test_a_consumer_reads_changes_in_the_order_of_their_commit(
    make_database: MakeDatabase, server: Server
) -> None:
    database = await make_database("kernel", "exchange")
    await changed(database, 0, 1200)
    async with carried(database, server):
        assert await eventually(lambda: _has(server, 1200), within_s=20)

    found = await server.messages()
    assert [entry.subject for _, entry in found] == [f"urn:{number}" for number in range(1200)]
    assert {subject for subject, _ in found} == {
        "beffroi.ville-nimes.entity_changed.OffStreetParking"
    }


async def test_what_a_killed_carrier_and_a_killed_server_missed_comes_once(
    make_database: MakeDatabase, server: Server
) -> None:
    database = await make_database("kernel", "exchange")
    await changed(database, 0, 300)
    async with carried(database, server):
        assert await eventually(lambda: _has(server, 300), within_s=20)
        await server.kill()
        await changed(database, 300, 600)
        await server.start()
        assert await eventually(lambda: _has(server, 600), within_s=40)
    await _forget_that_they_were_carried(database)
    async with carried(database, server):
        await changed(database, 600, 700)
        assert await eventually(lambda: _has(server, 700), within_s=20)

    found = await server.messages()
    assert [entry.subject for _, entry in found] == [f"urn:{number}" for number in range(700)]


async def _has(server: Server, count: int) -> bool:
    return await server.count() >= count


async def _forget_that_they_were_carried(database: Database) -> None:
    """Put the cursor back, as when the platform was killed before it moved."""
    async with database.transaction(EVERYTHING) as connection:
        await connection.execute("update kernel.follower set seq = seq - 200")
