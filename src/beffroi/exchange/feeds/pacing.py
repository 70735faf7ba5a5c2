"""Sending rows as time goes: what was measured then is sent as if it were measured now."""

import heapq
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, Final

import msgspec

from beffroi.exchange.feeds.late import NO_ATTRIBUTES, AskedPlatform, observed_at
from beffroi.exchange.feeds.sending import BATCH, Tally, send_rows
from beffroi.exchange.feeds.spool import Spool, SpooledRow
from beffroi.exchange.representation.instants import written_instant

_TICK_S: Final = 0.25
_BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)


class _Timed(msgspec.Struct, frozen=True, order=True):
    """A row with its time, and which feed it is of."""

    at: datetime
    feed: int
    row: Any = msgspec.field(default=None)


class Pace:
    """How fast time goes.

    Args:
        speed: Seconds of the rows in a second of ours.
        begins: What the first of their times becomes; nothing: they stay as they are.
        wait: Waits for seconds.
        passed_s: Seconds since some fixed point.
    """

    def __init__(
        self,
        speed: float,
        begins: datetime | None = None,
        wait: Callable[[float], None] = time.sleep,
        passed_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._speed = speed
        self._begins = begins
        self._wait = wait
        self._passed_s = passed_s

    def send(
        self, spools: Mapping[str, Spool], platform: AskedPlatform, told: Callable[[str, int], None]
    ) -> dict[str, Tally]:
        """Send rows of feeds together, each when its time comes; those without time go first.

        Args:
            spools: By feed.
            platform: Whom to.
            told: Is told the feed and how many of its rows are done.
        """
        names = list(spools)
        tallies = {name: Tally() for name in names}
        for due in self._due(list(spools.values())):
            for number, rows in groupby(due, key=lambda one: one.feed):
                name = names[number]
                sent = [one.row for one in rows]
                for start in range(0, len(sent), BATCH):
                    send_rows(sent[start : start + BATCH], platform, tallies[name])
                told(name, len(sent))
        return tallies

    def _due(self, spools: list[Spool]) -> Iterator[list[_Timed]]:
        """Give what is due, sorted by feed, once it is."""
        rows = heapq.merge(*(_timed(number, spool) for number, spool in enumerate(spools)))
        held: list[_Timed] = []
        first: datetime | None = None
        began_s = self._passed_s()
        for one in rows:
            if one.at > _BEFORE_ALL:
                first = first or one.at
                since_s = (one.at - first).total_seconds() / self._speed
                ahead_s = since_s - (self._passed_s() - began_s)
                if ahead_s > _TICK_S or len(held) >= BATCH:
                    yield _by_feed(held)
                    held = []
                    self._wait(max(0.0, ahead_s))
            held.append(self._moved(one, first))
        yield _by_feed(held)

    def _moved(self, one: _Timed, first: datetime | None) -> _Timed:
        if self._begins is None or first is None:
            return one
        row = msgspec.structs.replace(
            one.row, document=_shifted(one.row.document, self._begins - first)
        )
        return msgspec.structs.replace(one, row=row)


def _timed(number: int, spool: Spool) -> Iterator[_Timed]:
    for batch in spool.batches(BATCH):
        for row in batch:
            yield _Timed(_time_of(row), number, row)


def _time_of(row: SpooledRow) -> datetime:
    return next(
        (
            observed_at(value)
            for name, value in row.document.items()
            if name not in NO_ATTRIBUTES and "observedAt" in value
        ),
        _BEFORE_ALL,
    )


def _by_feed(rows: list[_Timed]) -> list[_Timed]:
    return sorted(rows, key=lambda one: one.feed)


def _shifted(document: Mapping[str, Any], by: timedelta) -> dict[str, Any]:
    return {
        name: {**value, "observedAt": written_instant(observed_at(value) + by)}
        if name not in NO_ATTRIBUTES and "observedAt" in value
        else value
        for name, value in document.items()
    }
