"""Issue a month's statements, and be killed meanwhile."""

import asyncio
import sys

from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.operations import Operations
from beffroi.kernel.rights.model import PLATFORM
from beffroi.kernel.secrets import Secret
from beffroi.ledger.months import month_named
from beffroi.ledger.statement_service import StatementService
from tests.support.shared_accounts import KnownUse


async def main() -> None:
    url, month = Secret(sys.argv[1]), month_named(sys.argv[2])
    database, clock = Database(url), SystemClock()
    await database.open()
    service = StatementService(database, Operations(database, clock), KnownUse(), clock)
    sys.stdout.write("issuing\n")
    sys.stdout.flush()
    await service.issue(PLATFORM, month)
    sys.stdout.write("issued\n")
    sys.stdout.flush()
    await database.close()


asyncio.run(main())
