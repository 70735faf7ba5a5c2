"""Work that one process at a time does, with a connection that wakes it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import psycopg

from beffroi.kernel.database.pool import Connection, Database
from beffroi.kernel.errors import UnavailableError
from beffroi.kernel.readiness import readable

_logger = logging.getLogger(__name__)
_RETRY_S: Final = 1.0

Work = Callable[[asyncio.Event], Awaitable[None]]


async def lead(database: Database, lock: int, channel: str, work: Work) -> None:
    """Do work while no other process does it, until cancelled.

    The lock is that of a connection: when the process dies, PostgreSQL frees it at once. When the
    connection is lost the work is cancelled, and may for a moment overlap with that of another.

    Args:
        database: Whose lock it is.
        lock: The key of an advisory lock.
        channel: Whose notifications wake the work.
        work: Gets the event that they set; ends when it is cancelled.
    """
    while True:
        try:
            connection = await database.dedicated()
            async with connection:
                await _take(connection, lock)
                await connection.execute(f"listen {channel}".encode())
                _logger.info("leading channel=%s state=started", channel)
                await _work(connection, work)
        except* (psycopg.OperationalError, UnavailableError, TimeoutError):
            _logger.info("leading channel=%s state=lost retry_in_s=%s", channel, _RETRY_S)
        await asyncio.sleep(_RETRY_S)


async def _take(connection: Connection, lock: int) -> None:
    while True:
        cursor = await connection.execute("select pg_try_advisory_lock(%s)", (lock,))
        row = await cursor.fetchone()
        if row is not None and row[0]:
            return
        await asyncio.sleep(_RETRY_S)


async def _work(connection: Connection, work: Work) -> None:
    woken = asyncio.Event()
    working = asyncio.ensure_future(work(woken))
    listening = asyncio.ensure_future(_listen(connection, woken))
    try:
        done, _ = await asyncio.wait({working, listening}, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()
    finally:
        for one in (working, listening):
            one.cancel()
        for one in (working, listening):
            with suppress(asyncio.CancelledError, Exception):
                await one


async def _listen(connection: Connection, woken: asyncio.Event) -> None:
    while True:
        # A connection whose other end is gone becomes readable too: TCP looks after that.
        await readable(connection.fileno())
        async for _ in connection.notifies(timeout=0):
            woken.set()
