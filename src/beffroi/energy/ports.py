"""What measures energy."""

from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec


class EnergyMeter(Protocol):
    """What measures the whole machine."""

    def joules(self) -> float:
        """Return the energy since the meter was made."""
        ...


class Coverage(StrEnum):
    """What of a machine a meter sees."""

    MACHINE = "machine"
    PROCESSORS = "processors"


class MeterCapabilities(msgspec.Struct, frozen=True):
    """What a kind of meter can tell.

    Attributes:
        accuracy: By how much it may err either way, as a part of what it tells.
    """

    name: str
    coverage: Coverage
    accuracy: float


class EnergyReading(msgspec.Struct, frozen=True):
    """A counter of energy, as read.

    Attributes:
        run: What it counts for: another run begins at 0, and what lies between was not seen.
    """

    joules: float
    run: str
    at: datetime


class PowerMeter(Protocol):
    """A meter of one machine's energy."""

    @property
    def capabilities(self) -> MeterCapabilities:
        """Say what it can tell."""
        ...

    async def run(self) -> None:
        """Ask the meter, or take what it sends, until cancelled; failures are told and retried."""
        ...

    def reading(self) -> EnergyReading | None:
        """Return the energy counted so far, without waiting; nothing while the meter is silent."""
        ...
