"""Readers of the log with a durable cursor each."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from beffroi.kernel.database import Connection, Database, execute, fetch_value
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError
from beffroi.kernel.log.entries import Entry, last_seq, read_after, read_of_kinds
from beffroi.kernel.log.wake import LogWatch

Handler = Callable[[Connection, Sequence[Entry]], Awaitable[None]]
Told = Callable[[Sequence[Entry]], Awaitable[None]]
_logger = logging.getLogger(__name__)
_BATCH = 500
_SAFETY_PERIOD_S = 30.0
_RETRY_FIRST_S, _RETRY_MOST_S = 0.25, 30.0


class _Reader(ABC):
    """Reads the log from a cursor of its own, and tries again what fails."""

    def __init__(
        self, name: str, database: Database, watch: LogWatch, prefixes: tuple[str, ...] = ("",)
    ) -> None:
        self.name = name
        self._database = database
        self._watch = watch
        self._prefixes = prefixes

    async def run(self) -> None:
        """Follow until cancelled; wake at once when the log grows.

        A batch that fails is tried again, later each time: the log waits, nothing is skipped.
        """
        failures = 0
        async with self._watch.waiter(self._prefixes) as grown:
            while True:
                grown.clear()
                failures = 0 if await self._catch_up(failures) else failures + 1
                pause_s = min(_RETRY_MOST_S, _RETRY_FIRST_S * 2 ** min(failures, 10))
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause_s if failures else _SAFETY_PERIOD_S):
                        await grown.wait()

    async def _catch_up(self, failures: int) -> bool:
        """Advance to the end of the log; tell a failure when it starts and when it ends."""
        try:
            while await self.advance():
                pass
        except BeffroiError as error:
            if not failures:
                _logger.warning("follower name=%s state=failing %s", self.name, error)
            return False
        except Exception:
            _logger.exception("BUG in follower name=%s", self.name)
            return False
        if failures:
            _logger.info("follower name=%s state=recovered tries=%s", self.name, failures)
        return True

    @abstractmethod
    async def advance(self) -> int:
        """Handle one batch.

        Returns:
            How many entries were handled; 0 at the end of the log.
        """

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

    async def _move(self, connection: Connection, seq: int) -> None:
        await execute(
            connection,
            "update kernel.follower set seq = greatest(seq, %s), moved_at = now() where name = %s",
            (seq, self.name),
        )


class Follower(_Reader):
    """Hands each entry to a handler that writes to the database, once per commit of the cursor.

    The cursor moves in the transaction that the handler writes in: the effect happens exactly
    once. Two followers of one name take turns on the cursor's row.
    """

    def __init__(self, name: str, database: Database, watch: LogWatch, handler: Handler) -> None:
        super().__init__(name, database, watch)
        self._handler = handler

    async def advance(self) -> int:
        """Handle one batch and move the cursor, in one commit."""
        async with self._database.transaction(EVERYTHING) as connection:
            entries = await read_after(connection, await self._cursor(connection), _BATCH)
            if entries:
                await self._handler(connection, entries)
                await self._move(connection, entries[-1].seq)
            return len(entries)


class Teller(_Reader):
    """Hands each entry to a handler whose effect is elsewhere, at least once.

    No transaction is open meanwhile, however long the handler takes; the cursor moves afterwards.

    Args:
        name: Of its cursor.
        database: Where the log is.
        watch: Running.
        told: Is handed the entries.
        prefixes: What their kinds begin with; others neither wake it nor are read.
    """

    def __init__(
        self,
        name: str,
        database: Database,
        watch: LogWatch,
        told: Told,
        prefixes: tuple[str, ...] = ("",),
    ) -> None:
        super().__init__(name, database, watch, prefixes)
        self._told = told

    async def advance(self) -> int:
        """Tell one batch, then move the cursor."""
        async with self._database.transaction(EVERYTHING) as connection:
            before = await self._cursor(connection)
            entries, seq = await read_of_kinds(connection, self._prefixes, before, _BATCH)
        if entries:
            await self._told(entries)
        if seq > before:
            async with self._database.transaction(EVERYTHING) as connection:
                await self._move(connection, seq)
        return len(entries)


class Tail(_Reader):
    """Hands entries of some kinds to what one process holds in memory, from its start on.

    It has no durable cursor: another start reads anew what it needs.
    """

    def __init__(
        self, name: str, database: Database, watch: LogWatch, kinds: tuple[str, ...], told: Told
    ) -> None:
        super().__init__(name, database, watch, kinds)
        self._told = told
        self._seq: int | None = None

    async def advance(self) -> int:
        """Tell what came since."""
        async with self._database.transaction(EVERYTHING) as connection:
            if self._seq is None:
                self._seq = await last_seq(connection)
                return 0
            entries, seq = await read_of_kinds(connection, self._prefixes, self._seq, _BATCH)
        if entries:
            await self._told(entries)
        self._seq = seq
        return len(entries)
