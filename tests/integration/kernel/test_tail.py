"""A process hears from the log what the others changed."""

from collections.abc import Sequence

import pytest

from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import UnavailableError
from beffroi.kernel.log import Entry, Event, LogWatch, Tail, append


async def test_a_tail_tells_what_is_of_its_kinds_and_newer_than_itself(
    database: Database,
) -> None:
    told: list[str] = []

    async def tell(entries: Sequence[Entry]) -> None:
        told.extend(entry.subject for entry in entries)

    tail = Tail("tail", database, LogWatch(database), ("kept.changed",), tell)
    async with database.transaction(EVERYTHING) as connection:
        await append(connection, Event("kept.changed", "before"))
    assert await tail.advance() == 0
    async with database.transaction(EVERYTHING) as connection:
        await append(connection, Event("kept.changed", "one"), Event("other.changed", "two"))

    assert [await tail.advance(), await tail.advance()] == [1, 0]
    assert told == ["one"]


async def test_a_tail_tells_again_what_could_not_be_told(database: Database) -> None:
    told: list[str] = []
    errors: list[Exception] = [UnavailableError("delivery.filler_away")]

    async def tell(entries: Sequence[Entry]) -> None:
        if errors:
            raise errors.pop()
        told.extend(entry.subject for entry in entries)

    tail = Tail("tail", database, LogWatch(database), ("bus.late",), tell)
    await tail.advance()
    async with database.transaction(EVERYTHING) as connection:
        await append(connection, Event("bus.late", "one"))
    with pytest.raises(UnavailableError):
        await tail.advance()

    assert await tail.advance() == 1
    assert told == ["one"]
