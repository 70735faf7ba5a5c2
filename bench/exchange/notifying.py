"""Whether every subscriber is told of every change, while the process that tells is killed.

Target: at 1,000 writes a second and 10,000 subscriptions all notifications arrive, across kill -9.
"""

import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from beffroi.app.exchange_process import DATABASE_VARIABLE, ExchangeProcessSettings
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import fetch_value
from beffroi.kernel.database.pool import EVERYTHING
from bench.accelerator.tables import keep_with_table
from bench.exchange.serving import Scratch, scratch_exchange
from bench.measuring import Figures, cpu_s

SUBSCRIPTIONS: Final = 10_000
RECEIVERS: Final = 50
CONNECTIONS: Final = 32
RUN_S: Final = 40
DRAINED_WITHIN_S: Final = 120
RATES: Final = (250, 1_000)
_DOOR: Final = "/ngsi-ld/v1"
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TOLD: Final = re.compile(rb'urn:ngsi-ld:Sensor:(\d+)".*?"value":(\d+)', re.DOTALL)
_METHOD: Final = (
    f"{SUBSCRIPTIONS} subscriptions, each on one entity's attribute with q temperature>=0, to "
    f"{RECEIVERS} receivers. Single attributes are patched through the door at a steady rate for "
    f"{RUN_S} s on {CONNECTIONS} connections, on one entity after another; a third of the way in "
    "the process that answers, matches and sends is killed (SIGKILL) and started again. PostgreSQL "
    "from the wheel, fsync on. expected: writes that were answered 204; the notification of a "
    "write that was cut off is not counted. drained_s: from the last write to the last "
    "notification. CPU: of the process that answers and of PostgreSQL, the load and the receivers "
    "apart; all share 2 cores. Published for Antares (8 vCPU): 100 % at 200 writes/s, 8.4 % at 500."
)


