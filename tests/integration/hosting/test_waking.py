"""The door at which the filler has applications woken."""

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from beffroi.hosting.waking import WakeServer
from beffroi.kernel.processes.model import Identity
from tests.integration.hosting.stage import ASIDE, OPERATOR, Sources, Stage
from tests.support.processes import AS_ROOT
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("tidied")


@pytest.fixture
async def door(stage: Stage) -> AsyncIterator[Path]:
    async with WakeServer(stage.places, stage.deployer.resting, None).serving():
        yield stage.places.wake_socket


async def asked(door: Path, line: bytes) -> dict[str, object]:
    reader, writer = await asyncio.open_unix_connection(door)
    writer.write(line)
    answer: dict[str, object] = json.loads(await reader.readline())
    writer.close()
    return answer


async def test_twenty_askers_are_answered_by_one_wake(
    stage: Stage, sources: Sources, door: Path
) -> None:
    application = sources.serving("asked")
    await stage.deploy(application)
    await stage.deployer.resting.freeze("asked")
    before = len(stage.traffic.changes)
    line = b'{"application": "asked", "host": "asked.lomme.example"}\n'
    answers = await asyncio.gather(*(asked(door, line) for _ in range(20)))
    assert [one["state"] for one in answers] == ["awake"] * 20
    assert all(isinstance(one["seconds"], float) for one in answers)
    assert len(stage.traffic.changes) == before + 1
    assert await stage.page(application) == "one"


async def test_a_stopped_an_unknown_and_a_broken_application_are_told_apart(
    stage: Stage, sources: Sources, door: Path
) -> None:
    await stage.deploy(sources.serving("by-a-person"))
    await stage.ended(await stage.hosting.stop(OPERATOR, "by-a-person"))
    stopped = await asked(door, b'{"application": "by-a-person"}\n')
    assert stopped["state"] == "stopped"
    unknown = await asked(door, b'{"application": "nowhere"}\n')
    assert unknown["state"] == "failed"
    assert "never deployed" in str(unknown["reason"])


@pytest.mark.parametrize("line", [b"\n", b"{}\n", b'{"application": 3}\n', b"\xff\xfe\n", b"[]\n"])
async def test_what_is_not_understood_is_told(door: Path, line: bytes) -> None:
    answer = await asked(door, line)
    assert answer["state"] == "failed"
    assert "not understood" in str(answer["reason"])


async def test_an_endless_line_is_not_read(door: Path) -> None:
    reader, writer = await asyncio.open_unix_connection(door)
    writer.write(b"x" * 20_000)
    assert await reader.read() == b""
    writer.close()


async def test_an_asker_that_leaves_does_not_stop_the_wake(
    stage: Stage, sources: Sources, door: Path
) -> None:
    application = sources.serving("awaited", environment={"STARTS_AFTER_S": "0.3"})
    await stage.deploy(application)
    await stage.deployer.resting.sleep("awaited")
    _, writer = await asyncio.open_unix_connection(door)
    writer.write(b'{"application": "awaited"}\n')
    await writer.drain()
    writer.close()
    await eventually(lambda: stage.traffic.folders["awaited"] != ASIDE, within_s=10)
    assert await stage.page(application) == "one"


@pytest.mark.skipif(not AS_ROOT, reason="only root gives the filler a user of its own")
async def test_only_the_fillers_group_may_enter(stage: Stage) -> None:
    server = WakeServer(stage.places, stage.deployer.resting, Identity(64_321, 64_321))
    async with server.serving():
        folder = stage.places.wake_socket.parent.stat()
        assert (stat.S_IMODE(folder.st_mode), folder.st_gid) == (0o750, 64_321)
        assert stat.S_IMODE(stage.places.wake_socket.stat().st_mode) == 0o666


async def test_a_door_left_by_a_kill_is_opened_again(stage: Stage) -> None:
    stage.places.wake_socket.parent.mkdir(exist_ok=True)
    stage.places.wake_socket.touch()
    async with WakeServer(stage.places, stage.deployer.resting, None).serving():
        answer = await asked(stage.places.wake_socket, b'{"application": "nowhere"}\n')
    assert answer["state"] == "failed"
