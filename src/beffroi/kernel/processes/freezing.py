"""Freezing a unit: its processes keep their memory and take no processor time."""

import asyncio
import signal
from contextlib import suppress

from beffroi.kernel.processes.launch import is_alive
from beffroi.kernel.processes.limits import Limiter, Motion
from beffroi.kernel.processes.model import RunningProcess
from beffroi.kernel.processes.tables import children_of, is_pending

_FREEZE_WITHIN_S = 2.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.001, 0.05
_END_WITHIN_S = 2.0
_CHILDREN_FIRST_S = 0.02
_SPINE = 3


async def freeze(process: RunningProcess, limiter: Limiter) -> None:
    """Halt all of a unit, what it forks meanwhile included.

    Raises:
        TimeoutError: Some process could not be halted; all of them go on.
    """
    switch = limiter.switch(process.unit, process.pid)
    pause_s = _FIRST_PAUSE_S
    try:
        async with asyncio.timeout(_FREEZE_WITHIN_S):
            switch.halt()
            while switch.motion() is not Motion.HALTED and is_alive(process):
                await asyncio.sleep(pause_s)
                pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)
                switch.halt()
    except BaseException:
        switch.resume_all()
        raise
    if not is_alive(process):
        switch.resume_all()


async def thaw_sandboxed(process: RunningProcess, limiter: Limiter) -> bool:
    """Let all of a sandbox go on; tell whether it does.

    What was killed meanwhile ends only now, or is only now seen to have ended: the launched
    process, the first one of the sandbox's own table, the command; each ends those above it.
    """
    spine = [process.pid]
    while len(spine) < _SPINE and (below := children_of(spine[-1])):
        spine.append(below[0])
    doomed = len(spine) < _SPINE or any(is_pending(pid, signal.SIGKILL) for pid in spine)
    switch = limiter.switch(process.unit, process.pid)
    if switch.motion() is not Motion.RUNNING:
        switch.resume_children()
        try:
            await asyncio.sleep(0 if doomed else _CHILDREN_FIRST_S)
        finally:
            switch.resume_all()
    if doomed:
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_WITHIN_S):
                while is_alive(process):  # noqa: ASYNC110 - it may be no child of ours
                    await asyncio.sleep(_FIRST_PAUSE_S)
    return is_alive(process)


def is_frozen(process: RunningProcess, limiter: Limiter) -> bool:
    """Tell whether a unit is halted, or was about to be, from the machine alone."""
    return limiter.switch(process.unit, process.pid).motion() is not Motion.RUNNING
