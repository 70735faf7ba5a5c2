"""A durable PostgreSQL with the tables of parts of the platform, for the length of one bench."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.postgres import PostgresServer

from beffroi.kernel.database import Database
from beffroi.kernel.database.migrations import migrate


@asynccontextmanager
async def scratch_database(parts: tuple[str, ...] = ("kernel",)) -> AsyncIterator[Database]:
    """Start a server with its default settings (fsync on) and open a migrated database."""
    server = PostgresServer()
    await server.create()
    try:
        database = Database(await server.create_database("bench"))
        await database.open()
        await migrate(database, parts)
        yield database
        await database.close()
    finally:
        await server.stop()
        server.remove()
