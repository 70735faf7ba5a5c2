"""One listening connection per process that wakes whoever follows the log."""

import asyncio
import logging
from collections.abc import AsyncIterator
from collections.abc import Set as AbstractSet
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
        self._waiters: dict[asyncio.Event, tuple[str, ...]] = {}

    @asynccontextmanager
    async def waiter(self, prefixes: tuple[str, ...] = ("",)) -> AsyncIterator[asyncio.Event]:
        """Lend an event that is set when the log grows; the waiter clears it.

        Args:
            prefixes: What the kinds begin with that it waits for.
        """
        event = asyncio.Event()
        self._waiters[event] = prefixes
        try:
            yield event
        finally:
            del self._waiters[event]

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
                told = {one.payload async for one in connection.notifies(timeout=0)}
                self._wake({kind for payload in told for kind in payload.split(",")})

    def _wake(self, kinds: AbstractSet[str] | None = None) -> None:
        """Wake those who wait for some kinds; nothing told: all."""
        for event, prefixes in self._waiters.items():
            if kinds is None or any(kind.startswith(prefixes) for kind in kinds):
                event.set()
