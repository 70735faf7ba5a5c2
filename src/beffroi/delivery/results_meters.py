"""What the machine takes: CPU time from the kernel, energy from a meter where there is one."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from beffroi.delivery.results_usage import HOST, UsageReading
from beffroi.energy.ports import EnergyMeter
from beffroi.kernel.clock import Clock
from beffroi.kernel.processes.tables import ProcessRow, descendants_of

_PROC: Final = Path("/proc")
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
# user, nice, system, irq, softirq; the columns between are time at rest (proc_stat(5)).
_BUSY_COLUMNS: Final = (1, 2, 3, 6, 7)


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
