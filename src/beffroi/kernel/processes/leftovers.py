"""What an ended process leaves running: those that lost their parent but kept its session.

bubblewrap ends with its command, yet its sandbox lives on while any process in it does: a
server's workers would outlive the server and hold its files.
"""

import asyncio
import os
import signal
from contextlib import suppress

from beffroi.kernel.processes.model import RunningProcess
from beffroi.kernel.processes.tables import ProcessRow, members_of_session, process_row

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.002, 0.1


async def end_leftovers(process: RunningProcess) -> None:
    """Kill what an ended process left running, and wait until it is gone."""
    pause_s = _FIRST_PAUSE_S
    while kill_leftovers(process):
        await asyncio.sleep(pause_s)
        pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)


def kill_leftovers(process: RunningProcess) -> int:
    """Kill what an ended process left running; return how many there were."""
    rows = _leftovers(process)
    for row in rows:
        with suppress(ProcessLookupError):
            os.kill(row.pid, signal.SIGKILL)
    return len(rows)


def _leftovers(process: RunningProcess) -> list[ProcessRow]:
    """List them; none while the process lives, or once its number belongs to another."""
    if process_row(process.pid) is not None:
        return []
    return [
        row for row in members_of_session(process.pid) if row.started_ticks >= process.started_ticks
    ]
