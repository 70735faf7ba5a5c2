"""Work that many ask for at once, and that is done once."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)
ResultT = TypeVar("ResultT")


class SingleFlight(Generic[KeyT, ResultT]):
    """Does the work of a key once for all who ask while it is under way.

    One who stops waiting does not stop it: the next to ask finds it further on.

    Args:
        work: Ends by itself.
    """

    def __init__(self, work: Callable[[KeyT], Awaitable[ResultT]]) -> None:
        self._work = work
        self._joined: dict[KeyT, asyncio.Task[ResultT]] = {}
        self._under_way: set[asyncio.Task[ResultT]] = set()

    def __len__(self) -> int:
        return len(self._under_way)

    async def result(self, key: KeyT) -> ResultT:
        """Return what the work comes to, or raise what it raises."""
        task = self._joined.get(key)
        if task is None:
            task = asyncio.create_task(self._done(key))
            self._joined[key] = task
            self._under_way.add(task)
            task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def begin_anew(self) -> None:
        """Let nobody join what is under way: the world has changed since it began."""
        self._joined.clear()

    async def close(self) -> None:
        """Stop what is under way."""
        stopping = tuple(self._under_way)
        for task in stopping:
            task.cancel()
        await asyncio.gather(*stopping, return_exceptions=True)

    async def _done(self, key: KeyT) -> ResultT:
        try:
            return await self._work(key)
        finally:
            if self._joined.get(key) is asyncio.current_task():
                del self._joined[key]

    def _ended(self, task: asyncio.Task[ResultT]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            # Those who waited may all have left: nobody else looks at it.
            task.exception()
