"""Readers of the log with a durable cursor each."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from beffroi.kernel.database import Connection, Database, execute, fetch_value
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log.entries import Entry, read_after
from beffroi.kernel.log.wake import LogWatch

Handler = Callable[[Connection, Sequence[Entry]], Awaitable[None]]
_BATCH = 500
_SAFETY_PERIOD_S = 30.0


class Follower:
    """Hands each entry to a handler, once per commit of the cursor.

    The cursor moves in the transaction that the handler writes in: an effect in the database
    happens exactly once, an effect elsewhere at least once. Two followers of one name take
    turns on the cursor's row.
    """

    def __init__(self, name: str, database: Database, watch: LogWatch, handler: Handler) -> None:
        self.name = name
        self._database = database
        self._watch = watch
        self._handler = handler

    async def run(self) -> None:
        """Follow until cancelled; wake at once when the log grows."""
        async with self._watch.waiter() as grown:
            while True:
                grown.clear()
                while await self.advance():
                    pass
                with suppress(TimeoutError):
                    async with asyncio.timeout(_SAFETY_PERIOD_S):
                        await grown.wait()

    async def advance(self) -> int:
        """Handle one batch.

        Returns:
            How many entries were handled; 0 at the end of the log.
        """
        async with self._database.transaction(EVERYTHING) as connection:
            entries = await read_after(connection, await self._cursor(connection), _BATCH)
            if entries:
                await self._handler(connection, entries)
                await execute(
                    connection,
                    "update kernel.follower set seq = %s, moved_at = now() where name = %s",
                    (entries[-1].seq, self.name),
                )
            return len(entries)

    async def _cursor(self, connection: Connection) -> int:
        await execute(
            connection,
            "insert into kernel.follower (name, seq) values (%s, 0) on conflict do nothing",
            (self.name,),
        )
        seq: int = await fetch_value(
            connection, "select seq from kernel.follower where name = %s for update", (self.name,)
        )
        return seq
