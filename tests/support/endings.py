"""Ending what a test started."""

import asyncio
from contextlib import suppress


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel a task, and wait until it is over."""
    # Of one cancellation asyncio.wait_for may lose sight, up to Python 3.11.
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=1)
    with suppress(asyncio.CancelledError):
        await task
