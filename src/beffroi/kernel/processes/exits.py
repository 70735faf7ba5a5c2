"""Learning that a process ended, whether it is a child of ours or was adopted."""

import os
from contextlib import suppress

from beffroi.kernel.processes.launch import is_alive
from beffroi.kernel.processes.leftovers import end_leftovers
from beffroi.kernel.processes.model import RunningProcess
from beffroi.kernel.readiness import readable


async def wait_for_exit(process: RunningProcess) -> int | None:
    """Wait until a process ends; end what it left running in its session.

    Returns:
        Its exit status (negative: the signal that ended it), or None when it was not a child
        of this process, whose status only its parent can learn.
    """
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(process.pid)
        try:
            if is_alive(process):
                await readable(descriptor)
        finally:
            os.close(descriptor)
    await end_leftovers(process)
    return _status_of(process)


def _status_of(process: RunningProcess) -> int | None:
    """Collect an ended child; whoever asks later is told the same status."""
    try:
        ended, status = os.waitpid(process.pid, os.WNOHANG)
    except ChildProcessError:
        return _collected.get(process)
    if ended:
        _collected[process] = os.waitstatus_to_exitcode(status)
        while len(_collected) > _COLLECTED_KEPT:
            _collected.pop(next(iter(_collected)))
    return _collected.get(process)


_COLLECTED_KEPT = 1000
_collected: dict[RunningProcess, int] = {}
