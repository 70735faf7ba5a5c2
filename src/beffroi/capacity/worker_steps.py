"""What a worker tells of its progress, as the steps of an operation."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from beffroi.kernel.operations import Progress
from beffroi.kernel.processes import workers

AnswerT = TypeVar("AnswerT")


async def with_steps(
    progress: Progress, ask: Callable[[workers.Told], Awaitable[AnswerT]]
) -> AnswerT:
    """Ask a worker, telling its newest word as the operation's step."""
    newest: asyncio.Queue[workers.Progress] = asyncio.Queue()

    async def tell() -> None:
        while True:
            told = await newest.get()
            while not newest.empty():
                told = newest.get_nowait()
            await progress.step(f"{told.share:.0%}: {told.doing}")

    telling = asyncio.create_task(tell())
    try:
        return await ask(newest.put_nowait)
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
