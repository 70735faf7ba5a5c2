"""What waits for endpoints, read for all that ask at the same moment by one statement."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from beffroi.exchange.subscriptions import delivery_store
from beffroi.exchange.subscriptions.delivery_store import Waiting
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Connection, Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import GroupCommit, Written


class Window(msgspec.Struct, frozen=True):
    """What may be sent to an endpoint now, the oldest first.

    Attributes:
        due_at: Where that is nothing: when the next may be; None: nothing waits at all.
    """

    waiting: Sequence[Waiting]
    due_at: datetime | None = None


class Windows:
    """Reads windows; ``run`` must be running."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._clock = clock
        self._reading = GroupCommit(database, EVERYTHING, self._read)

    async def run(self) -> None:
        """Read what is asked until cancelled."""
        await self._reading.run()

    async def of(self, endpoint: str, most: int) -> Window:
        """Return what may be sent to an endpoint.

        Raises:
            UnavailableError: PostgreSQL does not answer.
        """
        return await self._reading.submit((endpoint, most))

    async def _read(
        self, connection: Connection, asked: Sequence[tuple[str, int]]
    ) -> Written[Window]:
        found = await delivery_store.waiting_for(connection, dict(asked), self._clock.now())
        idle = [endpoint for endpoint, _ in asked if endpoint not in found]
        due = await delivery_store.next_retries(connection, idle) if idle else {}
        windows = [Window(found.get(one, ()), due.get(one)) for one, _ in asked]
        return Written(windows, [])
