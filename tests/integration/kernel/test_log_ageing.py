"""Slices that end by their age, and readers that are let go of."""

import asyncio

import pytest

from beffroi.kernel.database import Database, execute
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import Event, append
from beffroi.kernel.log.entries import last_seq
from beffroi.kernel.log.trimming import Holder
from tests.support.sliced_log import CHANGE, LEAST, Log, sliced_log

DAY_S = 86_400


@pytest.fixture
async def log(database: Database) -> Log:
    """A log whose first slice is as short as the others."""
    return await sliced_log(database)


async def test_a_slice_that_is_filled_slowly_ends_by_its_age_and_goes_with_what_it_has(
    log: Log,
) -> None:
    await log.append(CHANGE, "quiet", "town")
    log.clock.move(DAY_S / 8)
    await log.keeper.keep()
    await log.append(CHANGE, "same slice")
    log.clock.move(DAY_S / 8)
    await log.keeper.keep()
    await log.keeper.keep()
    await log.append(CHANGE, "next slice")
    log.clock.move(7 * DAY_S)
    assert await log.keeper.keep() == 1
    assert await log.subjects(CHANGE) == ["next slice"]
    async with log.database.transaction(EVERYTHING) as connection:
        assert await last_seq(connection) == LEAST + 1


async def test_numbers_left_out_are_not_counted_as_entries_to_read(log: Log) -> None:
    await log.append(CHANGE, "a", "b", "c")
    log.clock.move(DAY_S)
    await log.keeper.keep()
    await log.append(CHANGE, "d")
    log.elsewhere = [Holder("behind", 1), Holder("between", LEAST), Holder("done", LEAST + 1)]
    found = {one.name: one for one in (await log.keeper.state()).readers}
    assert {name: one.behind for name, one in found.items()} == {
        "behind": 3,
        "between": 1,
        "done": 0,
    }
    assert found["done"].unread_since is None
    assert found["behind"].unread_since is not None


async def test_a_slice_is_not_ended_under_whoever_appends(log: Log) -> None:
    await log.append(CHANGE, "a")
    log.clock.move(DAY_S)
    async with log.database.transaction(EVERYTHING) as connection:
        await append(connection, *(Event(CHANGE, str(number)) for number in range(LEAST)))
        closing = asyncio.create_task(log.keeper.keep())
        await asyncio.sleep(0.2)
    await closing
    await log.append(CHANGE, "z")
    async with log.database.transaction(EVERYTHING) as connection:
        assert await last_seq(connection) == LEAST + 2


async def test_whoever_is_let_go_of_holds_the_log_no_more(log: Log) -> None:
    await log.fill(3)
    async with log.database.transaction(EVERYTHING) as connection:
        await execute(connection, "insert into kernel.follower values ('forgotten', 0)")
    log.clock.move(8 * DAY_S)
    assert await log.keeper.keep() == 0
    (told,) = (await log.keeper.state()).readers
    assert (told.behind, told.follows, told.holds) == (3 * LEAST, True, True)
    assert await log.keeper.let_go_of("forgotten")
    assert not await log.keeper.let_go_of("forgotten")
    assert await log.keeper.keep() == 2
