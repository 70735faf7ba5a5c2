"""Letting go of entries that nobody needs any more, slice by slice, and telling who holds the rest.

An entry goes when it is older than its kind is kept and everybody who reads the log for good has
read it. Whoever lags, or was forgotten, holds the log: nothing that it has not read ever goes.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import msgspec

from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Connection, Database, fetch_tuples
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError
from beffroi.kernel.log import slices
from beffroi.kernel.log.entries import last_seq, written_after
from beffroi.kernel.log.followers import let_go_of
from beffroi.kernel.log.wake import LogWatch

SLICES: Final = 32
"""Into how many parts the time that changes are kept is cut, more or less; none is longer."""
_LEAST, _MOST = 4_096, 64_000_000
_PERIOD_S: Final = 60.0
_AT_REST_S: Final = 3_600.0
_TOLD_EACH_S: Final = 86_400.0
_logger = logging.getLogger(__name__)


class Keeping(msgspec.Struct, frozen=True):
    """How long entries are kept.

    Attributes:
        changes: Those of entities and their history.
        acts: All others: what people and the platform itself did.
        least: How many entries a slice is for at least.
    """

    changes: timedelta
    acts: timedelta
    least: int = _LEAST


class Holder(msgspec.Struct, frozen=True):
    """Who reads the log, and how far it came.

    Attributes:
        name: Of a follower, or of a flow.
        seq: Of the last entry that it needs no more.
    """

    name: str
    seq: int


class Reader(msgspec.Struct, frozen=True):
    """Who reads the log, and what it has still to read.

    Attributes:
        name: Of a follower, or of a flow.
        behind: How many entries it has not read.
        unread_since: When the first of them was written; nothing: it has read all.
        follows: It is a follower: it has a cursor of the kernel's.
        holds: Without it some of the log would have gone.
    """

    name: str
    behind: int
    unread_since: datetime | None
    follows: bool
    holds: bool


class LogState(msgspec.Struct, frozen=True):
    """How the log fares.

    Attributes:
        first_seq: From it on every entry is there.
        first_at: When that one was written; nothing: there is none.
        bytes: What the log takes on the disk.
        readers: Who reads it, the furthest behind first.
    """

    first_seq: int
    first_at: datetime | None
    bytes: int
    readers: Sequence[Reader]

    @property
    def held_by(self) -> Sequence[Reader]:
        """Those without whom some of it would have gone."""
        return [one for one in self.readers if one.holds]


Holders = Callable[[Connection], Awaitable[Sequence[Holder]]]


async def followers(connection: Connection) -> Sequence[Holder]:
    """Return those who have a cursor of the kernel's."""
    rows = await fetch_tuples(connection, "select name, seq from kernel.follower order by name")
    return [Holder(*row) for row in rows]


