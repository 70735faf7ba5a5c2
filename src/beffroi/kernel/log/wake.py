"""One listening connection per process that wakes whoever follows the log."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psycopg

from beffroi.kernel.database import Connection, Database
from beffroi.kernel.errors import UnavailableError
from beffroi.kernel.log.entries import CHANNEL
from beffroi.kernel.readiness import readable

_logger = logging.getLogger(__name__)
_RETRY_S = 1.0


class LogWatch:
    """Tells its waiters that the log has grown; a lost connection wakes them too."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiters: set[asyncio.Event] = set()

    @asynccontextmanager
    async def waiter(self) -> AsyncIterator[asyncio.Event]:
        """Lend an event that is set at each growth of the log; the waiter clears it."""
        event = asyncio.Event()
        self._waiters.add(event)
        try:
            yield event
        finally:
            self._waiters.discard(event)

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            with suppress(psycopg.OperationalError, UnavailableError):
                await self._listen(await self._database.dedicated())
            _logger.info("log.listen state=lost retry_in_s=%s", _RETRY_S)
            self._wake()
            await asyncio.sleep(_RETRY_S)

    async def _listen(self, connection: Connection) -> None:
        async with connection:
            await connection.execute(f"listen {CHANNEL}")
            self._wake()
            while True:
                # psycopg alone would look ten times a second.
                await readable(connection.fileno())
                async for _ in connection.notifies(timeout=0):
                    pass
                self._wake()

    def _wake(self) -> None:
        for event in self._waiters:
            event.set()
