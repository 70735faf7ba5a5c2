"""What every runtime owes to an application that rests, however this machine can hold it."""

import asyncio
import os
import secrets
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from beffroi.hosting.drivers.sandboxed_process import SandboxedProcessRuntime
from beffroi.hosting.ports import InstancePlan, Runtime
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.places import Places
from beffroi.kernel.processes.launch import found_running
from beffroi.kernel.processes.limits import LIMITERS, Limiter
from beffroi.kernel.processes.model import Limits
from beffroi.kernel.processes.tables import children_of, descendants_of
from beffroi.kernel.units import MIB
from tests.support.processes import IDENTITY, pids_running
from tests.support.waiting import eventually, scaled

UNIT = "bus.1"
TICKS = "trap 'echo told to end; exit 0' TERM; while :; do echo tick; sleep 0.02; done"


class Host:
    """One data folder, and runtimes that come and go on it."""

    def __init__(self, places: Places, limiter: str) -> None:
        self.places = places
        self._limiter = limiter
        self.log = places.logs / "unit.log"

    def runtime(self) -> Runtime:
        """Make a runtime, as each start of the platform does."""
        limiter: Limiter = LIMITERS[self._limiter](self.places.runtime.name)
        return SandboxedProcessRuntime(self.places, limiter)

    def launch(self, script: str) -> Runtime:
        """Run a script as an instance."""
        runtime = self.runtime()
        runtime.launch(
            InstancePlan(
                unit=UNIT,
                command=("/bin/sh", "-c", script),
                environment={"PATH": "/usr/bin:/bin"},
                mounts=(),
                identity=IDENTITY,
                limits=Limits(memory_bytes=256 * MIB, cpus=2, processes=400),
                network=False,
                log_path=self.log,
                working_folder=Path("/"),
            )
        )
        return runtime

    def told(self) -> int:
        """Count the bytes that the instance has written."""
        return self.log.stat().st_size if self.log.exists() else 0

    async def talks(self) -> bool:
        """Tell whether the instance writes now."""
        before = self.told()
        await asyncio.sleep(scaled(0.15))
        return self.told() > before

    def pids(self) -> list[int]:
        """List the launched process and all below it, the first on top."""
        process = found_running(UNIT, self.places.process_folder(UNIT))
        return [row.pid for row in descendants_of(process.pid)] if process else []


@pytest.fixture(params=sorted(LIMITERS))
async def host(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Host]:
    kind = LIMITERS[request.param]
    if not kind.usable():
        pytest.skip(f"{kind.capabilities.name}: this user may not make its groups on this machine")
    places = Places.of(tmp_path / secrets.token_hex(4))
    made = Host(places, request.param)
    yield made
    await made.runtime().stop(UNIT, 0)
    shutil.rmtree(places.runtime)


async def test_a_frozen_instance_does_nothing_and_goes_on_where_it_was(host: Host) -> None:
    runtime = host.launch(TICKS)
    await eventually(host.told)
    pids = host.pids()
    await runtime.freeze(UNIT)
    assert runtime.is_frozen(UNIT)
    assert runtime.running_units() == {UNIT}
    assert not await host.talks()
    assert await runtime.thaw(UNIT)
    assert not runtime.is_frozen(UNIT)
    assert await host.talks()
    assert host.pids()[:3] == pids[:3]


async def test_the_next_platform_knows_from_the_machine_what_is_frozen(host: Host) -> None:
    await _frozen(host, TICKS)
    later = host.runtime()
    assert later.is_frozen(UNIT)
    assert await later.thaw(UNIT)
    assert await host.talks()


async def test_what_an_instance_forks_while_it_is_frozen_is_frozen_too(host: Host) -> None:
    forks = "forks() { while :; do echo fork; (sleep 300.8501) & sleep 0.002; done; }; "
    runtime = host.launch(f"{forks} forks & forks & forks")
    await eventually(lambda: len(pids_running("300.8501")) > 20)
    await runtime.freeze(UNIT)
    count = len(pids_running("300.8501"))
    assert not await host.talks()
    assert len(pids_running("300.8501")) == count
    assert await runtime.thaw(UNIT)
    assert await host.talks()


