"""What the platform measures of itself and of its applications, minute by minute."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from beffroi.app.adapters import TerritoryInForce
from beffroi.app.platform_meters import PlatformLoads
from beffroi.delivery.results import Host
from beffroi.delivery.results_meters import PlatformMeters
from beffroi.delivery.results_publishing import PUBLISHED_EVERY_S, ResultsPublisher
from beffroi.delivery.results_service import ResultsCollector
from beffroi.delivery.results_usage import FILLER, HOST, NGINX, POSTGRESQL, UsageReading
from beffroi.delivery.visit_log import rotate_visits
from beffroi.energy.drivers.rapl import RaplMeter
from beffroi.energy.drivers.watt_file import WattFile
from beffroi.energy.model import EPYC, FRENCH_GRID_G_PER_KWH, SMALL, XEON, power_model
from beffroi.energy.ports import EnergyMeter
from beffroi.engines.drivers import NginxEngine
from beffroi.engines.ports import Engine
from beffroi.hosting.service import Hosting
from beffroi.kernel.clock import Clock
from beffroi.kernel.errors import BeffroiError
from beffroi.kernel.processes.memory import memory_reading
from beffroi.kernel.processes.tables import age_s
from beffroi.kernel.rights.model import PLATFORM
from beffroi.ledger.meter_rounds import MeterRounds

_logger = logging.getLogger(__name__)
_PERIOD_S: Final = 60.0
_FORGOTTEN_EVERY: Final = timedelta(days=1)
_MACHINES: Final = {"epyc": EPYC, "xeon": XEON, "small": SMALL}


class MeasuringTools(msgspec.Struct, frozen=True):
    """What measuring works with.

    Attributes:
        log: nginx's log of visits.
        loads: What a round reads, handed to the ledger.
        rounds: The ledger's.
    """

    collector: ResultsCollector
    publisher: ResultsPublisher
    meters: PlatformMeters
    hosting: Hosting
    nginx: NginxEngine
    engines: Mapping[str, Engine]
    log: Path
    territory: TerritoryInForce
    loads: PlatformLoads
    rounds: MeterRounds
    clock: Clock


class Measuring:
    """Counts visits and usage, has the ledger record them, and publishes what they come to."""

    def __init__(self, tools: MeasuringTools) -> None:
        self._tools = tools
        self._published_at_s: float | None = None
        self._forgotten_at = tools.clock.now()

    async def run(self) -> None:
        """Measure until cancelled; a failure is told and tried again a minute later."""
        try:
            await self._tried(self.begin)
            while True:
                await self._tools.clock.sleep(_PERIOD_S)
                await self._tried(self.measure)
        finally:
            self._tools.rounds.stop()

    async def begin(self) -> None:
        """Have the ledger note where meters stand; else a first minute counts for nothing."""
        readings, began = await self._readings()
        await self._record(readings, began)

    async def measure(self) -> None:
        """Count what is new; publish and forget when it is time."""
        tools = self._tools
        if await asyncio.to_thread(rotate_visits, tools.log):
            tools.nginx.reopen_logs()
        await tools.collector.count_visits()
        readings, began = await self._readings()
        await tools.collector.count_usage(readings)
        await self._record(readings, began)
        now_s, now = tools.clock.monotonic_s(), tools.clock.now()
        if self._published_at_s is None or now_s - self._published_at_s >= PUBLISHED_EVERY_S:
            self._published_at_s = now_s
            _logger.info("measuring %s", await tools.publisher.publish())
        if now - self._forgotten_at >= _FORGOTTEN_EVERY:
            self._forgotten_at = now
            await tools.collector.forget_old(now)

    async def _record(
        self, readings: Sequence[UsageReading], began: Mapping[str, datetime]
    ) -> None:
        self._tools.loads.take(await self._tools.territory.current(), readings, began)
        await self._tools.rounds.measure()

    async def _tried(self, part: Callable[[], Awaitable[None]]) -> None:
        try:
            await part()
        except BeffroiError as error:
            _logger.warning("measuring state=failing %s", error)

    async def _readings(self) -> tuple[list[UsageReading], Mapping[str, datetime]]:
        """Read the platform's parts and each application, with the time that it was launched."""
        names = {"postgresql": POSTGRESQL, "nginx": NGINX, "filler": FILLER}
        pids = {
            names[name]: process.pid
            for name, engine in self._tools.engines.items()
            if name in names and (process := engine.running()) is not None
        }
        found = self._tools.meters.readings(pids)
        now = self._tools.clock.now()
        began = {HOST: now - timedelta(seconds=age_s(0))}
        for one in await self._tools.hosting.applications(PLATFORM):
            if one.usage is not None:
                began[one.name] = now - timedelta(seconds=one.usage.age_s)
                found.append(
                    UsageReading(
                        one.name,
                        one.organisation,
                        one.usage.launch,
                        now,
                        one.usage.cpu_s,
                        one.usage.memory_bytes,
                    )
                )
        return found, began


def measured_host(machine: str, cpus: int) -> Host:
    """Describe the machine that everything runs on.

    Args:
        machine: Which published power curve comes nearest: epyc, xeon or small.
        cpus: Threads that are ours.
    """
    return Host(
        cpus=cpus,
        memory_bytes=memory_reading().total_bytes,
        power=power_model(_MACHINES[machine], cpus, shared=True),
        grid=FRENCH_GRID_G_PER_KWH,
    )


def energy_meter(wattmeter_file: str, clock: Clock) -> EnergyMeter | None:
    """Return what measures the machine: the owner's wattmeter, else the processor's counters."""
    if wattmeter_file:
        return WattFile(Path(wattmeter_file), clock)
    return RaplMeter.found()
