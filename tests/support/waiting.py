"""Waiting for something to become true, with waits that scale on slow machines."""

import asyncio
import inspect
import os
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

from beffroi.kernel.clock import SystemClock

ResultT = TypeVar("ResultT")
SLOWNESS = float(os.environ.get("BEFFROI_TEST_SLOWNESS", "1"))
_FIRST_PAUSE_S = 0.01
_LONGEST_PAUSE_S = 0.1


def scaled(duration_s: float) -> float:
    """Stretch a wait by ``BEFFROI_TEST_SLOWNESS``."""
    return duration_s * SLOWNESS


@overload
async def eventually(check: Callable[[], Awaitable[ResultT]], within_s: float = ...) -> ResultT: ...
@overload
async def eventually(check: Callable[[], ResultT], within_s: float = ...) -> ResultT: ...
async def eventually(check: Callable[[], Any], within_s: float = 5.0) -> Any:
    """Call the check until it returns something true, and return that.

    A check may also assert: its last failure is the one that is shown.
    """
    clock = SystemClock()
    deadline = clock.monotonic_s() + scaled(within_s)
    pause_s = _FIRST_PAUSE_S
    while True:
        failure: AssertionError | None = None
        outcome: object = None
        try:
            told = check()
            result = await told if inspect.isawaitable(told) else told
            if result:
                return result
            outcome = result
        except AssertionError as error:
            failure = error
        if clock.monotonic_s() > deadline:
            raise AssertionError(
                f"not true within {scaled(within_s):.1f} s: {failure or repr(outcome)}"
            ) from failure
        await asyncio.sleep(pause_s)
        pause_s = min(_LONGEST_PAUSE_S, pause_s * 1.5)
