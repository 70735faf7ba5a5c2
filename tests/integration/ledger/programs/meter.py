"""Record readings of meters that never stand still, for ever; wait to be killed.

The meters are functions of the machine's clock: CPU time goes at half its speed. Whoever starts
the program again after a kill reads them on, as the platform does.
"""

import asyncio
import sys

from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.secrets import Secret
from beffroi.ledger.metering import Meter, MeterReading
from beffroi.ledger.metering_service import MeteringService
from tests.unit.ledger.meters import HOST

APPLICATIONS = 5


def shown_now(at_s: float, clock: SystemClock) -> list[MeterReading]:
    now = clock.now()
    found = [
        MeterReading(HOST.name, "", Meter.HOST_CPU_S, "boot", at_s * 3, now),
        MeterReading(HOST.name, "", Meter.HOST_ENERGY_J, "boot", at_s * 70, now),
    ]
    for number in range(APPLICATIONS):
        whose = (f"a{number}", "ville")
        found.append(MeterReading(*whose, Meter.CPU_S, "run", at_s / 2, now))
        found.append(MeterReading(*whose, Meter.REQUESTS, "run", int(at_s * 1000), now))
    return found


async def main() -> None:
    database, clock = Database(Secret(sys.argv[1])), SystemClock()
    await database.open()
    service = MeteringService(database)
    while True:
        readings = shown_now(clock.monotonic_s(), clock)
        await service.record(readings, [HOST])
        sys.stdout.write("recorded\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