async def test_each_launch_of_an_instance_has_a_name_and_an_age(host: Host) -> None:
    first = host.launch(TICKS).usage(UNIT)
    await asyncio.sleep(0.1)
    later = host.runtime().usage(UNIT)
    await host.runtime().stop(UNIT, 0)
    again = host.launch(TICKS).usage(UNIT)
    assert first is not None
    assert later is not None
    assert again is not None
    assert first.launch == later.launch != again.launch
    assert 0 <= first.age_s < later.age_s
    assert again.age_s < later.age_s


async def test_a_frozen_instance_takes_no_processor_time(host: Host) -> None:
    runtime = await _frozen(host, "echo up; while :; do :; done")
    before = runtime.usage(UNIT)
    await asyncio.sleep(0.3)
    after = runtime.usage(UNIT)
    assert before is not None
    assert after is not None
    assert after.cpu_s - before.cpu_s < 0.03
    assert after.memory_bytes > 0


async def test_a_frozen_instance_that_is_stopped_hears_it(host: Host) -> None:
    runtime = await _frozen(host, TICKS)
    await runtime.stop(UNIT, scaled(5))
    assert host.log.read_text().endswith("told to end\n")
    assert runtime.running_units() == frozenset()
    assert not runtime.is_frozen(UNIT)


async def test_a_frozen_instance_that_does_not_listen_is_ended(host: Host) -> None:
    runtime = await _frozen(host, "trap '' TERM; echo up; while :; do sleep 300.8502; done")
    await runtime.stop(UNIT, 0.2)
    assert host.pids() == []
    await eventually(lambda: not pids_running("300.8502"))


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_one_killed_while_it_was_frozen_does_not_go_on(host: Host, place: int) -> None:
    runtime = await _frozen(host, "echo up; exec sleep 300.8503")
    os.kill(host.pids()[place], signal.SIGKILL)
    assert not await runtime.thaw(UNIT)
    assert not runtime.is_frozen(UNIT)
    await runtime.stop(UNIT, 0)
    await eventually(lambda: not pids_running("300.8503"))


async def test_a_process_halted_by_its_own_is_no_frozen_instance(host: Host) -> None:
    runtime = host.launch("echo up; sleep 300.8504 & kill -STOP $!; while :; do sleep 0.1; done")
    await eventually(host.told)
    assert not runtime.is_frozen(UNIT)
    await runtime.freeze(UNIT)
    assert runtime.is_frozen(UNIT)
    assert await runtime.thaw(UNIT)


async def test_freezing_and_thawing_twice_is_harmless(host: Host) -> None:
    runtime = await _frozen(host, TICKS)
    await runtime.freeze(UNIT)
    assert runtime.is_frozen(UNIT)
    for _ in range(2):
        assert await runtime.thaw(UNIT)
    assert await host.talks()


async def test_one_that_does_not_run_is_neither_frozen_nor_thawed(host: Host) -> None:
    runtime = host.runtime()
    await runtime.freeze(UNIT)
    assert not runtime.is_frozen(UNIT)
    assert not await runtime.thaw(UNIT)


async def test_a_new_launch_of_what_was_frozen_runs(host: Host) -> None:
    runtime = await _frozen(host, TICKS)
    await runtime.stop(UNIT, 0)
    runtime = host.launch(TICKS)
    await eventually(lambda: len(children_of(host.pids()[0])) > 0)
    assert not runtime.is_frozen(UNIT)
    assert await eventually(host.talks)


async def test_thawing_takes_less_than_fifty_milliseconds(host: Host) -> None:
    runtime = host.launch("echo up; for i in 1 2 3 4 5 6 7 8; do sleep 300.8505 & done; wait")
    await eventually(lambda: len(pids_running("300.8505")) == 8)
    took_s = []
    for _ in range(9):
        await runtime.freeze(UNIT)
        began_s = SystemClock().monotonic_s()
        assert await runtime.thaw(UNIT)
        took_s.append(SystemClock().monotonic_s() - began_s)
    assert sorted(took_s)[4] < scaled(0.05)


async def _frozen(host: Host, script: str) -> Runtime:
    runtime = host.launch(script)
    await eventually(host.told)
    await runtime.freeze(UNIT)
    return runtime
