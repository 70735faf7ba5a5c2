"""The nginx that the platform starts: checked configurations, found again, started again."""

import asyncio
import os
import signal
from functools import partial
from pathlib import Path

import httpx
import pytest

from beffroi.engines.controller import EngineController
from beffroi.engines.drivers import NginxEngine, found_nginx
from beffroi.engines.model import EngineState
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.errors import FailedError, UnavailableError
from beffroi.kernel.places import Places
from beffroi.kernel.reconcile import Reconciler
from tests.integration.engines.configuration import answering, free_port
from tests.support.processes import AS_ROOT
from tests.support.waiting import eventually


async def page(port: int) -> str:
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        return (await client.get(f"http://127.0.0.1:{port}/")).text


async def pid_of(engine: NginxEngine) -> int:
    pid = (await engine.status()).pid
    assert pid is not None
    return pid


@pytest.fixture
async def port(nginx: NginxEngine) -> int:
    """It runs, and answers «one» on this port."""
    port = free_port()
    assert await nginx.configure(answering(nginx, "one", port))
    await nginx.start()
    return port


async def test_it_answers_and_tells_what_it_takes(nginx: NginxEngine, port: int) -> None:
    status = await nginx.status()
    assert status.state is EngineState.ANSWERS
    assert status.memory_bytes > 0
    assert status.version
    assert await page(port) == "one"


@pytest.mark.skipif(not AS_ROOT, reason="only root can give an engine a user of its own")
async def test_it_never_runs_as_root(nginx: NginxEngine, port: int) -> None:
    assert port
    assert Path(f"/proc/{await pid_of(nginx)}").stat().st_uid > 200_000


async def test_a_new_configuration_is_taken_without_a_restart(
    nginx: NginxEngine, port: int
) -> None:
    before = await pid_of(nginx)
    assert await nginx.configure(answering(nginx, "two", port))

    async def changed() -> bool:
        return await page(port) == "two"

    await eventually(changed)
    assert await pid_of(nginx) == before


async def test_the_same_configuration_changes_nothing(nginx: NginxEngine, port: int) -> None:
    assert not await nginx.configure(answering(nginx, "one", port))


@pytest.mark.parametrize("mistake", ["nonsense on;", "http {", 'include "/nonexistent.conf";'])
async def test_a_refused_configuration_leaves_the_former_in_force(
    nginx: NginxEngine, port: int, mistake: str
) -> None:
    with pytest.raises(FailedError) as refused:
        await nginx.configure(answering(nginx, "two", port) + mistake)
    assert refused.value.code == "engines.configuration_refused"
    assert "nginx:" in str(refused.value)
    assert await page(port) == "one"
    await nginx.stop()
    await nginx.start()
    assert await page(port) == "one"


async def test_another_platform_finds_it_running(
    nginx: NginxEngine, own_places: Places, port: int
) -> None:
    other = NginxEngine(own_places, nginx.binary, (port,))
    assert await pid_of(other) == await pid_of(nginx)
    await other.start()
    assert await pid_of(other) == await pid_of(nginx)
    assert await other.configure(answering(other, "adopted", port))

    async def changed() -> bool:
        return await page(port) == "adopted"

    await eventually(changed)


async def test_killed_it_is_started_again_by_the_controller_that_tells(
    nginx: NginxEngine, own_places: Places, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    controller = EngineController({"nginx": nginx}, own_places)
    reconciler = Reconciler("engines", controller, SystemClock(), period_s=0.1)
    task = asyncio.create_task(reconciler.run())
    try:
        for times in (1, 2):
            os.kill(await pid_of(nginx), signal.SIGKILL)
            told = "restarted because it was not running"
            await eventually(partial(_is_told, caplog, told, times), within_s=15)
            assert await page(port) == "one"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert "BUG" not in caplog.text


async def test_an_engine_that_cannot_start_is_tried_with_pauses_and_told_once(
    nginx: NginxEngine, own_places: Places, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await nginx.stop()
    configuration = nginx.folder / "nginx.conf"
    good = configuration.read_text()
    configuration.write_text("nonsense on;")
    controller = EngineController({"nginx": nginx}, own_places)
    reconciler = Reconciler("engines", controller, SystemClock(), period_s=0.1)
    task = asyncio.create_task(reconciler.run())
    try:
        await eventually(lambda: "nginx did not start: it ended" in caplog.text)
        await asyncio.sleep(0.5)
        log = (own_places.logs / "engines" / "nginx.log").read_text()
        assert log.count("nonsense") <= 2
        assert caplog.text.count("did not start") == 1
        configuration.write_text(good)
        await eventually(lambda: "state=recovered" in caplog.text, within_s=15)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert await page(port) == "one"


async def test_stopping_twice_and_starting_twice_is_harmless(nginx: NginxEngine, port: int) -> None:
    for _ in range(2):
        await nginx.stop()
    assert (await nginx.status()).state is EngineState.STOPPED
    for _ in range(2):
        await nginx.start()
    assert await page(port) == "one"


async def test_a_halted_one_is_found_silent(nginx: NginxEngine, port: int) -> None:
    assert port
    workers = [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _parent(int(entry.name)) == await pid_of(nginx)
    ]
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        status = await nginx.status()
        assert (status.state, status.silences) == (EngineState.SILENT, 1)
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
    assert (await nginx.status()).silences == 0


async def test_a_log_that_was_moved_away_is_written_anew_under_its_name(
    nginx: NginxEngine, own_places: Places, port: int
) -> None:
    log = own_places.logs / "nginx" / "access.log"
    text = answering(nginx, "two", port).replace("access_log off;", f"access_log {log};")
    assert await nginx.configure(text)

    async def logged() -> bool:
        return await page(port) == "two" and log.stat().st_size > 0

    await eventually(logged)
    before = await pid_of(nginx)
    moved = log.rename(log.with_suffix(".1"))
    lines = len(moved.read_text().splitlines())

    nginx.reopen_logs()

    await eventually(log.exists)
    assert await page(port) == "two"
    await eventually(lambda: log.stat().st_size > 0)
    assert len(moved.read_text().splitlines()) <= lines + 1
    assert await pid_of(nginx) == before


async def test_one_that_does_not_run_has_no_log_to_write_anew(nginx: NginxEngine) -> None:
    nginx.reopen_logs()
    assert nginx.running() is None


def _is_told(caplog: pytest.LogCaptureFixture, sentence: str, times: int) -> bool:
    return caplog.text.count(sentence) == times


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


async def test_without_a_configuration_it_does_not_start_and_says_why(
    own_places: Places,
) -> None:
    engine = NginxEngine(own_places, await found_nginx(), ())
    with pytest.raises(UnavailableError, match=r"nginx\.conf"):
        await engine.start()
    assert engine.running() is None
    assert (await engine.status()).state is EngineState.STOPPED


async def test_started_from_two_sides_at_once_it_runs_once(nginx: NginxEngine, port: int) -> None:
    await nginx.stop()
    await asyncio.gather(nginx.start(), nginx.start(), nginx.start())
    assert await page(port) == "one"
    folders = {
        Path(f"/proc/{entry.name}") for entry in Path("/proc").iterdir() if entry.name.isdigit()
    }
    assert sum(_serves_from(folder, nginx.folder) for folder in folders) == 1


def _serves_from(process: Path, folder: Path) -> bool:
    try:
        line = (process / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return line.startswith(b"nginx: master") and os.fsencode(folder) in line
