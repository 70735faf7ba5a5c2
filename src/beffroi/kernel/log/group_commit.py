"""Writers that arrive together are committed together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from beffroi.kernel.database import Connection, Database, Scope
from beffroi.kernel.errors import UnavailableError
from beffroi.kernel.log.entries import Event, append

Write = Callable[[Connection], Awaitable[Sequence[Event]]]


class _Waiting(msgspec.Struct, frozen=True, eq=False):
    write: Write
    done: asyncio.Future[None]


class GroupCommit:
    """Runs the writes of one window in one transaction and one flush of the disk.

    A write that fails does not take its neighbours with it: the group is rolled back and each
    write is then committed alone. When PostgreSQL goes away nobody knows whether the group was
    committed; its writers are told, for a second try could write twice.
    """

    def __init__(
        self, database: Database, scope: Scope, *, window_s: float = 0.002, capacity: int = 10_000
    ) -> None:
        self._database = database
        self._scope = scope
        self._window_s = window_s
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue(capacity)

    async def submit(self, write: Write) -> None:
        """Return once the write is committed.

        Args:
            write: Uses the connection it is given and returns its events.

        Raises:
            UnavailableError: More writes wait than the queue holds.
        """
        done = asyncio.get_running_loop().create_future()
        try:
            self._waiting.put_nowait(_Waiting(write, done))
        except asyncio.QueueFull as error:
            raise UnavailableError(
                "kernel.writes_overflow", waiting=self._waiting.qsize()
            ) from error
        await done

    async def run(self) -> None:
        """Commit groups until cancelled; whoever still waits is then told that it ended."""
        group: list[_Waiting] = []
        try:
            while True:
                group = [await self._waiting.get()]
                await asyncio.sleep(self._window_s)
                group.extend(self._arrived())
                await self._settle(group)
        finally:
            ended = UnavailableError("kernel.database_unreachable")
            for waiting in (*group, *self._arrived()):
                _fail(waiting, ended)

    def _arrived(self) -> list[_Waiting]:
        return [self._waiting.get_nowait() for _ in range(self._waiting.qsize())]

    async def _settle(self, group: Sequence[_Waiting]) -> None:
        try:
            await self._commit(group)
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
        for waiting in group:
            if not waiting.done.done():
                waiting.done.set_result(None)

    async def _commit(self, group: Sequence[_Waiting]) -> None:
        async with self._database.transaction(self._scope) as connection:
            events: list[Event] = []
            for waiting in group:
                events.extend(await waiting.write(connection))
            await append(connection, *events)


def _fail(waiting: _Waiting, error: Exception) -> None:
    if not waiting.done.done():
        waiting.done.set_exception(error)
