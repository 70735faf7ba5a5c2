"""The meter that a host declares; what its kind takes to load is loaded then, and not before.

SNMP's library alone takes 0.3 s, which no command should wait for.
"""

import asyncio
from collections.abc import Mapping
from importlib import import_module
from typing import Final, Protocol, cast

from beffroi.energy.ports import PowerMeter
from beffroi.kernel.clock import Clock
from beffroi.territory.meters import Meter, MeterKind

_MODULES: Final[Mapping[MeterKind, str]] = {
    MeterKind.RAPL: "beffroi.energy.drivers.declared.rapl",
    MeterKind.FILE: "beffroi.energy.drivers.declared.file",
    MeterKind.REDFISH: "beffroi.energy.drivers.declared.redfish",
    MeterKind.SNMP: "beffroi.energy.drivers.declared.snmp",
    MeterKind.MQTT: "beffroi.energy.drivers.declared.mqtt",
}


class _Opener(Protocol):
    def opened(self, host: str, meter: Meter, clock: Clock, /) -> PowerMeter:
        """Make what measures a host."""
        ...


async def opened_meter(host: str, meter: Meter, clock: Clock) -> PowerMeter | None:
    """Make what measures a host; whoever has it runs it.

    Args:
        host: Whose it is.
        meter: As declared and checked.
        clock: What tells the time of its readings.

    Returns:
        Nothing where none is declared.

    Raises:
        InvalidInputError: A file that it names cannot be used, or the machine has no such meter.
    """
    if meter.kind is MeterKind.NONE:
        return None
    module = await asyncio.to_thread(import_module, _MODULES[meter.kind])
    return cast("_Opener", module).opened(host, meter, clock)
