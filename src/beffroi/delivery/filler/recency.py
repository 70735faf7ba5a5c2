"""Which stored pages visitors read: nginx shows them without asking, its log tells them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from beffroi.delivery.filler.shelf import Shelf
from beffroi.delivery.page_keys import PageKey
from beffroi.delivery.visit_log import Batch, Cursor, Served, VisitLog
from beffroi.kernel.clock import Clock

_PERIOD_S: Final = 30.0


class Recency:
    """Notes on the shelf what was read, so that the least read goes first."""

    def __init__(self, log: Path, shelf: Shelf, clock: Clock) -> None:
        self._log = VisitLog(log, clock)
        self._shelf = shelf
        self._clock = clock

    async def run(self) -> None:
        """Read on until cancelled; what was read before the start is not asked for."""
        cursor = await asyncio.to_thread(self._log.end)
        while True:
            await self._clock.sleep(_PERIOD_S)
            for batch in await asyncio.to_thread(self._read, cursor):
                cursor = batch.cursor
                self._note(batch)

    def _read(self, cursor: Cursor | None) -> Sequence[Batch]:
        return list(self._log.batches(cursor))

    def _note(self, batch: Batch) -> None:
        """The log keeps no query: of a path it is the plain page that counts as read."""
        for visit in batch.visits:
            if visit.served is Served.STORED:
                self._shelf.touch(PageKey(visit.host, visit.path, ""))
