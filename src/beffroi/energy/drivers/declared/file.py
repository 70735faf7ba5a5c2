"""A declared meter that writes into a file."""

from pathlib import Path

from beffroi.energy.drivers.watt_file import WattFile
from beffroi.energy.metered import PolledMeter
from beffroi.energy.ports import PowerMeter
from beffroi.kernel.clock import Clock
from beffroi.territory.meters import Meter


def opened(host: str, meter: Meter, clock: Clock) -> PowerMeter:
    """Open it."""
    return PolledMeter(host, WattFile(Path(meter.file), clock), clock)
