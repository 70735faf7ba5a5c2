"""Feeds that the platform reads by itself: polls, folders, a partner's database."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
from msgspec import UNSET

from beffroi.exchange.feeds.declared import Feed
from beffroi.exchange.feeds.folders import FolderReport, FolderUnusableError, WatchedFolder
from beffroi.exchange.feeds.gathering import Gathered
from beffroi.exchange.feeds.polling import Validators
from beffroi.exchange.feeds.schedules import next_time
from beffroi.exchange.feeds.sources import AskedSources, position_of
from beffroi.exchange.feeds.spool import Spool, SpooledRow
from beffroi.exchange.feeds.writing import FeedWriter, Written
from beffroi.exchange.flows.journal import FlowJournal
from beffroi.exchange.flows.model import HeldFlow
from beffroi.exchange.flows.running import FlowPosition
from beffroi.kernel.catalogue import Language
from beffroi.kernel.clock import Clock
from beffroi.kernel.errors import InvalidInputError
from beffroi.territory.findings import Finding

_BATCH: Final = 500
_SQL_AT_ONCE: Final = 5_000
_LOOK_S: Final = 2.0
_SWEEP_S: Final = 3_600.0
_FEED: Final = msgspec.json.Decoder(Feed)


class RowsRefusedError(InvalidInputError):
    """A row of a feed tells nothing that can be kept."""


class FeedCarrying:
    """What the drivers of feeds share: rows on disk are written, and told to the journal."""

    def __init__(self, writer: FeedWriter, journal: FlowJournal, clock: Clock) -> None:
        self._writer = writer
        self._journal = journal
        self.clock = clock

    async def carry(self, flow: HeldFlow, gathered: Gathered) -> Written:
        """Write what was gathered, in the order of time; return what became of it.

        Raises:
            BeffroiError: The platform cannot write for now; what is written stays.
        """
        total = Written()
        context = await self._writer.context(flow.tenant, gathered.feed.context)
        batches = gathered.spool.batches(_BATCH)
        while rows := await asyncio.to_thread(_next, batches):
            written = await self._writer.write(flow.owner, flow.tenant, rows, context)
            total.changed += written.changed
            total.late += written.late
            total.refused += written.refused
            for one in written.refused:
                told = msgspec.json.encode(one.row.document).decode()
                self._journal.refused(flow.organisation, flow.name, one.error, told=told)
        self._tell(flow, gathered, total)
        return total

    def _tell(self, flow: HeldFlow, gathered: Gathered, total: Written) -> None:
        for finding in gathered.mistakes:
            self._journal.refused(
                flow.organisation, flow.name, _error_of(finding), told=str(finding.values)
            )
        unlisted = gathered.refused - len(gathered.mistakes)
        if unlisted:
            error = _error_of(gathered.mistakes[-1])
            self._journal.refused(flow.organisation, flow.name, error, count=unlisted)
        if carried := total.changed + total.late:
            self._journal.carried(flow.organisation, flow.name, carried, gathered.newest)
        else:
            self._journal.recovered(flow.organisation, flow.name)


class PollDriver:
    """Asks addresses by their schedules."""

    def __init__(self, carrying: FeedCarrying, sources: AskedSources) -> None:
        self._carrying = carrying
        self._sources = sources

    async def run(self, flow: HeldFlow, position: FlowPosition) -> None:
        """Ask until cancelled; what was asked before a crash is asked again as a whole."""
        feed = _FEED.decode(flow.declared)
        if feed.poll is UNSET:
            return
        kept = msgspec.convert(await position.read() or {}, _PollPosition)
        of = _digest(flow.declared)
        if kept.of != of:
            # What did not change there may tell something else by a changed declaration.
            kept = msgspec.structs.replace(kept, seen=Validators())
        while True:
            await self._carrying.clock.sleep(_pause_s(feed.poll.every, kept.asked_at, self._now()))
            with Spool() as spool:
                gathered = Gathered(feed, spool)
                seen = await self._sources.poll(flow.organisation, gathered, kept.seen)
                await self._carrying.carry(flow, gathered)
            kept = _PollPosition(asked_at=self._now(), seen=seen, of=of)
            await position.keep(msgspec.to_builtins(kept))

    def _now(self) -> datetime:
        return self._carrying.clock.now()


class SqlDriver:
    """Reads a partner's database from where it came to."""

    def __init__(self, carrying: FeedCarrying, sources: AskedSources) -> None:
        self._carrying = carrying
        self._sources = sources

    async def run(self, flow: HeldFlow, position: FlowPosition) -> None:
        """Read until cancelled; rows at the position itself are read again, and known."""
        feed = _FEED.decode(flow.declared)
        if feed.sql is UNSET:
            return
        kept = msgspec.convert(await position.read() or {}, _SqlPosition)
        of = _digest(msgspec.json.encode((feed.sql.connection, feed.sql.query, feed.sql.position)))
        if kept.of != of:
            kept = _SqlPosition(of=of)
        clock = self._carrying.clock
        while True:
            await clock.sleep(_pause_s(feed.sql.every, kept.asked_at, clock.now()))
            asked_at = clock.now()
            reached = await self._read(flow, feed, kept, position)
            kept = _SqlPosition(asked_at=asked_at, reached=reached, of=of)
            await position.keep(msgspec.to_builtins(kept))

    async def _read(
        self, flow: HeldFlow, feed: Feed, kept: "_SqlPosition", position: FlowPosition
    ) -> str | None:
        """Read to the end; keep where it came to every few thousand rows."""
        reached = kept.reached
        async with aclosing(self._sources.rows(flow.organisation, feed, reached)) as rows:
            ended = False
            while not ended:
                with Spool() as spool:
                    gathered = Gathered(feed, spool)
                    ended = True
                    async for row in rows:
                        gathered.add(row)
                        reached = position_of(feed, row) or reached
                        if gathered.read == _SQL_AT_ONCE:
                            ended = False
                            break
                    await self._carrying.carry(flow, gathered)
                now_at = msgspec.structs.replace(kept, reached=reached)
                await position.keep(msgspec.to_builtins(now_at))
        return reached


