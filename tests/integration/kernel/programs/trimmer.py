"""Make slices and let them go for ever, as fast as it goes; wait to be killed."""

import asyncio
import sys
from contextlib import suppress
from datetime import timedelta

from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.errors import ConflictError
from beffroi.kernel.log import LogWatch
from beffroi.kernel.log.trimming import Keeping, LogKeeper
from beffroi.kernel.secrets import Secret


async def main() -> None:
    database = Database(Secret(sys.argv[1]))
    await database.open()
    keeping = Keeping(changes=timedelta(0), acts=timedelta(0), least=20)
    keeper = LogKeeper(database, LogWatch(database), SystemClock(), keeping)
    sys.stdout.write("trimming\n")
    sys.stdout.flush()
    while True:
        with suppress(ConflictError):
            await keeper.keep()
        await asyncio.sleep(0.01)


asyncio.run(main())
