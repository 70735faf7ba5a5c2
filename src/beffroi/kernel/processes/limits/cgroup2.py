"""Limits by control groups, version 2 (one tree), where a part of it was delegated to us."""

from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from beffroi.kernel.processes.limits.group_files import counter, may_make_groups, number, text
from beffroi.kernel.processes.limits.halting import Group2, Tree
from beffroi.kernel.processes.limits.limiter import LimiterCapabilities
from beffroi.kernel.processes.model import Limits, Usage

_ROOT = Path("/sys/fs/cgroup")
_NEEDED = frozenset({"cpu", "memory", "pids"})
_PERIOD_US = 100_000


class Cgroup2Limiter:
    """Keeps one group per unit beside the group that the platform itself is in.

    A group that holds processes cannot hand controllers down, so units are made next to the
    platform's own group, in the nearest ancestor that hands them down and that we may write.
    """

    capabilities: ClassVar[LimiterCapabilities] = LimiterCapabilities(
        name="cgroup v2", whole_unit=True, cpu=True
    )

    def __init__(self, namespace: str) -> None:
        base = _delegated_group()
        if base is None:
            raise FileNotFoundError("no delegated control group")
        self._base = base / namespace

    @classmethod
    def usable(cls) -> bool:
        """Tell whether such an ancestor exists."""
        return _delegated_group() is not None

    def prepare(self, unit: str, limits: Limits) -> str:
        """Make the unit's group and set its bounds; counters start anew."""
        self.release(unit)
        self._base.mkdir(exist_ok=True)
        (self._base / "cgroup.subtree_control").write_text("+cpu +memory +pids")
        folder = self._base / unit
        folder.mkdir(exist_ok=True)
        (folder / "memory.max").write_text(str(limits.memory_bytes))
        with suppress(FileNotFoundError):
            (folder / "memory.swap.max").write_text("0")
        (folder / "cpu.max").write_text(f"{max(1000, int(limits.cpus * _PERIOD_US))} {_PERIOD_US}")
        (folder / "pids.max").write_text(str(limits.processes))
        return f"echo $$ > '{folder}/cgroup.procs'"

    def usage(self, unit: str, pid: int) -> Usage:  # noqa: ARG002 - the port's signature
        """Read the unit's counters."""
        folder = self._base / unit
        return Usage(
            memory_bytes=number(folder / "memory.current"),
            cpu_s=counter(folder / "cpu.stat", "usage_usec") / 1e6,
            processes=number(folder / "pids.current"),
            memory_kills=counter(folder / "memory.events", "oom_kill"),
        )

    def switch(self, unit: str, pid: int) -> Group2 | Tree:
        """Return the group's own, which the kernel has since 5.2."""
        folder = self._base / unit
        return Group2(folder, pid) if (folder / "cgroup.freeze").exists() else Tree(pid)

    def release(self, unit: str) -> None:
        """Remove the unit's group; one that still holds a dying process is left."""
        with suppress(OSError):
            (self._base / unit).rmdir()


def _delegated_group() -> Path | None:
    own = next(
        (
            line[len("0::/") :]
            for line in Path("/proc/self/cgroup").read_text().splitlines()
            if line.startswith("0::/")
        ),
        None,
    )
    if own is None or not (_ROOT / "cgroup.controllers").exists():
        return None
    for folder in (_ROOT / own).parents:
        if not folder.is_relative_to(_ROOT):
            return None
        if set(text(folder / "cgroup.subtree_control").split()) >= _NEEDED and may_make_groups(
            folder
        ):
            return folder
    return None
