"""Ending processes: asked first, then forced, none left behind."""

import asyncio
import os
import signal
from contextlib import suppress

from beffroi.kernel.processes.exits import wait_for_exit
from beffroi.kernel.processes.launch import is_alive
from beffroi.kernel.processes.model import RunningProcess
from beffroi.kernel.processes.tables import children_of, descendants_of

_FORCED_WAIT_S = 10.0
_SWEEP_PAUSE_S = 0.002


async def stop(
    process: RunningProcess, *, within_s: float, sign: signal.Signals = signal.SIGTERM
) -> int | None:
    """Ask a plain process to end; kill it and its children after the delay.

    Returns:
        Its exit status where it can be known.
    """
    return await _ask_then_force(process, process.pid, within_s, sign)


async def stop_sandboxed(process: RunningProcess, *, within_s: float) -> int | None:
    """Ask the command inside a sandbox to end; then end the whole sandbox.

    The launched process is bubblewrap, its child is the first process of the sandbox's own
    process table, and the command is the child of that one. While that one does not exist
    there is nobody to ask: bubblewrap alone would end and leave its sandbox behind.
    """
    first = children_of(process.pid)
    inner = children_of(first[0]) if first else []
    if not inner:
        return await kill(process)
    return await _ask_then_force(process, inner[0], within_s, signal.SIGTERM)


async def _ask_then_force(
    process: RunningProcess, asked_pid: int, within_s: float, sign: signal.Signals
) -> int | None:
    if not is_alive(process):
        return await wait_for_exit(process)
    _send(asked_pid, sign)
    try:
        async with asyncio.timeout(within_s):
            return await wait_for_exit(process)
    except TimeoutError:
        return await kill(process)


async def kill(process: RunningProcess) -> int | None:
    """End a process and everything below it at once.

    The first process is halted, so that the tree hangs together while it is read and killed
    from the top: a sandbox dies with the first process of its table, however many it holds.
    What was forked meanwhile is found by its session when the first process has ended.
    """
    async with asyncio.timeout(_FORCED_WAIT_S):
        if is_alive(process):
            _send(process.pid, signal.SIGSTOP)
            await _kill_below(process.pid)
            _send(process.pid, signal.SIGKILL)
        return await wait_for_exit(process)


async def _kill_below(leader: int) -> None:
    while rows := [row for row in descendants_of(leader) if row.pid != leader]:
        for row in rows:
            _send(row.pid, signal.SIGKILL)
        await asyncio.sleep(_SWEEP_PAUSE_S)


def _send(pid: int, sign: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, sign)
