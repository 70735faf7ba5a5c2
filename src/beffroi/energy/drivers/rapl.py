"""The counters that processors keep of their own energy."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

_POWERCAP: Final = Path("/sys/class/powercap")


class RaplMeter:
    """Intel's and AMD's own counters of their processors, memory and boards left out."""

    def __init__(self, zones: Iterable[Path]) -> None:
        self._zones = tuple(zones)
        self._ranges = [_number(zone / "max_energy_range_uj") for zone in self._zones]
        self._read = [_number(zone / "energy_uj") for zone in self._zones]
        self._microjoules = 0

    @classmethod
    def found(cls, folder: Path = _POWERCAP) -> "RaplMeter | None":
        """Return the meter of this machine; nothing in most virtual machines."""
        zones = [zone for zone in sorted(folder.glob("intel-rapl:*")) if zone.name.count(":") == 1]
        try:
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


def _number(path: Path) -> int:
    return int(path.read_text())