class Receivers:
    """Answers notifications with 200 and counts what they tell."""

    def __init__(self) -> None:
        self.told: Counter[tuple[int, int]] = Counter()
        self.last_at_s = 0.0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer on one connection until it is closed."""
        clock = SystemClock()
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                for entity, value in _TOLD.findall(body):
                    self.told[int(entity), int(value)] += 1
                self.last_at_s = clock.monotonic_s()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        writer.close()


class Door:
    """The process that answers, matches and sends; it can be killed."""

    def __init__(self, scratch: Scratch, folder: Path) -> None:
        self.socket = folder / "door.sock"
        self._settings = folder / "settings.json"
        self._scratch = scratch
        self._process: subprocess.Popen[bytes] | None = None
        self._ended_cpu_s = 0.0

    @property
    def cpu_s(self) -> float:
        """CPU that it took so far, before it was killed as well."""
        return self._ended_cpu_s + (cpu_s(self._process.pid) if self._process else 0.0)

    async def start(self) -> None:
        """Run it, and wait until it listens."""
        settings = ExchangeProcessSettings(
            data=str(self._settings.parent),
            socket=str(self.socket),
            public_url="https://bus.agglo-nimes.fr/",
            contexts_folder="",
            reach_internal_network=True,
        )
        self._settings.write_bytes(msgspec.json.encode(settings))
        with (self._settings.parent / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - it is only started
                (sys.executable, "-m", "beffroi.app.exchange_process", str(self._settings)),
                env={**os.environ, DATABASE_VARIABLE: self._scratch.database.url.reveal()},
                stderr=log,
            )
        while not await self._listens():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """End it as a crash does."""
        assert self._process is not None
        self._ended_cpu_s = self.cpu_s
        process, self._process = self._process, None
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait)

    async def _listens(self) -> bool:
        with suppress(OSError):
            _, writer = await asyncio.open_unix_connection(self.socket)
            writer.close()
            return True
        return False


class Asker:
    """One connection to the door, made anew when it is lost."""

    def __init__(self, door: Door, token: str) -> None:
        self._door = door
        self._token = token
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: object) -> int:
        """Return the status of the answer; 0 where none came."""
        text = msgspec.json.encode(body)
        request = (
            f"{method} {_DOOR}{path} HTTP/1.1\r\nhost: door\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer {self._token}\r\ncontent-length: {len(text)}\r\n\r\n"
        )
        try:
            if self._streams is None:
                self._streams = await asyncio.open_unix_connection(self._door.socket)
            reader, writer = self._streams
            writer.write(request.encode() + text)
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            await reader.readexactly(int(length[1]) if length else 0)
            return int(head.split(b" ", 2)[1])
        except (OSError, asyncio.IncompleteReadError):
            self._streams = None
            await asyncio.sleep(0.05)
            return 0


async def _prepare(door: Door, token: str, port: int) -> None:
    async def fill(connection: int) -> None:
        asker = Asker(door, token)
        for number in range(connection, SUBSCRIPTIONS, CONNECTIONS):
            entity = f"urn:ngsi-ld:Sensor:{number}"
            attribute = {"type": "Property", "value": 0}
            created = await asker.ask(
                "POST", "/entities", {"id": entity, "type": "Sensor", "temperature": attribute}
            )
            uri = f"http://127.0.0.1:{port}/{number % RECEIVERS}"
            subscribed = await asker.ask(
                "POST",
                "/subscriptions",
                {
                    "type": "Subscription",
                    "entities": [{"type": "Sensor", "id": entity}],
                    "watchedAttributes": ["temperature"],
                    "q": "temperature>=0",
                    "notification": {"endpoint": {"uri": uri}},
                },
            )
            assert (created, subscribed) == (201, 201)

    await asyncio.gather(*(fill(number) for number in range(CONNECTIONS)))


async def _write(door: Door, token: str, rate: int, first: int) -> set[tuple[int, int]]:
    """Patch at a steady rate; return what was answered, by entity and value."""
    clock, answered = SystemClock(), set[tuple[int, int]]()
    begun_s = clock.monotonic_s()

    async def patch(connection: int) -> None:
        asker = Asker(door, token)
        for number in range(first + connection, first + rate * RUN_S, CONNECTIONS):
            due_s = begun_s + (number - first) / rate
            await asyncio.sleep(max(0.0, due_s - clock.monotonic_s()))
            entity = number * 7919 % SUBSCRIPTIONS
            path = f"/entities/urn:ngsi-ld:Sensor:{entity}/attrs/temperature"
            if await asker.ask("PATCH", path, {"type": "Property", "value": number}) == 204:
                answered.add((entity, number))

    async def kill() -> None:
        await asyncio.sleep(RUN_S / 3)
        await door.kill()
        await door.start()

    await asyncio.gather(kill(), *(patch(number) for number in range(CONNECTIONS)))
    return answered


async def _drained(scratch: Scratch, receivers: Receivers, expected: set[tuple[int, int]]) -> None:
    """Wait until all has arrived, or nothing waits to be sent any more."""
    clock = SystemClock()
    end_s = clock.monotonic_s() + DRAINED_WITHIN_S
    while clock.monotonic_s() < end_s and expected - receivers.told.keys():
        await asyncio.sleep(1)
        async with scratch.database.transaction(EVERYTHING) as connection:
            waiting = await fetch_value(connection, "select count(*) from exchange.delivery")
        if not waiting and clock.monotonic_s() - receivers.last_at_s > 20:
            return


@asynccontextmanager
async def _running(scratch: Scratch) -> AsyncIterator[tuple[Door, Receivers]]:
    receivers = Receivers()
    server = await asyncio.start_server(receivers.answer, "127.0.0.1", 0)
    with tempfile.TemporaryDirectory() as folder:
        door = Door(scratch, Path(folder))
        await door.start()
        await _prepare(door, scratch.token, server.sockets[0].getsockname()[1])
        yield door, receivers
        await door.kill()
    server.close()


async def _measured(rates: Sequence[int]) -> dict[str, Figures]:
    figures: dict[str, Figures] = {}
    clock, first = SystemClock(), 1
    async with scratch_exchange() as scratch, _running(scratch) as (door, receivers):
        for rate in rates:
            begun_s = clock.monotonic_s()
            before = door.cpu_s, scratch.postgresql_cpu_s
            expected = await _write(door, scratch.token, rate, first)
            written_s = clock.monotonic_s()
            await _drained(scratch, receivers, expected)
            arrived = expected & receivers.told.keys()
            doubled = sum(receivers.told[one] - 1 for one in arrived)
            figures[f"{rate} writes/s"] = {
                "written_per_s": round(len(expected) / (written_s - begun_s)),
                "expected": len(expected),
                "arrived_percent": round(100 * len(arrived) / len(expected), 3),
                "told_again": doubled,
                "drained_s": round(max(0.0, receivers.last_at_s - written_s), 1),
                "exchange_cpu_s_per_1000": round((door.cpu_s - before[0]) / len(expected) * 1e3, 3),
                "postgresql_cpu_s_per_1000": round(
                    (scratch.postgresql_cpu_s - before[1]) / len(expected) * 1e3, 3
                ),
            }
            first += rate * RUN_S
            receivers.told.clear()
    return figures


def measure() -> None:
    """Measure at each rate; keep the figures."""
    keep_with_table("exchange_notifying", _METHOD, asyncio.run(_measured(RATES)))
