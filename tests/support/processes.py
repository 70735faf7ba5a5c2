"""Launching small real processes and asking the machine about them."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import msgspec

from beffroi.kernel.processes.launch import PID_FILE, launch
from beffroi.kernel.processes.limits import Limiter
from beffroi.kernel.processes.limits.rlimits import RlimitLimiter
from beffroi.kernel.processes.model import Identity, ProcessPlan, RunningProcess, Sandbox
from beffroi.kernel.processes.tables import all_process_rows, descendants_of, members_of_session

PATH = "/usr/local/bin:/usr/bin:/bin"
AS_ROOT = os.getuid() == 0
IDENTITY = Identity(64_321, 64_321) if AS_ROOT else None

_FRESH_UIDS = count(64_400)


def fresh_identity() -> Identity | None:
    """Draw a user that nothing runs as yet; none where this is not root."""
    return Identity(next(_FRESH_UIDS), 64_321) if AS_ROOT else None


def shell_plan(folder: Path, script: str, unit: str = "unit") -> ProcessPlan:
    """Plan a shell script whose files lie in a folder."""
    return ProcessPlan(
        unit=unit,
        command=("/bin/sh", "-c", script),
        folder=folder / unit,
        log_path=folder / f"{unit}.log",
        environment={"PATH": PATH},
    )


def sandboxed(plan: ProcessPlan, sandbox: Sandbox | None = None) -> ProcessPlan:
    """Put a plan in a sandbox, under a user of its own where root may give one."""
    return msgspec.structs.replace(plan, sandbox=sandbox or Sandbox(identity=IDENTITY))


@contextmanager
def launched(plan: ProcessPlan, limiter: Limiter | None = None) -> Iterator[RunningProcess]:
    """Launch a plan; leave nothing of it behind, whatever the test found."""
    process = launch(plan, limiter or RlimitLimiter("tests"))
    try:
        yield process
    finally:
        while rows := [*descendants_of(process.pid), *members_of_session(process.pid)]:
            for row in rows:
                with suppress(ProcessLookupError):
                    os.kill(row.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(process.pid, 0)


def pids_running(marker: str) -> list[int]:
    """Find the processes whose command line holds a text that no other process has."""
    found = []
    for row in all_process_rows():
        with suppress(FileNotFoundError, ProcessLookupError):
            line = Path(f"/proc/{row.pid}/cmdline").read_bytes()
            if marker.encode() in line.split(b"\0"):
                found.append(row.pid)
    return found


def is_written(plan: ProcessPlan) -> bool:
    """Tell whether the launched process has written its pid file."""
    return (plan.folder / PID_FILE).exists()
