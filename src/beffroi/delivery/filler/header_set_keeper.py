"""Header sets: each kept once in the index, from where nginx's configuration learns them."""

import asyncio
from typing import Final

from beffroi.delivery import page_index
from beffroi.delivery.filler.site_list import SiteList
from beffroi.delivery.header_sets import HeaderSet, NumberedSet
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING

_OK: Final = 200


class HeaderSetKeeper:
    """Remembers every header set that a page was kept with."""

    def __init__(self, database: Database, sites: SiteList) -> None:
        self._database = database
        self._sites = sites
        self._by_digest: dict[str, NumberedSet] = {}
        self._by_name: dict[str, NumberedSet] = {}
        self._keeping = asyncio.Lock()

    async def open(self) -> None:
        """Forget those of no use any more and read the others."""
        async with self._database.transaction(EVERYTHING) as connection:
            await page_index.drop_unused_header_sets(connection)
            found = await page_index.all_header_sets(connection)
        for one in found:
            self._remember(one)

    def find(self, name: str) -> HeaderSet:
        """Return a header set that a page is kept with."""
        return self._by_name[name].header_set

    def is_plain(self, name: str) -> bool:
        """Tell whether showing a file and its headers is all that an answer takes."""
        return self.find(name).status == _OK

    def is_learnt(self, name: str) -> bool:
        """Tell whether nginx knows a header set."""
        return self._sites.knows_header_set(name)

    async def keep(self, found: HeaderSet, application: str) -> NumberedSet | None:
        """Keep a header set before the first page that needs it.

        Returns:
            It with its number; nothing when there are too many of them.

        Raises:
            UnavailableError: PostgreSQL does not answer.
        """
        known = self._by_digest.get(found.digest)
        if known is not None:
            return known
        # Two transactions at once would choose the same number.
        async with self._keeping:
            if found.digest in self._by_digest:
                return self._by_digest[found.digest]
            async with self._database.transaction(EVERYTHING) as connection:
                kept = await page_index.keep_header_set(connection, found, application)
            if kept is not None:
                self._remember(kept)
        return kept

    def _remember(self, kept: NumberedSet) -> None:
        self._by_digest[kept.header_set.digest] = kept
        self._by_name[kept.name] = kept
