"""The database door: what a transaction sees, and which errors come out of it."""

import asyncio

import msgspec
import pytest

from beffroi.kernel.database import (
    Database,
    Scope,
    execute,
    fetch_all,
    fetch_one,
    fetch_optional,
    fetch_value,
)
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import ConflictError, UnavailableError
from beffroi.kernel.log import Event, append
from beffroi.kernel.log.entries import Entry, read_after
from beffroi.kernel.secrets import Secret
from tests.support.postgres import PostgresServer

LOMME, HELLEMMES = Scope(organisation="lomme"), Scope(organisation="hellemmes")


class Pair(msgspec.Struct, frozen=True):
    left: int
    right: str


async def _note(database: Database, organisation: str) -> None:
    async with database.transaction(EVERYTHING) as connection:
        await append(connection, Event("bus.late", "line-3", organisation))


async def _seen(database: Database, scope: Scope) -> list[str]:
    async with database.transaction(scope) as connection:
        entries = await fetch_all(connection, Entry, "select * from kernel.log order by seq")
    return [entry.organisation for entry in entries]


async def test_the_role_of_the_tests_is_held_by_row_level_security(database: Database) -> None:
    async with database.transaction(EVERYTHING) as connection:
        bypasses = await fetch_value(
            connection,
            "select rolsuper or rolbypassrls from pg_roles where rolname = current_user",
        )
    assert bypasses is False


async def test_a_query_without_filter_shows_one_organisation_only(database: Database) -> None:
    for organisation in ("lomme", "hellemmes", "lomme", ""):
        await _note(database, organisation)
    assert await _seen(database, LOMME) == ["lomme", "lomme"]
    assert await _seen(database, HELLEMMES) == ["hellemmes"]
    assert await _seen(database, EVERYTHING) == ["lomme", "hellemmes", "lomme", ""]


async def test_an_empty_scope_shows_nothing_at_all(database: Database) -> None:
    await _note(database, "lomme")
    await _note(database, "")
    assert await _seen(database, Scope()) == []


async def test_a_connection_that_was_bound_to_nothing_shows_nothing(database: Database) -> None:
    await _note(database, "lomme")
    async with await database.dedicated() as connection:
        assert await fetch_value(connection, "select count(*) from kernel.log") == 0


async def test_a_scope_does_not_stay_on_the_connection(database: Database) -> None:
    await _note(database, "lomme")
    for _ in range(20):
        assert len(await _seen(database, EVERYTHING)) == 1
        assert await _seen(database, HELLEMMES) == []


async def test_one_organisation_cannot_write_for_another(database: Database) -> None:
    with pytest.raises(Exception, match="row-level security"):
        async with database.transaction(LOMME) as connection:
            await append(connection, Event("bus.late", "line-3", "hellemmes"))
    assert await _seen(database, EVERYTHING) == []


