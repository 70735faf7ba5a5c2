"""Header sets: each kept once in the index, from where nginx's configuration learns them."""

from beffroi.delivery import page_index
from beffroi.delivery.header_sets import HeaderSet
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING


class HeaderSetKeeper:
    """Remembers every header set that a page was kept with."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, HeaderSet] = {}

    async def open(self) -> None:
        """Forget those of no use any more and read the others."""
        async with self._database.transaction(EVERYTHING) as connection:
            await page_index.drop_unused_header_sets(connection)
            found = await page_index.all_header_sets(connection)
        self._known = {one.digest: one for one in found}

    def find(self, digest: str) -> HeaderSet:
        """Return a header set that a page is kept with."""
        return self._known[digest]

    async def keep(self, found: HeaderSet, application: str) -> None:
        """Keep a header set before the first page that needs it.

        Raises:
            UnavailableError: PostgreSQL does not answer.
        """
        if found.digest in self._known:
            return
        async with self._database.transaction(EVERYTHING) as connection:
            await page_index.keep_header_set(connection, found, application)
        self._known[found.digest] = found
