"""What the machine takes: CPU time from the kernel, energy from a meter where there is one."""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from beffroi.delivery.results_usage import HOST, UsageReading
from beffroi.kernel.clock import Clock
from beffroi.kernel.processes.tables import ProcessRow, descendants_of

_PROC: Final = Path("/proc")
_POWERCAP: Final = Path("/sys/class/powercap")
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
# user, nice, system, irq, softirq; the columns between are time at rest (proc_stat(5)).
_BUSY_COLUMNS: Final = (1, 2, 3, 6, 7)


class EnergyMeter(Protocol):
    """What measures the whole machine."""

    def joules(self) -> float:
        """Return the energy since the meter was made."""
        ...


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


class WattFile:
    """A file where the owner's wattmeter writes the power in watts, as a number."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._at_s = clock.monotonic_s()
        self._joules = 0.0

    def joules(self) -> float:
        """Add the power told now, for the time since the last reading; nothing while none is."""
        now_s = self._clock.monotonic_s()
        with suppress(OSError, ValueError):
            self._joules += max(0.0, float(self._path.read_text())) * (now_s - self._at_s)
        self._at_s = now_s
        return self._joules


class PlatformMeters:
    """Reads the machine as a whole and the platform's own parts."""

    def __init__(self, clock: Clock, meter: EnergyMeter | None) -> None:
        self._clock = clock
        self._meter = meter
        self._boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()

    def readings(self, parts: Mapping[str, int]) -> list[UsageReading]:
        """Read the counters now.

        Args:
            parts: The first process of each part of the platform, by the part's name.
        """
        now = self._clock.now()
        joules = self._meter.joules() if self._meter else 0.0
        found = [UsageReading(HOST, "", self._boot, now, _machine_cpu_s(), 0, joules)]
        for subject, pid in parts.items():
            rows = descendants_of(pid)
            if rows:
                run = f"{self._boot} {pid} {rows[0].started_ticks}"
                memory = sum(row.resident_bytes for row in rows)
                found.append(UsageReading(subject, "", run, now, tree_cpu_s(rows), memory))
        return found


def tree_cpu_s(rows: Iterable[ProcessRow]) -> float:
    """Return the CPU time of processes and of all they outlived: no process takes its own away."""
    return sum(row.cpu_s + _ended_children_s(row.pid) for row in rows)


def _ended_children_s(pid: int) -> float:
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    fields = text[text.rindex(")") + 2 :].split()
    return (int(fields[13]) + int(fields[14])) / _TICKS_PER_S


def _machine_cpu_s() -> float:
    columns = (_PROC / "stat").read_text().partition("\n")[0].split()
    return sum(int(columns[column]) for column in _BUSY_COLUMNS) / _TICKS_PER_S


def _number(path: Path) -> int:
    return int(path.read_text())
