"""Writers that arrive together are committed together, and fail alone."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from beffroi.kernel.database import Connection, Database, Scope, execute, fetch_value
from beffroi.kernel.database.migrations import migrate
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import ConflictError, UnavailableError
from beffroi.kernel.log import Event, GroupCommit, Written
from tests.support.postgres import PostgresServer
from tests.support.waiting import eventually

Write = Callable[[Connection], Awaitable[Sequence[Event]]]


async def _write_each(connection: Connection, writes: Sequence[Write]) -> Written[None]:
    events = [event for write in writes for event in await write(connection)]
    return Written([None] * len(writes), events)


def _group(
    database: Database, scope: Scope = EVERYTHING, *, capacity: int = 10_000
) -> GroupCommit[Write, None]:
    return GroupCommit(database, scope, _write_each, capacity=capacity)


@asynccontextmanager
async def _running(group: GroupCommit[Write, None]) -> AsyncIterator[GroupCommit[Write, None]]:
    task = asyncio.create_task(group.run())
    try:
        yield group
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def measured(database: Database) -> Database:
    """A database with a table whose numbers are unique."""
    await _create_table(database)
    return database


async def _create_table(database: Database) -> None:
    async with database.transaction(EVERYTHING) as connection:
        await execute(connection, "create table measure (number int primary key)")


def _measure(number: int) -> Write:
    async def write(connection: Connection) -> Sequence[Event]:
        await execute(connection, "insert into measure values (%s)", (number,))
        return [Event("measure.taken", f"{number}")]

    return write


async def _numbers(database: Database, statement: str) -> list[int]:
    async with database.transaction(EVERYTHING) as connection:
        cursor = await connection.execute(statement.encode())
        return [int(row[0]) for row in await cursor.fetchall()]


async def _measures(database: Database) -> list[int]:
    return await _numbers(database, "select number from measure order by 1")


async def _announced(database: Database) -> list[int]:
    return await _numbers(database, "select subject from kernel.log order by seq")


async def test_a_write_is_committed_when_submit_returns(measured: Database) -> None:
    async with _running(_group(measured)) as group:
        await group.submit(_measure(1))
        assert await _measures(measured) == [1]
        assert await _announced(measured) == [1]


async def test_writers_that_arrive_together_share_one_transaction(measured: Database) -> None:
    transactions: set[int] = set()

    def noted(number: int) -> Write:
        async def write(connection: Connection) -> Sequence[Event]:
            transactions.add(await fetch_value(connection, "select txid_current()"))
            return await _measure(number)(connection)

        return write

    async with _running(_group(measured)) as group:
        await asyncio.gather(*(group.submit(noted(number)) for number in range(100)))
    assert len(transactions) == 1
    assert await _measures(measured) == list(range(100))
    assert await _announced(measured) == list(range(100))


async def test_a_bad_write_fails_alone_and_all_or_nothing(measured: Database) -> None:
    async def half(connection: Connection) -> Sequence[Event]:
        await execute(connection, "insert into measure values (1000)")
        raise ZeroDivisionError

    async with _running(_group(measured)) as group:
        writes = [_measure(1), half, _measure(2), _measure(1), _measure(3)]
        outcomes = await asyncio.gather(*map(group.submit, writes), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [
        type(None),
        ZeroDivisionError,
        type(None),
        ConflictError,
        type(None),
    ]
    assert await _measures(measured) == [1, 2, 3]
    assert await _announced(measured) == [1, 2, 3]


async def test_an_event_that_the_log_refuses_takes_its_own_write_with_it(
    measured: Database,
) -> None:
    async def unprintable(connection: Connection) -> Sequence[Event]:
        await execute(connection, "insert into measure values (1000)")
        return [Event("measure.taken", "\0")]

    async with _running(_group(measured)) as group:
        writes = [_measure(1), unprintable, _measure(2)]
        outcomes = await asyncio.gather(*map(group.submit, writes), return_exceptions=True)
    assert [outcome is None for outcome in outcomes] == [True, False, True]
    assert await _measures(measured) == [1, 2]


async def test_a_group_writes_within_its_scope(measured: Database) -> None:
    async def foreign(_: Connection) -> Sequence[Event]:
        return [Event("measure.taken", "1", "hellemmes")]

    async def own(_: Connection) -> Sequence[Event]:
        return [Event("measure.taken", "2", "lomme")]

    async with _running(_group(measured, Scope(organisation="lomme"))) as group:
        outcomes = await asyncio.gather(
            group.submit(foreign), group.submit(own), return_exceptions=True
        )
    assert outcomes[0] is not None
    assert outcomes[1] is None
    assert await _announced(measured) == [2]


async def test_a_writer_that_gave_up_does_not_hurt_the_others(measured: Database) -> None:
    async with _running(_group(measured)) as group:
        leaving = asyncio.create_task(group.submit(_measure(1)))
        staying = asyncio.create_task(group.submit(_measure(2)))
        await asyncio.sleep(0)
        leaving.cancel()
        await staying
    assert 2 in await _measures(measured)


async def test_more_writes_than_the_queue_holds_are_refused_at_once(measured: Database) -> None:
    group = _group(measured, capacity=10)
    waiting = [asyncio.create_task(group.submit(_measure(number))) for number in range(10)]
    await asyncio.sleep(0)
    with pytest.raises(UnavailableError) as caught:
        await group.submit(_measure(10))
    assert caught.value.code == "kernel.writes_overflow"
    async with _running(group):
        await asyncio.gather(*waiting)
    assert await _measures(measured) == list(range(10))


async def test_writers_are_told_when_the_loop_ends_before_their_commit(measured: Database) -> None:
    async def never_ends(connection: Connection) -> Sequence[Event]:
        await _measure(0)(connection)
        await asyncio.Event().wait()
        return []

    group = _group(measured)
    async with _running(group):
        writes = [never_ends, _measure(1), _measure(2)]
        waiting = [asyncio.create_task(group.submit(write)) for write in writes]
        await asyncio.sleep(0.01)
    async with asyncio.timeout(2):
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(outcome, UnavailableError) for outcome in outcomes)
    assert await _measures(measured) == []


async def test_a_deadlock_with_another_transaction_hurts_no_writer(measured: Database) -> None:
    await _rows(measured, 1, 2)
    other_holds, group_holds = asyncio.Event(), asyncio.Event()

    async def grow(connection: Connection) -> Sequence[Event]:
        await execute(connection, "update measure set number = number + 10 where number = 1")
        group_holds.set()
        await other_holds.wait()
        await execute(connection, "update measure set number = number + 10 where number = 2")
        return []

    async def other() -> None:
        with suppress(ConflictError):
            async with measured.transaction(EVERYTHING) as connection:
                await execute(connection, "select from measure where number = 2 for update")
                other_holds.set()
                await group_holds.wait()
                await execute(connection, "select from measure where number = 1 for update")

    async with _running(_group(measured)) as group:
        await asyncio.gather(group.submit(grow), group.submit(_measure(5)), other())
    assert await _measures(measured) == [5, 11, 12]


async def test_a_write_that_others_kept_from_its_rows_is_tried_again(measured: Database) -> None:
    await _rows(measured, 1)
    held, tried_again = asyncio.Event(), asyncio.Event()
    tries = 0

    async def grow(connection: Connection) -> Sequence[Event]:
        nonlocal tries
        tries += 1
        if tries > 1:
            tried_again.set()
        await execute(connection, "set local lock_timeout = '200ms'")
        await execute(connection, "update measure set number = 11 where number = 1")
        return []

    async def other() -> None:
        async with measured.transaction(EVERYTHING) as connection:
            await execute(connection, "select from measure where number = 1 for update")
            held.set()
            await tried_again.wait()

    holding = asyncio.create_task(other())
    await held.wait()
    async with _running(_group(measured)) as group:
        await group.submit(grow)
    await holding
    assert await _measures(measured) == [11]


async def _rows(database: Database, *numbers: int) -> None:
    async with database.transaction(EVERYTHING) as connection:
        for number in numbers:
            await execute(connection, "insert into measure values (%s)", (number,))


@pytest.fixture
async def durable(postgres: PostgresServer) -> AsyncIterator[Database]:
    """A database on a server of the test's own, with a table that takes a number twice."""
    database = Database(await postgres.create_database("durable"))
    await database.open()
    await migrate(database, ("kernel",))
    async with database.transaction(EVERYTHING) as connection:
        await execute(connection, "create table measure (number int)")
    yield database
    await database.close()


