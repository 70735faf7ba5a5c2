"""A follower passes over what it has no use for, and misses nothing that it has."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from beffroi.kernel.database import Connection, Database, fetch_value
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import Entry, Event, Follower, LogWatch, append
from tests.conftest import MakeDatabase
from tests.support.waiting import eventually

BELL, NOISE = "bus.bell", "bus.noise"


class _Sleeper:
    """Sleeps until a bell rings, and from then until the next one is given everything."""

    def __init__(self) -> None:
        self.given: list[str] = []
        self.is_asleep = True
        self.position: int | None = None

    async def handle(self, _: Connection, entries: Sequence[Entry]) -> None:
        self.position = entries[-1].seq
        for one in entries:
            self.given.append(one.subject)
            if one.kind == BELL:
                self.is_asleep = not self.is_asleep

    def kinds_awaited(self) -> tuple[str, ...] | None:
        return (BELL,) if self.is_asleep and self.position is not None else None

    def stands_at(self, seq: int) -> bool:
        return self.position == seq

    def passed(self, seq: int) -> None:
        self.position = seq


def _follower(database: Database, sleeper: _Sleeper) -> Follower:
    return Follower("reader", database, LogWatch(database), sleeper.handle, sleeper)


async def _append(database: Database, *told: tuple[str, str]) -> None:
    async with database.transaction(EVERYTHING) as connection:
        await append(connection, *(Event(kind, subject) for kind, subject in told))


async def _is_at_the_end(database: Database) -> bool:
    async with database.transaction(EVERYTHING) as connection:
        left: int = await fetch_value(
            connection, "select (select max(seq) from kernel.log) - seq from kernel.follower"
        )
        return left == 0


async def test_what_is_of_no_use_is_not_read_and_what_follows_a_use_is(
    make_database: MakeDatabase,
) -> None:
    database = await make_database("kernel")
    sleeper = _Sleeper()
    follower = _follower(database, sleeper)
    await _append(database, (NOISE, "first"))
    while await follower.advance():
        pass
    night = [(NOISE, f"night {number}") for number in range(700)]
    day = [(NOISE, f"day {number}") for number in range(600)]
    await _append(database, *night, (BELL, "wake"), *day, (BELL, "sleep"), *night)
    while await follower.advance():
        pass
    told_by_day = ["wake", *(subject for _, subject in day), "sleep"]
    assert sleeper.given[: len(told_by_day) + 1] == ["first", *told_by_day]
    await follower.advance()
    assert await _is_at_the_end(database)
    assert len(sleeper.given) < 1 + len(told_by_day) + 500


async def test_where_another_read_on_meanwhile_everything_is_read(
    make_database: MakeDatabase,
) -> None:
    database = await make_database("kernel")
    sleeper, other = _Sleeper(), _Sleeper()
    await _append(database, (NOISE, "first"))
    await _follower(database, sleeper).advance()
    await _append(database, (BELL, "wake"))
    await _follower(database, other).advance()
    await _append(database, (NOISE, "day"))
    assert await _follower(database, sleeper).advance() == 1
    assert (sleeper.given, other.given) == (["first", "day"], ["wake"])


async def test_a_bell_wakes_one_who_sleeps(make_database: MakeDatabase) -> None:
    database, sleeper = await make_database("kernel"), _Sleeper()
    watch = LogWatch(database)
    follower = Follower("reader", database, watch, sleeper.handle, sleeper)
    await _append(database, (NOISE, "first"))
    while await follower.advance():
        pass
    running = asyncio.gather(watch.run(), follower.run())
    await eventually(lambda: sleeper.given == ["first"])
    await _append(database, (NOISE, "night"))
    await _append(database, (BELL, "wake"))
    assert await eventually(lambda: "wake" in sleeper.given, within_s=2)
    await _append(database, (NOISE, "day"))
    assert await eventually(lambda: sleeper.given == ["first", "wake", "day"], within_s=2)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
