"""Purges: recorded, done and told, so that no stale page is shown after the answer."""

import asyncio
import logging
from collections.abc import Sequence

from beffroi.delivery import page_index
from beffroi.delivery.filler.flights import Flights
from beffroi.delivery.filler.shelf import Shelf
from beffroi.delivery.page_keys import PageKey
from beffroi.delivery.page_model import Purge, PurgeKind
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING

_logger = logging.getLogger(__name__)


class Purging:
    """Has pages forgotten; a purge that was recorded is done, be it after a kill -9."""

    def __init__(self, database: Database, shelf: Shelf, flights: Flights) -> None:
        self._database = database
        self._shelf = shelf
        self._flights = flights

    async def finish_pending(self) -> None:
        """Do what an earlier life recorded and did not end."""
        async with self._database.transaction(EVERYTHING) as connection:
            pending = await page_index.pending_purges(connection)
        if pending:
            await self._carry_out(pending)

    async def purge(
        self,
        application: str,
        organisation: str,
        orders: Sequence[tuple[PurgeKind, str]],
        actor: str,
    ) -> int:
        """Forget what the orders name.

        Args:
            application: Whose pages.
            organisation: Who owns them.
            orders: Kind and value of each, as ``Purge`` tells them.
            actor: Who asked.

        Returns:
            How many pages were forgotten.

        Raises:
            UnavailableError: PostgreSQL does not answer; nobody knows what is done.
        """
        async with self._database.transaction(EVERYTHING) as connection:
            purges = [
                await page_index.record_purge(
                    connection, application, organisation, kind, value, actor
                )
                for kind, value in orders
            ]
        # A caller who leaves must not stop what was recorded.
        return await asyncio.shield(self._carry_out(purges))

    async def _carry_out(self, purges: Sequence[Purge]) -> int:
        # No page is committed or shown meanwhile: one without its row would be found by no purge.
        async with self._shelf.changing():
            counts, gone = await self._withdrawn(purges)
        for purge, count in zip(purges, counts, strict=True):
            _logger.info(
                "filler application=%s purge=%s value=%s pages=%s by=%s",
                purge.application,
                purge.kind,
                purge.value or "-",
                count,
                purge.actor,
            )
        return len(gone)

    async def _withdrawn(self, purges: Sequence[Purge]) -> tuple[list[int], set[PageKey]]:
        for purge in purges:
            self._flights.heed(purge)
        counts: list[int] = []
        gone: set[PageKey] = set()
        async with self._database.transaction(EVERYTHING) as connection:
            for purge in purges:
                keys = await page_index.matching_pages(connection, purge)
                self._shelf.withdraw(keys)
                counts.append(len(keys))
                gone.update(keys)
            await page_index.drop_pages(connection, sorted(gone))
            for purge, count in zip(purges, counts, strict=True):
                await page_index.end_purge(connection, purge.id, count)
        return counts, gone
