"""A process that counts a log again and again until it is killed."""

import asyncio
import sys
from pathlib import Path

from beffroi.delivery.results_service import ResultsCollector
from beffroi.delivery.visit_log import VisitLog
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.secrets import Secret
from tests.integration.delivery.stage import HeldTerritory
from tests.unit.delivery.territories import application, territory

DECLARED = territory(
    application("site", "site.ville.localhost"), application("bus", "bus.ville.localhost")
)


async def count(log: Path, url: str) -> None:
    """Count for ever; tell that counting began."""
    database = Database(Secret(url))
    await database.open()
    held = HeldTerritory()
    held.held = DECLARED
    collector = ResultsCollector(database, held, VisitLog(log, SystemClock()))
    print("counting", flush=True)  # noqa: T201 - the test waits for it
    while True:
        await collector.count_visits()
        await asyncio.sleep(0)


if __name__ == "__main__":
    asyncio.run(count(Path(sys.argv[1]), sys.stdin.readline().strip()))
