"""The counters that processors keep of their own energy."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from beffroi.energy.ports import Coverage, EnergyReading, MeterCapabilities
from beffroi.kernel.clock import Clock

_POWERCAP: Final = Path("/sys/class/powercap")
# A counter of 2^32 steps of 15.3 microjoules passes its end after 5 minutes at 200 W.
_READ_EVERY_S: Final = 60.0


class RaplMeter:
    """Intel's and AMD's own counters of their processors, memory and boards left out.

    A zone ``psys`` counts the whole platform, its processors again, and how well differs by maker.
    """

    def __init__(self, zones: Iterable[Path]) -> None:
        self._zones = tuple(zones)
        self._ranges = [_number(zone / "max_energy_range_uj") for zone in self._zones]
        self._read = [_number(zone / "energy_uj") for zone in self._zones]
        self._microjoules = 0

    @classmethod
    def found(cls, folder: Path = _POWERCAP) -> "RaplMeter | None":
        """Return the meter of this machine; nothing in most virtual machines."""
        try:
            zones = [zone for zone in sorted(folder.glob("intel-rapl:*")) if _is_package(zone)]
            return cls(zones) if zones else None
        except OSError:
            return None

    def joules(self) -> float:
        """Add what each counter gained; one that went back passed its end once."""
        for position, zone in enumerate(self._zones):
            now = _number(zone / "energy_uj")
            gained = now - self._read[position]
            self._microjoules += gained if gained >= 0 else gained + self._ranges[position]
            self._read[position] = now
        return self._microjoules / 1e6


class RaplCounter:
    """The same counters as a meter of their own, that is read often enough."""

    # Our margin: Intel states no accuracy, and measured ones are better (Khan et al., "RAPL in
    # Action", ACM ToMPECS 3(2), 2018).
    capabilities = MeterCapabilities("RAPL", Coverage.PROCESSORS, accuracy=0.05)

    def __init__(self, meter: RaplMeter, clock: Clock, run: str) -> None:
        self._meter = meter
        self._clock = clock
        self._run = run

    async def run(self) -> None:
        """Read until cancelled, so that no counter passes its end twice."""
        while True:
            await self._clock.sleep(_READ_EVERY_S)
            self.reading()

    def reading(self) -> EnergyReading | None:
        """Return the energy counted so far; nothing while the counters cannot be read."""
        try:
            return EnergyReading(self._meter.joules(), self._run, self._clock.now())
        except (OSError, ValueError):
            return None


def _is_package(zone: Path) -> bool:
    return (zone / "name").read_text().startswith("package")


def _number(path: Path) -> int:
    return int(path.read_text())
