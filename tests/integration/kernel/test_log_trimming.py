"""Trimming the log: what goes, what stays, who holds it, and what kills do meanwhile."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from importlib.resources import files

import psycopg
import pytest

from beffroi.kernel.database import Connection, Database, execute, fetch_tuples, fetch_value
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import ConflictError
from beffroi.kernel.log import (
    Entry,
    Event,
    Follower,
    LogWatch,
    Teller,
    append,
    read_after,
    slices,
)
from beffroi.kernel.log.entries import last_seq
from beffroi.kernel.log.erasing import allow_erasing, rewrite
from beffroi.kernel.log.slices import kept_from
from beffroi.kernel.log.trimming import Holder
from tests.support.programs import kill_program, program, told
from tests.support.sliced_log import ACT, CHANGE, LEAST, Log, sliced_log
from tests.support.waiting import eventually

FOLLOWER = "tests.integration.kernel.programs.follower"
TRIMMER = "tests.integration.kernel.programs.trimmer"
WRITER = "tests.integration.kernel.programs.writer"
DAY_S = 86_400


@pytest.fixture
async def log(database: Database) -> Log:
    """A log whose first slice is as short as the others."""
    return await sliced_log(database)


async def test_changes_that_are_past_go_and_what_came_since_stays(log: Log) -> None:
    await log.fill(3)
    log.clock.move(8 * DAY_S)
    await log.append(CHANGE, "new")
    assert await log.keeper.keep() == 2
    assert await log.subjects(CHANGE) == [*map(str, range(LEAST)), "new"]


async def test_nothing_goes_before_its_time(log: Log) -> None:
    await log.fill(3)
    log.clock.move(6 * DAY_S)
    assert await log.keeper.keep() == 0
    assert len(await log.subjects(CHANGE)) == 3 * LEAST


async def test_acts_outlive_the_changes_around_them_and_go_in_the_end(log: Log) -> None:
    await log.append(ACT, "early")
    await log.fill(2)
    await log.append(ACT, "later")
    await log.fill(2)
    log.clock.move(8 * DAY_S)
    assert await log.keeper.keep() > 0
    assert await log.subjects(ACT) == ["early", "later"]
    log.clock.move(365 * DAY_S)
    await log.fill(2)
    await log.keeper.keep()
    assert await log.subjects(ACT) == []


async def test_acts_that_are_past_go_however_many_they_are(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "_FORGOTTEN_AT_ONCE", 2)
    await log.append(ACT, "a", "b", "c", "d", "e")
    await log.fill(2)
    log.clock.move(8 * DAY_S)
    await log.keeper.keep()
    assert await log.subjects(ACT) == ["a", "b", "c", "d", "e"]
    log.clock.move(365 * DAY_S)
    await log.keeper.keep()
    assert await log.subjects(ACT) == []


async def test_nobody_waits_while_the_acts_that_were_kept_are_looked_through(log: Log) -> None:
    await log.append(ACT, "kept")
    await log.fill(3)
    log.clock.move(8 * DAY_S)
    told: list[str] = []
    async with log.database.transaction(EVERYTHING) as connection:
        one = (await slices.all_slices(connection))[0]
        await slices.prepare_letting_go(connection, one)
        await slices.look_through_kept(connection)
        await slices.hold(connection)
        connection.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
        await execute(connection, "set local client_min_messages = debug1")
        await slices.let_go(connection, one, log.clock.now() - timedelta(days=365))
    assert any('"log_kept" is implied by existing constraints' in text for text in told)


async def test_a_keeper_killed_before_a_slice_goes_leaves_nothing_in_the_way(log: Log) -> None:
    await log.append(ACT, "early")
    await log.fill(4)
    log.clock.move(8 * DAY_S)
    async with log.database.transaction(EVERYTHING) as connection:
        await slices.prepare_letting_go(connection, (await slices.all_slices(connection))[0])
    await log.append(ACT, "later")
    assert await log.keeper.keep() > 1
    assert await log.subjects(ACT) == ["early", "later"]


async def test_whoever_has_not_read_it_holds_the_log_and_is_named(
    log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    await log.fill(3)
    follower = Follower("forgotten", log.database, LogWatch(log.database), _ignored)
    async with log.database.transaction(EVERYTHING) as connection:
        await execute(connection, "insert into kernel.follower values ('forgotten', 19)")
    log.elsewhere = [Holder("flow ville/bus", 1_000)]
    log.clock.move(8 * DAY_S)
    assert await log.keeper.keep() == 0
    assert [one.name for one in (await log.keeper.state()).held_by] == ["forgotten"]
    assert "held_by='forgotten' behind=41" in caplog.text
    await follower.advance()
    assert await log.keeper.keep() == 2
    assert (await log.keeper.state()).held_by == []


async def _ignored(_: Connection, __: Sequence[Entry]) -> None:
    return None


async def test_a_reader_elsewhere_that_has_all_but_the_last_of_a_slice_keeps_it(log: Log) -> None:
    await log.fill(3)
    log.clock.move(8 * DAY_S)
    log.elsewhere = [Holder("flow ville/bus", 39)]
    assert await log.keeper.keep() == 1
    log.elsewhere = [Holder("flow ville/bus", 40)]
    assert await log.keeper.keep() == 1


async def test_the_last_seq_never_goes_back(log: Log) -> None:
    await log.append(CHANGE, *map(str, range(LEAST)))
    log.clock.move(8 * DAY_S)
    await log.keeper.keep()
    async with log.database.transaction(EVERYTHING) as connection:
        assert await last_seq(connection) == LEAST


async def test_a_burst_beyond_what_was_made_ahead_is_taken_and_trimmed(log: Log) -> None:
    await log.append(CHANGE, *(str(number) for number in range(LEAST * 40)))
    await log.keeper.keep()
    await log.append(CHANGE, "after")
    assert len(await log.subjects(CHANGE)) == LEAST * 40 + 1
    log.clock.move(8 * DAY_S)
    assert await log.keeper.keep() > 0
    assert await log.subjects(CHANGE) == ["after"]


async def test_from_where_on_the_log_is_whole_is_told(log: Log) -> None:
    await log.append(ACT, "kept")
    await log.fill(2)
    async with log.database.transaction(EVERYTHING) as connection:
        assert (await kept_from(connection)).is_all
    log.clock.move(8 * DAY_S)
    assert await log.keeper.keep() == 2
    async with log.database.transaction(EVERYTHING) as connection:
        kept = await kept_from(connection)
        first = (await read_after(connection, kept.seq - 1, 1))[0]
    assert (kept.is_all, kept.at) == (False, first.at)
    assert kept.seq == 2 * LEAST + 1


async def test_one_who_goes_back_while_the_log_is_trimmed_is_waited_for(log: Log) -> None:
    await log.fill(3)
    log.clock.move(8 * DAY_S)
    async with log.database.transaction(EVERYTHING) as connection:
        assert (await kept_from(connection)).seq == 1
        with pytest.raises(ConflictError):
            await log.keeper.keep()
        log.elsewhere = [Holder("flow ville/bus", 0)]
    assert await log.keeper.keep() == 0


async def test_slices_are_as_closed_as_the_log(log: Log) -> None:
    await log.append(ACT, "kept")
    await log.fill(2)
    log.clock.move(8 * DAY_S)
    await log.keeper.keep()
    async with log.database.transaction(EVERYTHING) as connection:
        rows = await fetch_tuples(
            connection,
            "select relname, relrowsecurity and relforcerowsecurity from pg_class c "
            "where relnamespace = 'kernel'::regnamespace and relname ~ '^log(_|$)' "
            "and relkind in ('r', 'p')",
        )
    assert len(rows) > 3
    assert all(row[1] for row in rows)
    for name, _ in rows:
        for verb in ("delete from kernel.{}", "update kernel.{} set kind = 'x'"):
            with pytest.raises(psycopg.Error, match="append-only"):
                async with log.database.transaction(EVERYTHING) as connection:
                    await connection.execute(verb.format(name).encode())


async def test_what_was_kept_can_still_be_erased(log: Log) -> None:
    await log.append(ACT, "Camille")
    await log.fill(2)
    log.clock.move(8 * DAY_S)
    await log.keeper.keep()
    async with log.database.transaction(EVERYTHING) as connection:
        await allow_erasing(connection)
        await rewrite(connection, 1, "somebody", {})
    assert await log.subjects(ACT) == ["somebody"]


async def test_a_teller_that_was_away_goes_on_where_it_ended(log: Log) -> None:
    heard: list[str] = []

    async def tell(entries: Sequence[Entry]) -> None:
        heard.extend(one.subject for one in entries)

    teller = Teller("nats", log.database, LogWatch(log.database), tell, ("exchange.entity_",))
    await log.append(CHANGE, "one")
    await teller.advance()
    await log.append(CHANGE, "two")
    await log.fill(3)
    log.clock.move(8 * DAY_S)
    await log.keeper.keep()
    while await teller.advance():
        pass
    assert heard[:2] == ["one", "two"]
    assert len(heard) == 2 + 3 * LEAST


async def test_a_log_written_before_it_had_slices_is_kept_whole(
    make_database: Callable[..., Awaitable[Database]],
) -> None:
    database = await make_database()
    folder = files("beffroi.kernel").joinpath("migrations")
    scripts = sorted((one.name, one.read_text()) for one in folder.iterdir())
    async with database.transaction(EVERYTHING) as connection:
        await execute(connection, "create schema kernel")
        for name, statements in scripts:
            if name < "0007":
                await execute(connection, statements, None)
        await append(connection, *(Event(ACT, str(number)) for number in range(5)))
    async with database.transaction(EVERYTHING) as connection:
        for name, statements in scripts:
            if name >= "0007":
                await execute(connection, statements, None)
        await append(connection, Event(ACT, "5"))
        entries = await read_after(connection, 0, 100)
    assert [(one.seq, one.subject) for one in entries] == [(n + 1, str(n)) for n in range(6)]


async def test_no_entry_is_missed_while_the_log_is_trimmed_and_all_are_killed(
    database: Database,
) -> None:
    await _create_tables(database)
    url, chance = database.url.reveal(), random.Random(20261122)  # noqa: S311
    async with AsyncExitStack() as running:

        async def start(module: str, *arguments: str) -> Callable[[], Awaitable[None]]:
            process = await running.enter_async_context(program(module, url, *arguments))
            await told(process)
            return lambda: kill_program(process)

        kill_writer = await start(WRITER, "w")
        for _ in range(4):
            kill_trimmer, kill_follower = await start(TRIMMER), await start(FOLLOWER)
            await asyncio.sleep(chance.uniform(0.2, 0.5))
            await kill_trimmer()
            await kill_follower()
        await kill_writer()
        await start(FOLLOWER)
        await eventually(lambda: _caught_up(database), within_s=15)
        await start(TRIMMER)
        await eventually(lambda: _is_trimmed(database), within_s=15)
    decided = await _counted(database, "decided")
    assert len(decided) > 200
    assert await _counted(database, "followed") == decided


async def _create_tables(database: Database) -> None:
    async with database.transaction(EVERYTHING) as connection:
        await execute(connection, "drop table kernel.log_1, kernel.log_4097")
        await execute(connection, "select kernel.make_log_slice(1, null)")
        await execute(connection, "create table decided (writer text, number int)")
        await execute(
            connection, "create table followed (seq bigint primary key, writer text, number int)"
        )
        await execute(connection, "insert into kernel.follower values ('copier', 0)")


async def _caught_up(database: Database) -> bool:
    async with database.transaction(EVERYTHING) as connection:
        seq = await fetch_value(connection, "select seq from kernel.follower")
        return bool(seq == await last_seq(connection))


async def _is_trimmed(database: Database) -> bool:
    async with database.transaction(EVERYTHING) as connection:
        return (await kept_from(connection)).seq > 200


async def _counted(database: Database, table: str) -> list[tuple[str, int]]:
    async with database.transaction(EVERYTHING) as connection:
        return await fetch_tuples(
            connection,
            f"select writer, number from {table} order by 1, 2",  # noqa: S608
        )