async def test_a_commit_whose_answer_is_lost_is_told_and_not_tried_again(
    postgres: PostgresServer, durable: Database
) -> None:
    """The server waits for a standby that is not there: committed on its disk, not answered."""
    answerless = "from pg_stat_activity where wait_event = 'SyncRep'"
    async with await postgres.admin() as admin, _running(_group(durable)) as group:
        await admin.execute("alter system set synchronous_standby_names = 'nobody'")
        await admin.execute("select pg_reload_conf()")
        await eventually(lambda: _shown(admin, "synchronous_standby_names", "nobody"))
        writers = [asyncio.create_task(group.submit(_measure(number))) for number in range(3)]
        await eventually(lambda: fetch_value(admin, f"select count(*) {answerless}"))
        await execute(admin, f"select pg_terminate_backend(pid) {answerless}")
        async with asyncio.timeout(5):
            outcomes = await asyncio.gather(*writers, return_exceptions=True)
        await admin.execute("alter system reset synchronous_standby_names")
        await admin.execute("select pg_reload_conf()")
    assert all(isinstance(outcome, UnavailableError) for outcome in outcomes)
    assert await _measures(durable) == [0, 1, 2]


async def _shown(connection: Connection, setting: str, value: str) -> bool:
    return bool(await fetch_value(connection, "select current_setting(%s)", (setting,)) == value)


async def test_what_was_acknowledged_outlives_kills_of_the_server_and_nothing_is_doubled(
    postgres: PostgresServer, durable: Database
) -> None:
    acknowledged: list[int] = []
    refused: list[int] = []
    numbers = iter(range(10_000_000))
    stopped = asyncio.Event()

    async def submit_for_ever(group: GroupCommit[Write, None]) -> None:
        while not stopped.is_set():
            number = next(numbers)
            try:
                await group.submit(_measure(number))
            except UnavailableError:
                refused.append(number)
                await asyncio.sleep(0.01)
            else:
                acknowledged.append(number)

    async def more_acknowledged() -> None:
        before = len(acknowledged)
        await eventually(lambda: len(acknowledged) > before + 50, within_s=20)

    chance = random.Random(20260302)  # noqa: S311
    async with _running(_group(durable)) as group:
        writers = [asyncio.create_task(submit_for_ever(group)) for _ in range(40)]
        for _ in range(4):
            await more_acknowledged()
            await asyncio.sleep(chance.uniform(0, 0.05))
            await postgres.restart()
        await more_acknowledged()
        stopped.set()
        await asyncio.gather(*writers)
    kept, announced = await _measures(durable), await _announced(durable)
    assert len(kept) == len(set(kept))
    assert set(acknowledged) <= set(kept)
    assert set(kept) <= set(acknowledged) | set(refused)
    assert sorted(announced) == kept
    assert refused