async def test_an_exception_rolls_the_transaction_back(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with database.transaction(EVERYTHING) as connection:
            await append(connection, Event("bus.late", "line-3", "lomme"))
            raise ZeroDivisionError
    assert await _seen(database, EVERYTHING) == []


async def test_rows_become_typed_values(database: Database) -> None:
    async with database.transaction(EVERYTHING) as connection:
        rows = await fetch_all(
            connection, Pair, "select 1 as left, 'a' as right union all select 2, 'b' order by 1"
        )
        none = await fetch_optional(connection, Pair, "select 1 as left, '' as right where false")
        one = await fetch_one(connection, Pair, "select 7 as left, 'z' as right")
        touched = await execute(connection, "create temporary table t on commit drop as select 1")
    assert rows == [Pair(1, "a"), Pair(2, "b")]
    assert none is None
    assert one == Pair(7, "z")
    assert touched == 1


async def test_a_broken_constraint_is_a_conflict_that_names_it(database: Database) -> None:
    statement = "insert into kernel.follower (name, seq) values ('twin', 0)"
    with pytest.raises(ConflictError) as caught:  # noqa: PT012
        async with database.transaction(EVERYTHING) as connection:
            await execute(connection, statement)
            await execute(connection, statement)
    assert caught.value.code == "kernel.constraint_violated"
    assert caught.value.values == {"constraint": "follower_pkey"}


async def test_a_constraint_broken_by_a_statement_that_returns_rows_is_the_same_conflict(
    database: Database,
) -> None:
    with pytest.raises(ConflictError):  # noqa: PT012
        async with database.transaction(EVERYTHING) as connection:
            for _ in range(2):
                await fetch_value(
                    connection,
                    "insert into kernel.follower (name, seq) values ('twin', 0) returning seq",
                )


async def test_two_transactions_that_wait_for_each_other_end_in_a_conflict(
    database: Database,
) -> None:
    async with database.transaction(EVERYTHING) as connection:
        await execute(connection, "insert into kernel.follower values ('a', 0), ('b', 0)")
    both_hold_one = asyncio.Barrier(2)

    async def lock(first: str, second: str) -> None:
        statement = "select seq from kernel.follower where name = %s for update"
        async with database.transaction(EVERYTHING) as connection:
            await fetch_value(connection, statement, (first,))
            await both_hold_one.wait()
            await fetch_value(connection, statement, (second,))

    outcomes = await asyncio.gather(lock("a", "b"), lock("b", "a"), return_exceptions=True)
    failures = [outcome for outcome in outcomes if outcome is not None]
    assert len(failures) == 1
    assert isinstance(failures[0], ConflictError)
    assert failures[0].code == "kernel.changed_meanwhile"


async def test_a_lost_connection_is_told_and_the_next_transaction_works(
    database: Database, shared_postgres: PostgresServer
) -> None:
    with pytest.raises(UnavailableError) as caught:  # noqa: PT012
        async with database.transaction(EVERYTHING) as connection:
            async with await shared_postgres.admin() as admin:
                await admin.execute(
                    "select pg_terminate_backend(%s)", (connection.info.backend_pid,)
                )
            await fetch_value(connection, "select 1")
    assert caught.value.code == "kernel.database_unreachable"
    assert await _seen(database, EVERYTHING) == []


async def test_opening_a_server_that_is_not_there_is_told_without_its_password() -> None:
    database = Database(Secret("postgresql://someone:hunter2hunter2@/nowhere?host=/nonexistent"))
    with pytest.raises(UnavailableError) as caught:
        await database.open()
    assert "hunter2" not in str(caught.value)


async def test_work_outlives_a_server_that_is_killed(postgres: PostgresServer) -> None:
    database = Database(await postgres.create_database("survivor"))
    await database.open()
    async with database.transaction(EVERYTHING) as connection:
        await execute(connection, "create table kept (n int)")
        await execute(connection, "insert into kept values (1)")
    await postgres.restart()
    async with database.transaction(EVERYTHING) as connection:
        assert await fetch_value(connection, "select n from kept") == 1
    await database.close()


async def test_entries_are_read_after_a_seq_and_up_to_a_limit(database: Database) -> None:
    for _ in range(4):
        await _note(database, "lomme")
    async with database.transaction(LOMME) as connection:
        entries = await read_after(connection, 0, 100)
        later = await read_after(connection, entries[0].seq, 2)
    assert list(later) == list(entries[1:3])


async def test_no_task_that_waits_for_a_connection_misses_its_cancellation(
    database: Database,
) -> None:
    async def take_turns() -> None:
        while True:
            async with database.transaction(EVERYTHING) as connection:
                await connection.execute("select 1")

    missed = 0
    for _ in range(30):
        tasks = [asyncio.create_task(take_turns()) for _ in range(30)]
        await asyncio.sleep(0.03)
        pending = set(tasks)
        for task in tasks:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.5)
        missed += len(pending)
        while pending:
            for task in pending:
                task.cancel()
            _, pending = await asyncio.wait(pending, timeout=0.5)

    assert missed == 0
