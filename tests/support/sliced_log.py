"""A log of small slices, on a clock of its own."""

from collections.abc import Sequence
from datetime import timedelta

from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Connection, Database, execute
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import Event, LogWatch, append, read_after
from beffroi.kernel.log.trimming import Holder, Keeping, LogKeeper
from tests.support.clocks import ManualClock

CHANGE, ACT = "exchange.entity_changed", "hosting.deployment_serving"
LEAST = 20


class Log:
    """A log of small slices, on a clock of its own."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = ManualClock(SystemClock().now())
        self.elsewhere: list[Holder] = []
        self.keeper = LogKeeper(
            database,
            LogWatch(database),
            self.clock,
            Keeping(changes=timedelta(days=7), acts=timedelta(days=365), least=LEAST),
            [self._elsewhere],
        )

    async def _elsewhere(self, _: Connection) -> Sequence[Holder]:
        return self.elsewhere

    async def append(self, kind: str, *subjects: str) -> None:
        async with self.database.transaction(EVERYTHING) as connection:
            await append(connection, *(Event(kind, one) for one in subjects))

    async def fill(self, slices: int) -> None:
        """Write so many changes that whole slices are full."""
        for _ in range(slices):
            await self.append(CHANGE, *map(str, range(LEAST)))
            await self.keeper.keep()

    async def subjects(self, kind: str) -> list[str]:
        async with self.database.transaction(EVERYTHING) as connection:
            entries = await read_after(connection, 0, 1_000_000)
        assert [one.seq for one in entries] == sorted({one.seq for one in entries})
        return [one.subject for one in entries if one.kind == kind]


async def sliced_log(database: Database) -> Log:
    """Make a log whose first slice is as short as the others."""
    made = Log(database)
    async with database.transaction(EVERYTHING) as connection:
        await execute(connection, "drop table kernel.log_1, kernel.log_4097")
        await execute(connection, "select kernel.make_log_slice(1, 21)")
        await execute(connection, "select kernel.make_log_slice(21, null)")
    await made.keeper.keep()
    return made
