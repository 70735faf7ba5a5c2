"""Memory of processes, what they share counted once."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from beffroi.kernel.processes.tables import descendants_of


def proportional_mib(roots: Iterable[int]) -> float:
    """Return the proportional set size of processes and of all below them.

    A page that several processes of the machine map counts for each by its share.
    """
    return sum(_proportional_kib(row.pid) for root in roots for row in descendants_of(root)) / 1024


def _proportional_kib(pid: int) -> int:
    with suppress(FileNotFoundError, ProcessLookupError):
        text = Path("/proc", str(pid), "smaps_rollup").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return 0
