"""Readers of the log with a durable cursor each."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Protocol

from beffroi.kernel.database import Connection, Database, execute, fetch_value
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError
from beffroi.kernel.log.entries import Entry, last_seq, read_after, read_of_kinds
from beffroi.kernel.log.wake import LogWatch

Handler = Callable[[Connection, Sequence[Entry]], Awaitable[None]]
Told = Callable[[Sequence[Entry]], Awaitable[None]]
_logger = logging.getLogger(__name__)
_BATCH = 500
_SAFETY_PERIOD_S = 300.0
_RETRY_FIRST_S, _RETRY_MOST_S = 0.25, 30.0


async def let_go_of(connection: Connection, name: str) -> bool:
    """Forget how far a follower came; tell whether it was known."""
    return await execute(connection, "delete from kernel.follower where name = %s", (name,)) == 1


class _Reader(ABC):
    """Reads the log from a cursor of its own, and tries again what fails."""

    def __init__(
        self, name: str, database: Database, watch: LogWatch, prefixes: tuple[str, ...] = ("",)
    ) -> None:
        self.name = name
        self._database = database
        self._watch = watch
        self._prefixes = prefixes
        self._rest_s = 0.0

    async def run(self) -> None:
        """Follow until cancelled; wake at once when the log grows.

        A batch that fails is tried again, later each time: the log waits, nothing is skipped.
        """
        failures = 0
        while True:
            awaited = self._awaited()
            async with self._watch.waiter(awaited) as grown:
                while True:
                    grown.clear()
                    failures = 0 if await self._catch_up(failures) else failures + 1
                    if awaited != self._awaited():
                        break
                    pause_s = min(_RETRY_MOST_S, _RETRY_FIRST_S * 2 ** min(failures, 10))
                    with suppress(TimeoutError):
                        async with asyncio.timeout(pause_s if failures else _SAFETY_PERIOD_S):
                            await grown.wait()

    def _awaited(self) -> tuple[str, ...]:
        """Tell what the kinds begin with that wake it."""
        return self._prefixes

    async def _catch_up(self, failures: int) -> bool:
        """Advance to the end of the log; tell a failure when it starts and when it ends."""
        try:
            while handled := await self.advance():
                if self._rest_s and 1 < handled < _BATCH:
                    await asyncio.sleep(self._rest_s)
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
        held = "select seq from kernel.follower where name = %s for update"
        seq: int | None = await fetch_value(connection, held, (self.name,))
        if seq is None:
            await execute(
                connection,
                "insert into kernel.follower (name, seq) values (%s, 0) on conflict do nothing",
                (self.name,),
            )
            seq = await fetch_value(connection, held, (self.name,))
        return seq or 0

    async def _move(self, connection: Connection, seq: int) -> None:
        await execute(
            connection,
            "update kernel.follower set seq = greatest(seq, %s), moved_at = now() where name = %s",
            (seq, self.name),
        )


class Selection(Protocol):
    """What a handler has a use for, as far as it knows."""

    def kinds_awaited(self) -> tuple[str, ...] | None:
        """Return what the kinds begin with that it has a use for; nothing: all."""
        ...

    def stands_at(self, seq: int) -> bool:
        """Tell whether what it knows is what was so at a place in the log."""
        ...

    def passed(self, seq: int) -> None:
        """Note that nothing up to a place in the log was of use."""
        ...


class Follower(_Reader):
    """Hands each entry to a handler that writes to the database, once per commit of the cursor.

    The cursor moves in the transaction that the handler writes in: the effect happens exactly
    once. Two followers of one name take turns on the cursor's row.

    Args:
        name: Of its cursor.
        database: Where the log is.
        watch: Running.
        handler: Is handed the entries.
        selection: Tells which are of use; others are neither read nor do they wake it.
        rest_s: How long the log may grow after a batch of several that was not full: what comes
            alone is handled at once, and under load each commit takes more along.
    """

    def __init__(
        self,
        name: str,
        database: Database,
        watch: LogWatch,
        handler: Handler,
        selection: Selection | None = None,
        *,
        rest_s: float = 0.0,
    ) -> None:
        super().__init__(name, database, watch)
        self._rest_s = rest_s
        self._handler = handler
        self._selection = selection

    async def advance(self) -> int:
        """Handle one batch and move the cursor, in one commit."""
        async with self._database.transaction(EVERYTHING, by_key=True) as connection:
            before = await self._cursor(connection)
            kinds, selection = self._kinds(), self._selection
            if kinds is not None and selection is not None and selection.stands_at(before):
                return await self._advance_to(connection, before, kinds, selection)
            entries = await read_after(connection, before, _BATCH)
            if entries:
                await self._handler(connection, entries)
                await self._move(connection, entries[-1].seq)
            return len(entries)

    async def _advance_to(
        self, connection: Connection, before: int, kinds: tuple[str, ...], selection: Selection
    ) -> int:
        """Go to the next entry that is of use and no further: it may change what is."""
        entries, seq = await read_of_kinds(connection, kinds, before, 1)
        if entries:
            await self._handler(connection, entries)
        if seq > before:
            selection.passed(seq)
            await self._move(connection, seq)
        return len(entries)

    def _kinds(self) -> tuple[str, ...] | None:
        return None if self._selection is None else self._selection.kinds_awaited()

    def _awaited(self) -> tuple[str, ...]:
        kinds = self._kinds()
        return self._prefixes if kinds is None else kinds


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
        async with self._database.transaction(EVERYTHING, by_key=True) as connection:
            before = await self._cursor(connection)
            entries, seq = await read_of_kinds(connection, self._prefixes, before, _BATCH)
        if entries:
            await self._told(entries)
        if seq > before:
            async with self._database.transaction(EVERYTHING, by_key=True) as connection:
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
        async with self._database.transaction(EVERYTHING, by_key=True) as connection:
            if self._seq is None:
                self._seq = await last_seq(connection)
                return 0
            entries, seq = await read_of_kinds(connection, self._prefixes, self._seq, _BATCH)
        if entries:
            await self._told(entries)
        self._seq = seq
        return len(entries)
