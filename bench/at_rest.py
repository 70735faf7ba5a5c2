"""What the platform itself takes while nothing is asked of it."""

import asyncio
from pathlib import Path

from tests.support.town import Town

from beffroi.kernel.processes.tables import process_row
from bench.measuring import Figures, cpu_s, keep, resident_mib
from bench.start_up import LE_MANS

_SETTLE_S = 20.0
_WATCH_S = 180.0
_METHOD = (
    f"The le-mans story runs and nobody visits; {_SETTLE_S:.0f} s after the start the CPU time of "
    f"each process is read (schedstat) twice, {_WATCH_S:.0f} s apart, health checks included. "
    "beffroi: the control plane alone, without the engines and applications below it. "
    "Targets: under 5 CPU seconds an hour and 150 MB."
)


def measure() -> None:
    """Watch the story at rest."""
    keep("at_rest", _METHOD, asyncio.run(_figures()))


async def _figures() -> dict[str, Figures]:
    town = Town(LE_MANS)
    try:
        await town.up(within_s=300)
        await asyncio.sleep(_SETTLE_S)
        watched = {name: town.unit_pid(name) for name in ("postgresql", "nginx")}
        before = {name: cpu_s(pid) for name, pid in watched.items()}
        own_before = _own_cpu_s(town.pid)
        await asyncio.sleep(_WATCH_S)
        hourly = 3600 / _WATCH_S
        row = process_row(town.pid)
        assert row is not None
        figures: dict[str, Figures] = {
            "beffroi": {
                "cpu_s_per_hour": round((_own_cpu_s(town.pid) - own_before) * hourly, 2),
                "resident_mb": round(row.resident_bytes / 1e6, 1),
            }
        }
        for name, pid in watched.items():
            figures[name] = {
                "cpu_s_per_hour": round((cpu_s(pid) - before[name]) * hourly, 2),
                "resident_mb": round(resident_mib(pid) * 2**20 / 1e6, 1),
            }
    finally:
        await town.close(keep_logs=False)
    return figures


def _own_cpu_s(pid: int) -> float:
    """Return the CPU time of a process's own threads."""
    tasks = Path("/proc", str(pid), "task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
