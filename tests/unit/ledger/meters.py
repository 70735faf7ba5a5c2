"""Readings of meters as tests write them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from beffroi.energy.model import SMALL, power_model
from beffroi.energy.ports import Coverage, MeterCapabilities
from beffroi.ledger.metering import (
    KeptReading,
    Meter,
    MeteredHost,
    MeteredTenant,
    MeterKey,
    MeterReading,
    MeterRound,
    read_round,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WALL = MeterCapabilities("plug", Coverage.MACHINE, accuracy=0.05)
HOST = MeteredHost(
    name="lomme-1",
    power=power_model(SMALL, 12, shared=False),
    cpus=12,
    memory_mib=32_768,
    tenants=(MeteredTenant("bus", "ville", 8192),),
    meter=WALL,
)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def reading(
    meter: Meter, value: float, at_s: float, run: str = "first", subject: str = "bus"
) -> MeterReading:
    organisation = "" if meter in {Meter.HOST_CPU_S, Meter.HOST_ENERGY_J} else "ville"
    return MeterReading(subject, organisation, meter, run, value, after(at_s))


def launched(one: MeterReading, at_s: float) -> MeterReading:
    """Tell when the run of a reading began."""
    return msgspec.structs.replace(one, began_at=after(at_s))


def host_reading(meter: Meter, value: float, at_s: float, run: str = "boot") -> MeterReading:
    return reading(meter, value, at_s, run, HOST.name)


class Meters:
    """Rounds one after the other, as the service does them."""

    def __init__(self, hosts: Sequence[MeteredHost] = ()) -> None:
        self.kept: dict[MeterKey, KeptReading] = {}
        self._hosts = hosts

    def read(self, *readings: MeterReading) -> MeterRound:
        found = read_round(self.kept, readings, self._hosts)
        self.kept |= {(one.subject, one.meter): one for one in found.kept}
        return found

    def read_all(self, rounds: Iterable[Sequence[MeterReading]]) -> list[MeterRound]:
        return [self.read(*readings) for readings in rounds]