class FolderDriver:
    """Takes the files of folders as they come.

    Args:
        carrying: Writes what they hold.
        root: Where the folders are, below one for each organisation.
    """

    def __init__(self, carrying: FeedCarrying, root: Path) -> None:
        self._carrying = carrying
        self._root = root

    async def run(self, flow: HeldFlow, position: FlowPosition) -> None:
        """Look until cancelled; a file that a crash interrupted is read again as a whole."""
        del position
        feed = _FEED.decode(flow.declared)
        if feed.folder is UNSET:
            return
        # No organisation has that name.
        own = self._root / (flow.organisation or "-")
        watched = WatchedFolder(own / feed.folder, feed.pattern, own)
        swept_at_s = -_SWEEP_S
        while True:
            try:
                for file in await asyncio.to_thread(watched.whole):
                    await self._take(flow, feed, watched, file)
                if self._carrying.clock.monotonic_s() - swept_at_s >= _SWEEP_S:
                    swept_at_s = self._carrying.clock.monotonic_s()
                    before = self._carrying.clock.now() - timedelta(days=feed.done_days)
                    await asyncio.to_thread(watched.let_go, before)
            except OSError as error:
                reason = error.strerror or type(error).__name__
                raise FolderUnusableError(
                    "exchange.feed_folder_unusable", folder=feed.folder, reason=reason
                ) from error
            await self._carrying.clock.sleep(_LOOK_S)

    async def _take(self, flow: HeldFlow, feed: Feed, watched: WatchedFolder, file: Path) -> None:
        with Spool() as spool:
            gathered = Gathered(feed, spool)
            if not await asyncio.to_thread(watched.is_unchanged, file):
                return
            await asyncio.to_thread(gathered.add_file, file, feed.format)
            if not await asyncio.to_thread(watched.is_unchanged, file):
                # It was still being written: all of it is read again once it is whole.
                return
            gathered.tell_absent_columns()
            written = await self._carrying.carry(flow, gathered)
        mistakes = [one.as_json(Language.FR) for one in gathered.mistakes]
        mistakes += [
            {"line": one.row.line, "code": one.error.code, "message": str(one.error)}
            for one in written.refused
        ]
        report = FolderReport(
            file=file.name,
            read_at=self._carrying.clock.now(),
            rows=gathered.read,
            changed=written.changed,
            late=written.late,
            refused=gathered.refused + len(written.refused),
            mistakes=mistakes,
        )
        await asyncio.to_thread(watched.put_away, file, report)


class _PollPosition(msgspec.Struct, frozen=True):
    """When an address was asked last, and what it said then.

    Attributes:
        of: Tells declarations from one another.
    """

    asked_at: datetime | None = None
    seen: Validators = Validators()
    of: str = ""


class _SqlPosition(msgspec.Struct, frozen=True):
    """When a database was asked last, and where its rows came to.

    Attributes:
        of: Tells queries from one another.
    """

    asked_at: datetime | None = None
    reached: str | None = None
    of: str = ""


def _pause_s(every: str, asked_at: datetime | None, now: datetime) -> float:
    # A clock that was ahead has been set meanwhile.
    if asked_at is None or asked_at > now:
        return 0.0
    return max(0.0, (next_time(every, asked_at) - now).total_seconds())


def _digest(declared: bytes) -> str:
    return sha256(declared).hexdigest()


def _next(batches: Iterator[Sequence[SpooledRow]]) -> Sequence[SpooledRow]:
    return next(batches, ())


def _error_of(finding: Finding) -> RowsRefusedError:
    return RowsRefusedError(finding.code, **finding.values)