class LogKeeper:
    """Makes room for what comes, lets go what is past; one process does.

    Args:
        database: Where the log is.
        watch: Running.
        clock: Says how old entries are.
        keeping: How long they are kept.
        holders: Each tells of others than followers who read the log for good.
    """

    def __init__(
        self,
        database: Database,
        watch: LogWatch,
        clock: Clock,
        keeping: Keeping,
        holders: Sequence[Holders] = (),
    ) -> None:
        self._database = database
        self._watch = watch
        self._clock = clock
        self._keeping = keeping
        self._holders = tuple(holders)
        self._told_at_s: float | None = None

    async def run(self) -> None:
        """Keep the log until cancelled; where nothing is written, once an hour."""
        async with self._watch.waiter() as grown:
            while True:
                grown.clear()
                try:
                    await self.keep()
                except BeffroiError as error:
                    _logger.info("log state=not_trimmed %s", error)
                await self._clock.sleep(_PERIOD_S)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_AT_REST_S - _PERIOD_S):
                        await grown.wait()

    async def keep(self) -> int:
        """Make slices ahead and let go of those that are past; return how many went.

        Raises:
            ConflictError: Somebody reads the log for long; what was not done is done next time.
        """
        await self._make_room()
        await self._close_old()
        gone = 0
        while await self._let_one_go():
            gone += 1
        while await self._forget_acts():
            pass
        if gone:
            _logger.info("log state=trimmed slices=%s", gone)
        await self._tell_of_holders()
        return gone

    async def state(self) -> LogState:
        """Tell how the log fares."""
        async with self._database.transaction(EVERYTHING) as connection:
            kept = await slices.kept_from(connection)
            past = await self._past(connection)
            filling = await slices.filling(connection)
            places = await self._places(connection)
            since = await written_after(connection, [held.seq for held, _ in places])
            readers = [
                Reader(
                    held.name,
                    filling.behind(held.seq),
                    since[held.seq],
                    follows=follows,
                    holds=past is not None and held.seq < past.last,
                )
                for held, follows in places
            ]
            return LogState(kept.seq, kept.at, await slices.bytes_of(connection), readers)

    async def let_go_of(self, name: str) -> bool:
        """Forget how far a follower came: the log waits for it no more; tell whether it was known.

        Should it read again, it begins with the first entry that is kept.
        """
        async with self._database.transaction(EVERYTHING) as connection:
            return await let_go_of(connection, name)

    async def _close_old(self) -> None:
        """Have a slice end that is filled for long: what it holds is let go as a whole."""
        async with self._database.transaction(EVERYTHING) as connection:
            one = await slices.filled_slice(connection)
            since = await slices.oldest_at(connection, one)
            if since and since <= self._clock.now() - self._keeping.changes / SLICES:
                await slices.move_on(connection, one)

    async def _make_room(self) -> None:
        async with self._database.transaction(EVERYTHING) as connection:
            if not await slices.is_short(connection):
                return
            last = await last_seq(connection)
            begun = [one for one in await slices.all_slices(connection) if one.low <= max(last, 1)]
            pace = await slices.pace_in(connection, begun[-1])
            wanted = int(pace * self._keeping.changes.total_seconds() / SLICES)
            await slices.lay_out(connection, max(self._keeping.least, min(_MOST, wanted)))

    async def _let_one_go(self) -> bool:
        async with self._database.transaction(EVERYTHING) as connection:
            prepared = await self._free(connection)
            if prepared is None:
                return False
            await slices.prepare_letting_go(connection, prepared)
        async with self._database.transaction(EVERYTHING) as connection:
            await slices.look_through_kept(connection)
        async with self._database.transaction(EVERYTHING) as connection:
            # Whoever goes back in the log meanwhile has either done so, or waits and finds it gone.
            await slices.hold(connection)
            one = await self._free(connection)
            if one is None or one != prepared:
                return False
            await slices.let_go(connection, one, self._clock.now() - self._keeping.acts)
            return True

    async def _forget_acts(self) -> bool:
        async with self._database.transaction(EVERYTHING) as connection:
            return await slices.forget_acts(connection, self._clock.now() - self._keeping.acts)

    async def _free(self, connection: Connection) -> slices.Slice | None:
        """Return the oldest slice where it is past and nobody needs it."""
        one = await self._past(connection)
        if one is None or any(held.seq < one.last for held, _ in await self._places(connection)):
            return None
        return one

    async def _past(self, connection: Connection) -> slices.Slice | None:
        """Return the oldest slice where all of it is older than changes are kept."""
        one = (await slices.all_slices(connection))[0]
        if one.last >= await last_seq(connection):
            return None
        newest = await slices.newest_at(connection, one)
        if newest is not None and newest > self._clock.now() - self._keeping.changes:
            return None
        return one

    async def _places(self, connection: Connection) -> Sequence[tuple[Holder, bool]]:
        """Return who reads the log, the furthest behind first, and whether it is a follower."""
        found = [(one, True) for one in await followers(connection)]
        found += [(one, False) for holders in self._holders for one in await holders(connection)]
        return sorted(found, key=lambda one: (one[0].seq, one[0].name))

    async def _tell_of_holders(self) -> None:
        """Warn, once a day, of who keeps the log from being trimmed."""
        now_s = self._clock.monotonic_s()
        if self._told_at_s is not None and now_s - self._told_at_s < _TOLD_EACH_S:
            return
        state = await self.state()
        for one in state.held_by:
            self._told_at_s = now_s
            _logger.warning(
                "log held_by=%r behind=%s log_mib=%s since=%s",
                one.name,
                one.behind,
                state.bytes >> 20,
                state.first_at,
            )
