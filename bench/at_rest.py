"""What the platform itself takes while nothing is asked of it."""

import asyncio
import time
from pathlib import Path
from typing import NamedTuple

from tests.support.town import Town

from beffroi.kernel.places import Places
from beffroi.kernel.processes.tables import process_row
from beffroi.kernel.units import MIB
from beffroi.ledger.drivers.folder_sizes import folder_sizes
from bench.measuring import Figures, cpu_s, keep, resident_mib
from bench.start_up import LE_MANS

# The first walk through the folders begins with the platform, the next an hour later.
_SETTLE_S = 180.0
_WATCH_S = 900.0
_WALKS = 5
_METHOD = (
    f"The le-mans story runs and nobody visits; {_SETTLE_S:.0f} s after the start the CPU time of "
    f"each process is read (schedstat) twice, {_WATCH_S:.0f} s apart, health checks included. "
    "beffroi: the control plane alone, without the engines and applications below it. No walk "
    "through the applications' folders falls between the two: what one takes is measured apart, "
    "by the same walk through the same folders in the bench's own process (CPU of its thread, "
    f"median of {_WALKS}, files in the page cache); cpu_s_per_hour counts one. "
    "Targets: under 5 CPU seconds an hour and 150 MB."
)


class _Walk(NamedTuple):
    cpu_s: float
    wall_s: float
    applications: int
    mib: float


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
        without_walk_s = (_own_cpu_s(town.pid) - own_before) * hourly
        walk = sorted(_walk(town.places) for _ in range(_WALKS))[_WALKS // 2]
        assert walk.wall_s < _SETTLE_S, "the first walk lasted into the window"
        figures: dict[str, Figures] = {
            "beffroi": {
                "cpu_s_per_hour": round(without_walk_s + walk.cpu_s, 2),
                "cpu_s_per_hour_without_walk": round(without_walk_s, 2),
                "resident_mb": round(row.resident_bytes / 1e6, 1),
            },
            "one walk": {**walk._asdict()},
        }
        for name, pid in watched.items():
            figures[name] = {
                "cpu_s_per_hour": round((cpu_s(pid) - before[name]) * hourly, 2),
                "resident_mb": round(resident_mib(pid) * 2**20 / 1e6, 1),
            }
    finally:
        await town.close(keep_logs=False)
    return figures


def _walk(places: Places) -> _Walk:
    """Walk through the folders of every application as the platform does once an hour."""
    names = [folder.name for folder in places.releases.iterdir()]
    folders = {name: (places.volumes / name, places.releases / name) for name in names}
    begun_s, begun_cpu_s = time.perf_counter(), time.thread_time()
    sizes = folder_sizes(folders)
    return _Walk(
        cpu_s=round(time.thread_time() - begun_cpu_s, 4),
        wall_s=round(time.perf_counter() - begun_s, 3),
        applications=len(sizes),
        mib=round(sum(sizes.values()) / MIB, 1),
    )


def _own_cpu_s(pid: int) -> float:
    """Return the CPU time of a process's own threads."""
    tasks = Path("/proc", str(pid), "task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
