"""The processes of one platform, found on the machine itself rather than in its own records."""

import os
import signal
from contextlib import suppress
from pathlib import Path

from beffroi.kernel.places import Places
from beffroi.kernel.processes.tables import ProcessRow, all_process_rows
from tests.support.waiting import eventually

_GROUPS = Path("/sys/fs/cgroup")


def processes_of(places: Places) -> list[ProcessRow]:
    """Find every process that names or mounts the platform's folders, but for who asks."""
    marks = (str(places.data).encode(), str(places.runtime).encode())
    return [
        row
        for row in all_process_rows()
        if row.pid != os.getpid() and any(mark in _traces(row.pid) for mark in marks)
    ]


def described(rows: list[ProcessRow]) -> list[str]:
    """Write processes for the person who reads a failure."""
    return [f"{row.pid} {row.state} {_read(row.pid, 'cmdline')[:200]!r}" for row in rows]


async def end_all(places: Places) -> None:
    """Kill what is left of a platform, frozen or not, then remove its control groups."""
    for group in groups_of(places):
        state = group / "freezer.state"
        if state.exists():
            state.write_text("THAWED")

    def none_left() -> bool:
        rows = processes_of(places)
        for row in rows:
            with suppress(ProcessLookupError):
                os.kill(row.pid, signal.SIGKILL)
        return not rows

    await eventually(none_left, within_s=10)
    for group in groups_of(places):
        with suppress(OSError):
            group.rmdir()


def groups_of(places: Places) -> list[Path]:
    """Find the control groups of a platform, the innermost first."""
    found = [
        Path(folder)
        for folder, _, _ in os.walk(_GROUPS, topdown=False)
        if places.runtime.name in Path(folder).parts
    ]
    return list(dict.fromkeys(found))


def _traces(pid: int) -> bytes:
    return _read(pid, "cmdline") + _read(pid, "mountinfo")


def _read(pid: int, name: str) -> bytes:
    try:
        return Path("/proc", str(pid), name).read_bytes()
    except OSError:
        return b""
