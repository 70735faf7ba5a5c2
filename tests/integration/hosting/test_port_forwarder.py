"""The program that lets visitors reach a port by a socket, run as it is run in a sandbox."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

import pytest

from tests.support.processes import pids_running
from tests.support.waiting import eventually, scaled

FORWARDER = str(files("beffroi.hosting").joinpath("port_forwarder.py"))


class Forwarded:
    """The forwarder in front of a server of the test, until ``command`` ends."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "http.sock"
        self.process: asyncio.subprocess.Process | None = None

    async def start(self, port: int, *command: str) -> asyncio.subprocess.Process:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", FORWARDER, str(self.socket), str(port), *command
        )
        await eventually(self.socket.exists)
        return self.process

    async def visit(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async def connected() -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
            with suppress(ConnectionError):
                return await asyncio.open_unix_connection(self.socket)
            return None

        found = await eventually(connected)
        assert found is not None
        return found

    async def says(self, text: bytes) -> bytes:
        """Say something, end, and read all of the answer."""
        reader, writer = await self.visit()
        writer.write(text)
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        return answer


@pytest.fixture
async def forwarded(tmp_path: Path) -> AsyncIterator[Forwarded]:
    made = Forwarded(tmp_path)
    yield made
    if made.process is not None and made.process.returncode is None:
        made.process.send_signal(signal.SIGTERM)
        await made.process.wait()


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """A server that gives back what it is told; the word ``reset`` makes it cut the line."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while block := await reader.read(65536):
                if block.startswith(b"reset"):
                    writer.transport.abort()
                    return
                writer.write(block)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


async def test_what_is_said_and_answered_arrives_whole(forwarded: Forwarded, echo: int) -> None:
    await forwarded.start(echo, "sleep", "300.8601")
    content = os.urandom(5_000_000)
    answers = await asyncio.gather(*(forwarded.says(content) for _ in range(4)))
    assert answers == [content] * 4


async def test_a_visitor_who_does_not_read_holds_up_no_other(
    forwarded: Forwarded, echo: int
) -> None:
    await forwarded.start(echo, "sleep", "300.8602")
    _, lazy = await forwarded.visit()
    lazy.transport.pause_reading()  # type: ignore[attr-defined]
    lazy.write(b"x" * 20_000_000)
    await asyncio.sleep(0.2)
    async with asyncio.timeout(scaled(5)):
        assert await forwarded.says(b"good day") == b"good day"
    lazy.transport.abort()


async def test_it_survives_visitors_and_servers_that_cut_the_line(
    forwarded: Forwarded, echo: int
) -> None:
    process = await forwarded.start(echo, "sleep", "300.8603")
    chance = random.Random(7)  # noqa: S311 - nothing secret

    async def rude() -> None:
        with suppress(OSError):
            _, writer = await asyncio.open_unix_connection(forwarded.socket)
            writer.write(chance.choice([b"reset", b"x" * 200_000, b""]))
            await asyncio.sleep(chance.uniform(0, 0.01))
            writer.transport.abort()

    for _ in range(15):
        await asyncio.gather(*(rude() for _ in range(40)))
    assert process.returncode is None
    assert await forwarded.says(b"still there") == b"still there"
    held = await eventually(lambda: _descriptors(process.pid) < 15)
    assert held


def _descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def test_a_server_that_does_not_listen_yet_is_refused_to_the_visitor(
    forwarded: Forwarded,
) -> None:
    process = await forwarded.start(1, "sleep", "300.8604")
    assert await forwarded.says(b"") == b""
    assert process.returncode is None


@pytest.mark.parametrize(("script", "status"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)])
async def test_it_ends_with_its_command_at_once_and_tells_its_status(
    forwarded: Forwarded, echo: int, script: str, status: int
) -> None:
    process = await forwarded.start(echo, "/bin/sh", "-c", f"sleep 0.3; {script}")
    async with asyncio.timeout(scaled(3)):
        assert await process.wait() == status


async def test_asked_to_end_it_asks_its_command(forwarded: Forwarded, echo: int) -> None:
    script = "trap 'exit 5' TERM; while :; do sleep 0.02; done"
    process = await forwarded.start(echo, "/bin/sh", "-c", script)
    await asyncio.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(scaled(3)):
        assert await process.wait() == 5


async def test_it_rests_while_nobody_comes(forwarded: Forwarded, echo: int) -> None:
    process = await forwarded.start(echo, "sleep", "300.8605")
    await eventually(lambda: pids_running("300.8605"))
    before = _switches(process.pid)
    await asyncio.sleep(1.2)
    assert _switches(process.pid) - before <= 1


def _switches(pid: int) -> int:
    """Count how often it gave up the processor by itself: each is a wake-up."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("voluntary_ctxt_switches:")[2].split()[0])
