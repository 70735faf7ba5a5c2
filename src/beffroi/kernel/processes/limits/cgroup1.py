"""Limits by control groups, version 1 (one tree per resource)."""

from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from beffroi.kernel.processes.limits.group_files import counter, may_make_groups, number, text
from beffroi.kernel.processes.limits.halting import Group1, Tree
from beffroi.kernel.processes.limits.limiter import LimiterCapabilities
from beffroi.kernel.processes.model import Limits, Usage

_ROOT = Path("/sys/fs/cgroup")
_TREES = ("memory", "cpu", "cpuacct", "pids")
_FREEZER = "freezer"
_PERIOD_US = 100_000


class Cgroup1Limiter:
    """Keeps one group per unit and tree, below the group that the platform itself is in."""

    capabilities: ClassVar[LimiterCapabilities] = LimiterCapabilities(
        name="cgroup v1", whole_unit=True, cpu=True
    )

    def __init__(self, namespace: str) -> None:
        own = _own_groups()
        freezer = (_FREEZER,) if _is_ours(own, _FREEZER) else ()
        self._bases = {tree: _ROOT / tree / own[tree] / namespace for tree in (*_TREES, *freezer)}

    @classmethod
    def usable(cls) -> bool:
        """Tell whether every tree is there and this user may make groups in it."""
        own = _own_groups()
        return all(_is_ours(own, tree) for tree in _TREES)

    def prepare(self, unit: str, limits: Limits) -> str:
        """Make the unit's groups and set their bounds; counters start anew."""
        self.release(unit)
        for folder in self._folders(unit).values():
            folder.mkdir(parents=True, exist_ok=True)
        memory, cpu, pids = (self._folders(unit)[tree] for tree in ("memory", "cpu", "pids"))
        _set_memory(memory, limits.memory_bytes)
        (cpu / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
        (cpu / "cpu.cfs_quota_us").write_text(str(max(1000, int(limits.cpus * _PERIOD_US))))
        (pids / "pids.max").write_text(str(limits.processes))
        (self._folders(unit)["cpuacct"] / "cpuacct.usage").write_text("0")
        joined = {folder.resolve() for folder in self._folders(unit).values()}
        return "; ".join(f"echo $$ > '{folder}/cgroup.procs'" for folder in sorted(joined))

    def usage(self, unit: str, pid: int) -> Usage:  # noqa: ARG002 - the port's signature
        """Read the unit's counters."""
        folders = self._folders(unit)
        return Usage(
            memory_bytes=number(folders["memory"] / "memory.usage_in_bytes"),
            cpu_s=number(folders["cpuacct"] / "cpuacct.usage") / 1e9,
            processes=number(folders["pids"] / "pids.current"),
            memory_kills=counter(folders["memory"] / "memory.oom_control", "oom_kill"),
        )

    def switch(self, unit: str, pid: int) -> Group1 | Tree:
        """Return the freezer's group where there is a freezer and the unit was launched in it."""
        folder = self._folders(unit).get(_FREEZER)
        in_group = folder is not None and text(folder / "cgroup.procs")
        return Group1(folder, pid) if folder is not None and in_group else Tree(pid)

    def release(self, unit: str) -> None:
        """Remove the unit's groups; one that still holds a dying process is left."""
        for folder in self._folders(unit).values():
            with suppress(OSError):
                folder.rmdir()

    def _folders(self, unit: str) -> dict[str, Path]:
        return {tree: base / unit for tree, base in self._bases.items()}


def _is_ours(own: dict[str, str], tree: str) -> bool:
    return tree in own and may_make_groups(_ROOT / tree / own[tree])


def _set_memory(folder: Path, memory_bytes: int) -> None:
    """Write both bounds in the order the kernel accepts: memory is never above memory and swap."""
    both, memory = folder / "memory.memsw.limit_in_bytes", folder / "memory.limit_in_bytes"
    for path in (both, memory, both):
        with suppress(OSError):
            path.write_text(str(memory_bytes))


def _own_groups() -> dict[str, str]:
    groups: dict[str, str] = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, trees, path = line.split(":", 2)
        for tree in trees.split(","):
            groups[tree] = path.lstrip("/")
    return groups
