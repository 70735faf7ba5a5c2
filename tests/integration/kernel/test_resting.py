"""A follower that rests handles at once what comes alone, and under load takes more along."""

import asyncio
from collections.abc import Sequence

from beffroi.kernel.database import Connection, Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import Entry, Event, Follower, LogWatch, append
from tests.conftest import MakeDatabase
from tests.support.endings import ended
from tests.support.waiting import eventually


async def _append(database: Database, *subjects: str) -> None:
    async with database.transaction(EVERYTHING) as connection:
        await append(connection, *(Event("bus.late", one) for one in subjects))


async def test_after_several_the_log_may_grow_before_it_is_read_on(
    make_database: MakeDatabase,
) -> None:
    database = await make_database("kernel")
    batches: list[list[str]] = []

    async def handle(_: Connection, entries: Sequence[Entry]) -> None:
        batches.append([one.subject for one in entries])

    watch = LogWatch(database)
    follower = Follower("reader", database, watch, handle, rest_s=2.0)
    loops = [asyncio.create_task(one) for one in (watch.run(), follower.run())]
    try:
        for number in range(3):
            await _append(database, str(number))
            await eventually(lambda: len(batches) == number + 1, within_s=1.5)  # noqa: B023
        await _append(database, "3", "4")
        await eventually(lambda: len(batches) == 4, within_s=1.5)
        for number in range(5, 9):
            await _append(database, str(number))
        await eventually(lambda: len(batches) == 5)
    finally:
        for one in loops:
            await ended(one)
    assert batches == [["0"], ["1"], ["2"], ["3", "4"], ["5", "6", "7", "8"]]
