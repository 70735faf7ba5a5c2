"""Writers that arrive together are committed together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

import msgspec

from beffroi.kernel.database import Connection, Database, Scope
from beffroi.kernel.errors import ConflictError, UnavailableError
from beffroi.kernel.log.entries import Event, append

_PAUSES_S: Final = (0.01, 0.05)
RequestT = TypeVar("RequestT")
AnswerT = TypeVar("AnswerT")


class Written(msgspec.Struct, Generic[AnswerT], frozen=True):
    """What a group of requests wrote.

    Attributes:
        answers: One for each request, in their order.
        events: What the log tells of it.
    """

    answers: Sequence[AnswerT]
    events: Sequence[Event]


class _Waiting(msgspec.Struct, Generic[RequestT, AnswerT], frozen=True, eq=False):
    request: RequestT
    done: asyncio.Future[AnswerT]


class GroupCommit(Generic[RequestT, AnswerT]):
    """Writes the requests of one group in one transaction and one flush of the disk.

    While a group is being committed the next one gathers: a lone writer waits for nobody, and the
    busier it is, the larger the groups.

    A group that met others on the same rows is tried again. One that fails otherwise is rolled
    back and each request is then committed alone, so that only the one at fault is told. When
    PostgreSQL goes away nobody knows whether the group was committed; its writers are told, for
    a second try could write twice.

    Args:
        database: Where to.
        scope: What the transactions see.
        write: Writes requests, in their order, and answers each.
        capacity: How many requests may wait.
        most: How many make a group, more or less.
        size: As how many a request counts; by default as one.
    """

    def __init__(
        self,
        database: Database,
        scope: Scope,
        write: Callable[[Connection, Sequence[RequestT]], Awaitable[Written[AnswerT]]],
        *,
        capacity: int = 10_000,
        most: int = 1_000,
        size: Callable[[RequestT], int] = lambda _: 1,
    ) -> None:
        self._database = database
        self._scope = scope
        self._write = write
        self._most = most
        self._capacity = capacity
        self._size = size
        self._queued = 0
        self._waiting: asyncio.Queue[_Waiting[RequestT, AnswerT]] = asyncio.Queue()

    async def submit(self, request: RequestT) -> AnswerT:
        """Return the answer once what was asked is committed.

        Raises:
            UnavailableError: More requests wait than the queue holds.
        """
        done: asyncio.Future[AnswerT] = asyncio.get_running_loop().create_future()
        size = self._size(request)
        if self._queued + size > self._capacity:
            raise UnavailableError("kernel.writes_overflow", waiting=self._queued)
        self._queued += size
        self._waiting.put_nowait(_Waiting(request, done))
        return await done

    async def run(self) -> None:
        """Commit groups until cancelled; whoever still waits is then told that it ended."""
        group: list[_Waiting[RequestT, AnswerT]] = []
        try:
            while True:
                group = [await self._waiting.get()]
                # Writers that are ready in this round of the loop come along.
                await asyncio.sleep(0)
                self._take_along(group)
                await self._settle(group)
        finally:
            ended = UnavailableError("kernel.database_unreachable")
            while not self._waiting.empty():
                group.append(self._waiting.get_nowait())
            for waiting in group:
                _fail(waiting, ended)

    def _take_along(self, group: list[_Waiting[RequestT, AnswerT]]) -> None:
        size = self._size(group[0].request)
        while size < self._most and not self._waiting.empty():
            group.append(self._waiting.get_nowait())
            size += self._size(group[-1].request)
        self._queued -= size

    async def _settle(self, group: Sequence[_Waiting[RequestT, AnswerT]]) -> None:
        try:
            answers = await self._committed([waiting.request for waiting in group])
        except UnavailableError as error:
            for waiting in group:
                _fail(waiting, error)
            return
        except Exception as error:  # noqa: BLE001 - handed to the writer it belongs to
            if len(group) == 1:
                _fail(group[0], error)
                return
            for waiting in group:
                await self._settle([waiting])
            return
        for waiting, answer in zip(group, answers, strict=True):
            if not waiting.done.done():
                waiting.done.set_result(answer)

    async def _committed(self, requests: Sequence[RequestT]) -> Sequence[AnswerT]:
        """Commit; once more after a while where others changed the same rows meanwhile."""
        for pause_s in _PAUSES_S:
            try:
                return await self._committed_once(requests)
            except ConflictError as error:
                if error.code != "kernel.changed_meanwhile":
                    raise
                await asyncio.sleep(pause_s)
        return await self._committed_once(requests)

    async def _committed_once(self, requests: Sequence[RequestT]) -> Sequence[AnswerT]:
        async with self._database.transaction(self._scope, by_key=True) as connection:
            written = await self._write(connection, requests)
            await append(connection, *written.events)
            return written.answers


def _fail(waiting: _Waiting[RequestT, AnswerT], error: Exception) -> None:
    if not waiting.done.done():
        waiting.done.set_exception(error)
