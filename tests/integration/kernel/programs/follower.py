"""Follow the log into a table that refuses to hold an entry twice; wait to be killed."""

import asyncio
import sys
from collections.abc import Sequence

from beffroi.kernel.database import Connection, Database, execute
from beffroi.kernel.log import Entry, Follower, LogWatch
from beffroi.kernel.secrets import Secret


async def copy(connection: Connection, entries: Sequence[Entry]) -> None:
    for entry in entries:
        await execute(
            connection,
            "insert into followed (seq, writer, number) values (%s, %s, %s)",
            (entry.seq, entry.subject, entry.body["number"]),
        )


async def main() -> None:
    database = Database(Secret(sys.argv[1]))
    await database.open()
    watch = LogWatch(database)
    follower = Follower("copier", database, watch, copy)
    sys.stdout.write("following\n")
    sys.stdout.flush()
    await asyncio.gather(watch.run(), follower.run())


asyncio.run(main())
