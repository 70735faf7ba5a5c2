"""An application's own rows, written one commit at a time and counted afterwards."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg

from tests.support.town import Town


class Ledger:
    """Writes to the database of an application, with the credentials that it was given."""

    def __init__(self, town: Town, environment: dict[str, str]) -> None:
        self.acknowledged: list[int] = []
        self._socket_folder = town.places.runtime / "postgresql"
        self._environment = environment
        self._next = 0

    async def connect(self, database: str = "") -> psycopg.AsyncConnection[tuple[Any, ...]]:
        """Connect as the application does; perhaps to a database that is not its own."""
        return await psycopg.AsyncConnection.connect(
            host=str(self._socket_folder),
            user=self._environment["PGUSER"],
            password=self._environment["PGPASSWORD"],
            dbname=database or self._environment["PGDATABASE"],
            autocommit=True,
            connect_timeout=5,
        )

    async def create(self) -> None:
        """Make the table."""
        async with await self.connect() as connection:
            await connection.execute("create table if not exists entry (number integer)")

    async def grows_to(self, count: int) -> bool:
        """Tell whether more rows than this were acknowledged."""
        return len(self.acknowledged) > count

    async def numbers(self) -> set[int]:
        """Return the rows that are there."""
        async with await self.connect() as connection:
            cursor = await connection.execute("select number from entry")
            return {row[0] for row in await cursor.fetchall()}

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Write a row per commit all the while; connect again whenever the server is gone."""
        task = asyncio.create_task(self._write())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _write(self) -> None:
        while True:
            with suppress(psycopg.OperationalError):
                async with await self.connect() as connection:
                    await self._write_over(connection)
            await asyncio.sleep(0.05)

    async def _write_over(self, connection: psycopg.AsyncConnection[tuple[Any, ...]]) -> None:
        while True:
            self._next += 1
            await connection.execute("insert into entry values (%s)", (self._next,))
            self.acknowledged.append(self._next)


async def ledger_of(town: Town, host: str) -> Ledger:
    """Open the ledger of the guichet that answers at a host."""
    return Ledger(town, (await town.get(host, "/environment")).json())
