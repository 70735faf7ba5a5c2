"""The platform's minutes become the ledger's records: no gap, no double, whatever is killed."""

import asyncio
import os
import signal
from datetime import timedelta

import httpx
import msgspec
import pytest

from beffroi.app.wiring import Platform, wired
from beffroi.delivery.model import DeliverySettings
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.counters import slot_begin
from beffroi.kernel.database import fetch_all
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.operations import OperationState
from beffroi.kernel.processes.launch import found_running, is_alive
from beffroi.kernel.rights.model import PLATFORM
from tests.integration.console.house import ADDRESS
from tests.support.clocks import ManualClock
from tests.support.waiting import eventually
from tests.unit.delivery.visit_lines import line

_LINE_BYTES = 8400


class Town:
    """A platform with one running application, measured when the test says so."""

    def __init__(self, platform: Platform) -> None:
        self.clock = ManualClock(slot_begin(SystemClock().now(), 60))
        self.began = self.clock.now()
        self._first = platform
        self.platform = self.started()
        self._asked = 0

    def started(self) -> Platform:
        """Start the platform anew, as after a kill -9: nothing is known but what was kept."""
        foundation = msgspec.structs.replace(self._first.foundation, clock=self.clock)
        settings = DeliverySettings(
            addresses=("127.0.0.1",), http_port=80, https_port=443, console_host=ADDRESS
        )
        self.platform = wired(foundation, settings)
        return self.platform

    async def deploy(self, name: str) -> None:
        """Deploy an application and wait until it serves."""
        services = self._first.services
        launched = await services.hosting.deploy(PLATFORM, name)

        async def ended() -> OperationState | None:
            found = await services.operations.get(launched.id, PLATFORM)
            return None if found.state is OperationState.RUNNING else found.state

        assert await eventually(ended, within_s=30) is OperationState.SUCCEEDED

    def visit(self, count: int) -> None:
        """Have nginx log requests of the clock's pages."""
        path = self._first.foundation.places.logs / "nginx" / "access.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as log:
            for number in range(self._asked, self._asked + count):
                host = "horloge.mairie.example.localhost"
                log.write(line(number, host=host, at=self.clock.now().isoformat()))
        self._asked += count

    async def measure(self, minutes: int) -> None:
        """Let minutes pass, each with its round; what is measured aside ends within its own."""
        for _ in range(minutes):
            self.clock.move(60)
            await self.platform.measuring.measure()
            await asyncio.sleep(0.2)

    async def work(self) -> None:
        """Have the clock answer until it must have taken some CPU time."""
        [socket] = self._first.foundation.places.instances.glob("horloge.*/listen/*")
        transport = httpx.AsyncHTTPTransport(uds=str(socket))
        async with httpx.AsyncClient(base_url="http://horloge", transport=transport) as client:
            for _ in range(200):
                (await client.get("/")).raise_for_status()

    async def sleep(self) -> None:
        """Put the clock to rest, as after hours without a visitor."""
        await self._first.deployer.resting.sleep("horloge")

    async def wake(self) -> None:
        """Have a visitor wake it."""
        await self._first.deployer.resting.wake("horloge")

    async def crash(self) -> None:
        """Kill the clock's process and start it again, as the loop does."""
        deployer = self._first.deployer
        [unit] = deployer.instances.units_of("horloge")
        process = found_running(unit, self._first.foundation.places.process_folder(unit))
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        await eventually(lambda: not is_alive(process), within_s=10)
        await deployer.restart_crashed("horloge", unit)

    async def recorded(self, application: str = "horloge") -> dict[str, int]:
        """Return the sum of an application's records, and how many there are."""
        async with self._first.foundation.database.transaction(EVERYTHING) as connection:
            [found] = await fetch_all(connection, dict[str, int], _RECORDED, (application,))
        return found


_RECORDED = """
select count(*) as records, max(running_ms)::bigint as longest_ms,
    count(distinct organisation) as organisations, sum(minutes)::bigint as minutes,
    sum(cpu_us)::bigint as cpu_us, sum(memory_mib_ms)::bigint as memory_mib_ms,
    sum(storage_mib_ms)::bigint as storage_mib_ms, sum(traffic_bytes)::bigint as traffic_bytes,
    sum(requests)::bigint as requests, sum(running_ms)::bigint as running_ms,
    sum(idle_mj)::bigint as idle_mj, sum(marginal_mj)::bigint as marginal_mj
from ledger.usage where application = %s
"""


@pytest.fixture
async def town(platform: Platform) -> Town:
    """The clock runs, and each meter was read once."""
    town = Town(platform)
    await town.deploy("horloge")
    await town.platform.measuring.measure()
    await asyncio.sleep(0.2)
    return town


