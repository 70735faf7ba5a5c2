"""Reading /proc."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import msgspec

_PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGESIZE")


class ProcessRow(msgspec.Struct, frozen=True):
    """One line of the kernel's process table.

    Attributes:
        outlived_cpu_s: CPU time of the children that ended and were waited for, theirs included.
    """

    pid: int
    parent: int
    session: int
    state: str
    cpu_s: float
    outlived_cpu_s: float
    started_ticks: int
    resident_bytes: int


def process_row(pid: int) -> ProcessRow | None:
    """Read one process; nothing when it is gone or only waits to be reaped."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return parsed_row(text)


def parsed_row(text: str) -> ProcessRow | None:
    """Parse the ``stat`` line of a process; nothing when it only waits to be reaped."""
    number, _, named = text.partition(" ")
    fields = named[named.rindex(")") + 2 :].split()
    if fields[0] in "ZX":
        return None
    return ProcessRow(
        pid=int(number),
        parent=int(fields[1]),
        session=int(fields[3]),
        state=fields[0],
        cpu_s=(int(fields[11]) + int(fields[12])) / _TICKS_PER_S,
        outlived_cpu_s=(int(fields[13]) + int(fields[14])) / _TICKS_PER_S,
        started_ticks=int(fields[19]),
        resident_bytes=int(fields[21]) * _PAGE_BYTES,
    )


def age_s(started_ticks: int) -> float:
    """Tell how long ago a process started, sleep of the machine included; of 0 its boot."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started_ticks / _TICKS_PER_S


def is_pending(pid: int, sign: signal.Signals) -> bool:
    """Tell whether a signal waits for a process to go on."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in (_PROC / str(pid) / "status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in {"SigPnd", "ShdPnd"} and int(value, 16) & (1 << (sign - 1)):
                return True
    return False


def all_process_rows() -> list[ProcessRow]:
    """Read the whole table."""
    rows = (process_row(int(entry.name)) for entry in _PROC.iterdir() if entry.name.isdigit())
    return [row for row in rows if row is not None]


def members_of_session(leader: int) -> list[ProcessRow]:
    """Return the processes of a session, those that lost their parent included."""
    return [row for row in all_process_rows() if row.session == leader]


def threads_of_user(uid: int) -> int:
    """Count the threads of a user's processes."""
    count = 0
    for entry in _PROC.iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            if entry.name.isdigit() and entry.stat().st_uid == uid:
                count += len(list((entry / "task").iterdir()))
    return count


def children_of(pid: int) -> list[int]:
    """Return the direct children of a process, oldest first."""
    rows = filter(None, map(process_row, _children_numbers(pid)))
    return [row.pid for row in sorted(rows, key=lambda row: row.started_ticks)]


def descendants_of(pid: int) -> list[ProcessRow]:
    """Return a process and all below it."""
    first = process_row(pid)
    found = [] if first is None else [first]
    for parent in found:
        found.extend(filter(None, map(process_row, _children_numbers(parent.pid))))
    return found


def _children_numbers(pid: int) -> list[int]:
    """Read the children of each thread: a few files, where the whole table takes hundreds."""
    numbers: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in (_PROC / str(pid) / "task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):
                numbers.extend(map(int, (thread / "children").read_text().split()))
    return numbers
