"""The meter of the machine that we run on, as the territory declares it today."""

import asyncio
import logging
from contextlib import suppress
from typing import Final

import msgspec

from beffroi.app.adapters import TerritoryInForce
from beffroi.energy.drivers.opening import opened_meter
from beffroi.energy.ports import EnergyReading, MeterCapabilities, PowerMeter
from beffroi.kernel.clock import Clock
from beffroi.kernel.errors import BeffroiError
from beffroi.territory.meters import Meter, MeterKind
from beffroi.territory.model import Host, Territory

_logger = logging.getLogger(__name__)
_AGAIN_AFTER_S: Final = 60.0


class _Wanted(msgspec.Struct, frozen=True):
    host: str
    meter: Meter


class MachineMeter:
    """Measures with what the machine's host declares; another declaration takes over at once.

    Without one, the owner's wattmeter file measures, and without that nothing does: the
    processors' own counters leave out the rest of the machine and count only where declared.
    """

    def __init__(self, territory: TerritoryInForce, wattmeter_file: str, clock: Clock) -> None:
        self._territory = territory
        self._wattmeter_file = wattmeter_file
        self._clock = clock
        self._meter: PowerMeter | None = None
        self._changed = asyncio.Event()
        self._told = ""

    @property
    def capabilities(self) -> MeterCapabilities | None:
        """Say what the meter can tell; nothing while there is none."""
        return self._meter.capabilities if self._meter else None

    def reading(self) -> EnergyReading | None:
        """Return the energy counted so far; nothing without a meter or while it is silent."""
        return self._meter.reading() if self._meter else None

    def wake(self) -> None:
        """Look at the declaration again: it may have changed."""
        self._changed.set()

    async def run(self) -> None:
        """Measure until cancelled; a meter that cannot be opened is told once and tried again."""
        while True:
            try:
                wanted = await self._wanted()
                self._meter = await opened_meter(wanted.host, wanted.meter, self._clock)
            except BeffroiError as error:
                self._tell(f"cannot be opened: {error}")
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), _AGAIN_AFTER_S)
                self._changed.clear()
                continue
            self._tell(f"host={wanted.host} kind={wanted.meter.kind}")
            try:
                await self._measure_while(wanted)
            finally:
                self._meter = None

    async def _measure_while(self, wanted: _Wanted) -> None:
        """Run the meter as long as it is the one that is declared."""
        async with asyncio.TaskGroup() as group:
            measuring = group.create_task(self._meter.run()) if self._meter else None
            while True:
                await self._changed.wait()
                self._changed.clear()
                with suppress(BeffroiError):
                    if await self._wanted() != wanted:
                        break
            if measuring is not None:
                measuring.cancel()

    async def _wanted(self) -> _Wanted:
        host = machine_host(await self._territory.current())
        if host is not None and host.meter.kind is not MeterKind.NONE:
            return _Wanted(host.name, host.meter)
        name = host.name if host is not None else ""
        if self._wattmeter_file:
            return _Wanted(name, Meter(kind=MeterKind.FILE, file=self._wattmeter_file))
        return _Wanted(name, Meter())

    def _tell(self, state: str) -> None:
        if state != self._told:
            _logger.info("energy meter %s", state)
        self._told = state


def machine_host(territory: Territory) -> Host | None:
    """Return the host that this machine is: the first by name, as everything runs on one yet."""
    return min(territory.hosts.values(), key=lambda one: one.name, default=None)
