"""Halting all processes of a unit where they are, and letting them go on.

A control group holds whatever its processes fork meanwhile. Without one each process is sent
SIGSTOP, from the top down, again until a look at the tree finds none that runs: what is halted
forks no more.

They go on from the bottom up: those without children first, the others held by SIGSTOP until a
moment later. A server that watches over its workers would otherwise find, when both go on at
once, that they gave no sign of life for as long as they were halted, and end them. So the first
process is halted first and goes on last: its state tells, whoever asks.
"""

import os
import signal
from collections.abc import Iterable, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from beffroi.kernel.processes.limits.group_files import counter, text
from beffroi.kernel.processes.tables import (
    ProcessRow,
    descendants_of,
    is_pending,
    process_row,
)

_HALTED_STATES = "Tt"
_HELD_STATE = "D"


class Motion(StrEnum):
    """Whether the processes of a unit run."""

    RUNNING = "running"
    HALTING = "halting"
    HALTED = "halted"


class Group2:
    """The switch of one control group of version 2."""

    def __init__(self, folder: Path, pid: int) -> None:
        self._folder = folder
        self._tree = Tree(pid)

    def halt(self) -> None:
        """Begin to halt what the group holds."""
        _write(self._folder / "cgroup.freeze", "1")

    def resume_children(self) -> None:
        """Let those without children go on."""
        self._tree.hold_parents()
        _write(self._folder / "cgroup.freeze", "0")

    def resume_all(self) -> None:
        """Let all go on."""
        _write(self._folder / "cgroup.freeze", "0")
        self._tree.resume_all()

    def motion(self) -> Motion:
        """Tell whether it runs."""
        if text(self._folder / "cgroup.freeze").strip() != "1":
            return self._tree.motion()
        halted = counter(self._folder / "cgroup.events", "frozen")
        return Motion.HALTED if halted else Motion.HALTING


class Group1:
    """The switch of one group of the freezer, version 1."""

    def __init__(self, folder: Path, pid: int) -> None:
        self._state = folder / "freezer.state"
        self._tree = Tree(pid)

    def halt(self) -> None:
        """Begin to halt what the group holds; asked again, the kernel tries again."""
        _write(self._state, "FROZEN")

    def resume_children(self) -> None:
        """Let those without children go on."""
        self._tree.hold_parents()
        _write(self._state, "THAWED")

    def resume_all(self) -> None:
        """Let all go on."""
        _write(self._state, "THAWED")
        self._tree.resume_all()

    def motion(self) -> Motion:
        """Tell whether it runs."""
        match text(self._state).strip():
            case "FROZEN":
                return Motion.HALTED
            case "FREEZING":
                return Motion.HALTING
        return self._tree.motion()


class Tree:
    """Signals to a process and all below it."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def halt(self) -> None:
        """Halt those that run now."""
        _send(_running(descendants_of(self._pid)), signal.SIGSTOP)

    def hold_parents(self) -> None:
        """Halt those that have children, or have them halted once they would go on."""
        rows = descendants_of(self._pid)
        _send((row for row in rows if row.pid in _parents(rows)), signal.SIGSTOP)

    def resume_children(self) -> None:
        """Let those without children go on."""
        rows = descendants_of(self._pid)
        _send((row for row in rows if row.pid not in _parents(rows)), signal.SIGCONT)

    def resume_all(self) -> None:
        """Let those that are halted go on, the first process last."""
        _send(reversed(descendants_of(self._pid)), signal.SIGCONT)

    def motion(self) -> Motion:
        """Tell whether they run: the first process is halted first and goes on last."""
        first = process_row(self._pid)
        if first is None or first.state not in _HALTED_STATES:
            return Motion.RUNNING
        return Motion.HALTING if _running(descendants_of(self._pid)) else Motion.HALTED


Switch = Group2 | Group1 | Tree


def _running(rows: Iterable[ProcessRow]) -> list[ProcessRow]:
    return [row for row in rows if row.state not in _HALTED_STATES and not _will_halt(row)]


def _will_halt(row: ProcessRow) -> bool:
    """Tell whether a process that the kernel holds will be halted before it goes on.

    One that forked by ``vfork`` waits so until its child, which may be halted, does its part.
    """
    return row.state == _HELD_STATE and is_pending(row.pid, signal.SIGSTOP)


def _parents(rows: Sequence[ProcessRow]) -> frozenset[int]:
    return frozenset(row.parent for row in rows)


def _send(rows: Iterable[ProcessRow], sign: signal.Signals) -> None:
    for row in rows:
        with suppress(ProcessLookupError):
            os.kill(row.pid, sign)


def _write(path: Path, word: str) -> None:
    with suppress(FileNotFoundError):
        path.write_text(word)
