"""How much memory is left: on the machine, and below the bounds that the platform runs under."""

from collections.abc import Iterator
from pathlib import Path

from beffroi.kernel.processes.limits.group_files import counter, text
from beffroi.kernel.processes.model import MemoryReading

_MEMINFO = Path("/proc/meminfo")
_GROUPS = Path("/proc/self/cgroup")
_ROOT = Path("/sys/fs/cgroup")


def memory_reading() -> MemoryReading:
    """Read the machine's memory and that of each group around the platform; the scarcest counts.

    Applications run in groups beside the platform's own or below it, so that the bounds of the
    groups around it are theirs too.
    """
    readings = [machine_memory(_MEMINFO.read_text()), *_group_readings()]
    return min(readings, key=lambda reading: reading.available_bytes / reading.total_bytes)


def machine_memory(meminfo: str) -> MemoryReading:
    """Parse ``/proc/meminfo``: what new processes may take without swapping, as the kernel says."""
    kib = {
        name: int(rest.split()[0])
        for name, _, rest in (line.partition(":") for line in meminfo.splitlines())
    }
    return MemoryReading(kib["MemTotal"] * 1024, kib["MemAvailable"] * 1024)


def group_memory(folder: Path) -> MemoryReading | None:
    """Read one group of either version; nothing where it has no bound.

    Files that were read once and are kept at hand count as free: the kernel gives them up first.
    """
    bound = text(folder / "memory.max") or text(folder / "memory.limit_in_bytes")
    used = text(folder / "memory.current") or text(folder / "memory.usage_in_bytes")
    if not bound.strip().isdigit() or not used:
        return None
    total = int(bound)
    files = folder / "memory.stat"
    kept = counter(files, "total_inactive_file") or counter(files, "inactive_file")
    return MemoryReading(total, min(total, max(0, total - int(used) + kept)))


def _group_readings() -> Iterator[MemoryReading]:
    for folder in _own_folders(_GROUPS.read_text()):
        reading = group_memory(folder)
        if reading is not None:
            yield reading


def _own_folders(groups: str) -> Iterator[Path]:
    """List the groups of this process that may bound memory, and those around them."""
    for line in groups.splitlines():
        _, trees, path = line.split(":", 2)
        if trees in {"", "memory"}:
            base = _ROOT / trees
            own = base / path.lstrip("/")
            yield from (one for one in (own, *own.parents) if one.is_relative_to(base))
