"""Append to the log for ever, in transactions of several events; wait to be killed.

Each transaction also writes what it appends into a table of its own, to compare with.
"""

import asyncio
import random
import sys

from beffroi.kernel.database import Database, execute
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import Event, append
from beffroi.kernel.secrets import Secret


async def write(database: Database, name: str) -> None:
    number = 0
    while True:
        size = random.randint(1, 4)  # noqa: S311
        numbers = range(number, number + size)
        async with database.transaction(EVERYTHING) as connection:
            for one in numbers:
                await execute(
                    connection,
                    "insert into decided (writer, number) values (%s, %s)",
                    (name, one),
                )
            await asyncio.sleep(random.uniform(0, 0.004))  # noqa: S311
            await append(
                connection, *(Event("count.grew", name, body={"number": one}) for one in numbers)
            )
            await asyncio.sleep(random.uniform(0, 0.002))  # noqa: S311
        number += size


async def main() -> None:
    url, name = Secret(sys.argv[1]), sys.argv[2]
    database = Database(url)
    await database.open()
    sys.stdout.write("writing\n")
    sys.stdout.flush()
    await asyncio.gather(*(write(database, f"{name}-{side}") for side in range(3)))


asyncio.run(main())
