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
        is_all: Nothing else may be sent now.
        due_at: Where that is so: when the next may be; None: nothing else waits at all.
    """

    waiting: Sequence[Waiting]
    is_all: bool
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
        now = self._clock.now()
        # One more than is asked for, which tells whether there is more.
        looked_for = {endpoint: most + 1 for endpoint, most in asked}
        found = await delivery_store.waiting_for(connection, looked_for, now)
        all_of = [endpoint for endpoint, most in asked if len(found.get(endpoint, ())) <= most]
        due = await delivery_store.next_retries(connection, all_of, now) if all_of else {}
        ended = frozenset(all_of)
        windows = [
            Window(found.get(endpoint, ())[:most], endpoint in ended, due.get(endpoint))
            for endpoint, most in asked
        ]
        return Written(windows, [])