async def test_two_minutes_of_an_application_are_recorded_whole(town: Town) -> None:
    town.visit(1000)
    await town.work()
    await town.measure(2)

    found = await town.recorded()

    assert (found["records"], found["minutes"], found["running_ms"]) == (2, 2, 120_000)
    assert (found["requests"], found["traffic_bytes"]) == (1000, 1000 * _LINE_BYTES)
    assert 10_000 <= found["cpu_us"] < 10_000_000
    assert found["memory_mib_ms"] > 120_000
    assert found["storage_mib_ms"] > 0


async def test_a_platform_that_is_killed_leaves_no_gap_and_counts_nothing_twice(
    town: Town,
) -> None:
    town.visit(1000)
    await town.measure(2)
    before = await town.recorded()
    town.visit(500)
    town.clock.move(5 * 60)
    town.started()
    await town.measure(1)
    town.visit(500)
    await town.measure(2)

    found = await town.recorded()

    assert before["records"] == 2
    assert (found["records"], found["longest_ms"]) == (10, 60_000)
    assert found["running_ms"] == 10 * 60_000
    assert (found["requests"], found["traffic_bytes"]) == (2000, 2000 * _LINE_BYTES)
    assert found["memory_mib_ms"] > 10 * 60_000


async def test_the_first_minute_of_a_platform_counts(platform: Platform) -> None:
    town = Town(platform)
    await town.deploy("horloge")
    await town.platform.measuring.begin()
    town.visit(100)
    await town.measure(1)

    found = await town.recorded()

    assert (found["requests"], found["running_ms"]) == (100, 60_000)


async def test_eight_hours_of_sleep_are_not_billed_and_no_cpu_time_is_lost(town: Town) -> None:
    await town.work()
    await town.work()
    await town.measure(1)
    before = await town.recorded()
    await town.sleep()
    for _ in range(8):
        town.clock.move(3540)
        await town.measure(1)
    asleep = await town.recorded()
    await town.wake()
    await town.work()
    await town.measure(1)

    found = await town.recorded()

    assert asleep["running_ms"] == before["running_ms"] == 60_000
    assert asleep["memory_mib_ms"] == before["memory_mib_ms"] > 0
    assert 0 < found["running_ms"] - asleep["running_ms"] <= 60_000
    assert 0 < found["memory_mib_ms"] - asleep["memory_mib_ms"] <= 128 * 60_000
    assert found["cpu_us"] - asleep["cpu_us"] >= 10_000


async def test_an_application_that_crashes_is_counted_from_its_new_start(town: Town) -> None:
    for _ in range(3):
        await town.work()
    await town.measure(1)
    before = await town.recorded()
    await town.crash()
    await town.work()
    [taken] = [
        one.usage
        for one in await town.platform.services.hosting.applications(PLATFORM)
        if one.usage is not None
    ]
    await town.measure(1)

    found = await town.recorded()

    assert found["cpu_us"] - before["cpu_us"] >= taken.cpu_s * 1e6 - 1
    assert 0 < found["running_ms"] - before["running_ms"] < 60_000


async def test_a_round_that_is_done_twice_counts_once(town: Town) -> None:
    town.visit(1000)
    await town.measure(1)
    await town.platform.measuring.measure()

    found = await town.recorded()

    assert (found["requests"], found["running_ms"]) == (1000, 60_000)


async def test_the_machine_is_the_declared_host_and_its_energy_is_divided(town: Town) -> None:
    await town.work()
    await town.measure(2)

    [host] = await town.platform.services.metering.host_energy(
        town.began - timedelta(days=1), town.began + timedelta(days=1)
    )
    found = await town.recorded()

    assert (host.host, host.modelled) == ("s1", True)
    assert 0 < host.low_mj <= host.energy_mj <= host.high_mj
    assert 0 < found["idle_mj"] == host.idle_mj < host.energy_mj
    assert 0 < found["marginal_mj"] == host.marginal_mj


async def test_files_that_only_lie_there_take_storage_and_no_memory(town: Town) -> None:
    await town.deploy("vitrine")
    town.started()
    await town.platform.measuring.measure()
    await asyncio.sleep(0.2)
    await town.measure(2)

    found = await town.recorded("vitrine")

    assert found["storage_mib_ms"] > 0
    assert (found["memory_mib_ms"], found["cpu_us"], found["idle_mj"]) == (0, 0, 0)


async def test_what_the_platform_read_serves_its_results_and_its_ledger(town: Town) -> None:
    await town.work()
    await town.measure(2)
    async with town.platform.foundation.database.transaction(EVERYTHING) as connection:
        [results] = await fetch_all(
            connection,
            dict[str, float],
            "select sum(cpu_s) as cpu_s from delivery.cpu_usage where subject = 'horloge'",
        )

    assert (await town.recorded())["cpu_us"] == pytest.approx(results["cpu_s"] * 1e6, abs=2)
