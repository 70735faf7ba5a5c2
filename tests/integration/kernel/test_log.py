"""The log: its order, its followers, and what kills do to them."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import msgspec
import psycopg
import pytest

from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Connection, Database, execute, fetch_all, fetch_value
from beffroi.kernel.database.migrations import migrate
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import FailedError, UnavailableError
from beffroi.kernel.log import Entry, Event, Follower, LogWatch, Teller, append, read_after
from tests.support.postgres import PostgresServer
from tests.support.programs import kill_program, program, told
from tests.support.waiting import eventually

WRITER = "tests.integration.kernel.programs.writer"
FOLLOWER = "tests.integration.kernel.programs.follower"


class Counted(msgspec.Struct, frozen=True):
    writer: str
    number: int


class Collected:
    """A handler that keeps what it is given."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    async def __call__(self, _: Connection, entries: Sequence[Entry]) -> None:
        self.entries.extend(entries)

    @property
    def subjects(self) -> list[str]:
        return [entry.subject for entry in self.entries]


def _given(collected: Collected, subject: str) -> Callable[[], bool]:
    return lambda: subject in collected.subjects


async def _append(database: Database, *subjects: str) -> None:
    async with database.transaction(EVERYTHING) as connection:
        await append(connection, *(Event("bus.late", subject) for subject in subjects))


async def _all(database: Database) -> list[Entry]:
    async with database.transaction(EVERYTHING) as connection:
        return list(await read_after(connection, 0, 1_000_000))


@asynccontextmanager
async def _running(*loops: Awaitable[None]) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(loop) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def test_events_of_one_transaction_keep_their_order_and_content(database: Database) -> None:
    events = [
        Event("bus.late", f"line-{number}", "lomme", {"minutes": number, "why": "é\n'\""})
        for number in range(50)
    ]
    async with database.transaction(EVERYTHING) as connection:
        await append(connection, *events)
    entries = await _all(database)
    assert [Event(one.kind, one.subject, one.organisation, one.body) for one in entries] == events
    assert [entry.seq for entry in entries] == sorted(entry.seq for entry in entries)
    assert all(entry.at.tzinfo is not None for entry in entries)


async def test_appending_nothing_takes_no_turn(database: Database) -> None:
    async with database.transaction(EVERYTHING) as holder:
        await append(holder, Event("bus.late", "first"))
        async with asyncio.timeout(1), database.transaction(EVERYTHING) as other:
            await append(other)
    assert [entry.subject for entry in await _all(database)] == ["first"]


@pytest.mark.parametrize(
    "statement",
    [
        "update kernel.log set kind = 'x'",
        "delete from kernel.log",
        "truncate kernel.log",
        "insert into kernel.log (seq, kind, subject, body) values (1, 'x', 'x', '{}')",
    ],
)
async def test_what_was_written_cannot_be_changed(database: Database, statement: str) -> None:
    await _append(database, "kept")
    with pytest.raises(psycopg.Error):
        async with database.transaction(EVERYTHING) as connection:
            await connection.execute(statement.encode())
    assert [entry.subject for entry in await _all(database)] == ["kept"]


async def test_seq_follows_the_order_of_commit_under_many_writers(database: Database) -> None:
    """A reader that goes on from the last seq it saw must never see a smaller one later."""
    writers, each = 8, 40
    finished = 0

    async def write(name: int) -> None:
        nonlocal finished
        chance = random.Random(name)  # noqa: S311
        for number in range(each):
            async with database.transaction(EVERYTHING) as connection:
                await asyncio.sleep(chance.uniform(0, 0.003))
                await append(connection, Event("count.grew", f"{name}", body={"number": number}))
                await asyncio.sleep(chance.uniform(0, 0.001))
        finished += 1

    async def read() -> list[Entry]:
        seen: list[Entry] = []
        async with await database.dedicated() as connection:
            await connection.execute("select set_config('beffroi.everything', 'on', false)")
            while True:
                last = finished == writers
                seen += await read_after(connection, seen[-1].seq if seen else 0, 1000)
                if last:
                    return seen

    reading = asyncio.create_task(read())
    await asyncio.gather(*(write(name) for name in range(writers)))
    seen = await reading
    assert seen == await _all(database)
    assert len(seen) == writers * each
    for name in range(writers):
        numbers = [one.body["number"] for one in seen if one.subject == f"{name}"]
        assert numbers == list(range(each))


async def test_a_writer_that_hangs_after_its_append_does_not_hold_the_log_for_ever(
    database: Database,
) -> None:
    appended = asyncio.Event()

    async def hang() -> None:
        async with database.transaction(EVERYTHING) as connection:
            await execute(connection, "set local idle_in_transaction_session_timeout = '300ms'")
            await append(connection, Event("bus.late", "hung"))
            appended.set()
            await asyncio.sleep(1)
            await append(connection, Event("bus.late", "hung too"))

    hanging = asyncio.create_task(hang())
    await appended.wait()
    async with asyncio.timeout(5):
        await _append(database, "other")
    with pytest.raises(UnavailableError):
        await hanging
    assert [entry.subject for entry in await _all(database)] == ["other"]


async def test_connections_of_the_pool_may_not_idle_in_a_transaction(database: Database) -> None:
    async with database.transaction(EVERYTHING) as connection:
        shown = "select current_setting('idle_in_transaction_session_timeout')"
        assert await fetch_value(connection, shown) == "30s"


async def test_a_follower_is_given_what_is_there_and_what_comes(database: Database) -> None:
    collected, watch = Collected(), LogWatch(database)
    await _append(database, "before")
    async with _running(watch.run(), Follower("reader", database, watch, collected).run()):
        await eventually(lambda: collected.subjects == ["before"])
        await _append(database, "after")
        assert await eventually(lambda: collected.subjects == ["before", "after"], within_s=1)


async def test_a_follower_goes_on_where_the_last_one_of_its_name_ended(database: Database) -> None:
    watch = LogWatch(database)
    for subject in ("first", "second"):
        await _append(database, subject)
        collected = Collected()
        follower = Follower("reader", database, watch, collected)
        while await follower.advance():
            pass
        assert collected.subjects == [subject]


async def test_long_logs_are_handed_over_in_batches(database: Database) -> None:
    await _append(database, *(f"{number}" for number in range(1234)))
    collected = Collected()
    follower = Follower("reader", database, LogWatch(database), collected)
    sizes = [await follower.advance() for _ in range(4)]
    assert sizes == [500, 500, 234, 0]
    assert collected.subjects == [f"{number}" for number in range(1234)]


async def test_two_followers_of_one_name_share_the_work_and_double_nothing(
    database: Database,
) -> None:
    first, second, watch = Collected(), Collected(), LogWatch(database)

    async def advance(collected: Collected) -> None:
        follower = Follower("reader", database, watch, collected)
        while await follower.advance():  # noqa: ASYNC110 - the other one takes a turn
            await asyncio.sleep(0)

    await _append(database, *(f"{number}" for number in range(3000)))
    await asyncio.gather(advance(first), advance(second))
    assert sorted(first.subjects + second.subjects, key=int) == [str(n) for n in range(3000)]


async def test_a_batch_that_fails_is_tried_again_and_nothing_is_skipped(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    kept: list[str] = []
    errors: list[Exception] = [FailedError("kernel.bug", reference="x"), ZeroDivisionError()]

    async def handle(_: Connection, entries: Sequence[Entry]) -> None:
        if errors:
            raise errors.pop(0)
        kept.extend(entry.subject for entry in entries)

    watch = LogWatch(database)
    await _append(database, "one", "two")
    async with _running(watch.run(), Follower("reader", database, watch, handle).run()):
        await eventually(lambda: kept == ["one", "two"])
    assert "follower name=reader state=failing" in caplog.text
    assert "BUG in follower name=reader" in caplog.text


async def test_what_could_not_be_told_is_told_again(database: Database) -> None:
    told: list[str] = []
    errors: list[Exception] = [UnavailableError("delivery.filler_away")]

    async def tell(entries: Sequence[Entry]) -> None:
        told.extend(entry.subject for entry in entries)
        if errors:
            raise errors.pop()

    watch = LogWatch(database)
    teller = Teller("teller", database, watch, tell)
    await _append(database, "one", "two")
    with pytest.raises(UnavailableError):
        await teller.advance()
    assert [await teller.advance(), await teller.advance()] == [2, 0]
    await _append(database, "three")
    assert await Teller("teller", database, watch, tell).advance() == 1
    assert told == ["one", "two", "one", "two", "three"]


async def test_no_transaction_is_open_while_others_are_told(database: Database) -> None:
    open_meanwhile: list[int] = []

    async def tell(_: Sequence[Entry]) -> None:
        async with database.transaction(EVERYTHING) as connection:
            found = await fetch_value(
                connection,
                "select count(*) from pg_stat_activity where datname = current_database()"
                " and xact_start is not null and pid <> pg_backend_pid()",
            )
        open_meanwhile.append(found)

    await _append(database, "one")
    await Teller("teller", database, LogWatch(database), tell).advance()

    assert open_meanwhile == [0]


async def test_a_cut_listening_connection_is_made_again_and_wakes_as_fast(
    database: Database, shared_postgres: PostgresServer
) -> None:
    clock, collected, watch = SystemClock(), Collected(), LogWatch(database)
    async with _running(watch.run(), Follower("reader", database, watch, collected).run()):
        await _append(database, "warm")
        await eventually(lambda: collected.subjects == ["warm"])
        for attempt in range(2):
            assert await eventually(lambda: _cut_listeners(database, shared_postgres)) == 1
            await _append(database, f"cut-{attempt}")
            await eventually(_given(collected, f"cut-{attempt}"), within_s=4)
            await eventually(lambda: _listeners(database, shared_postgres))
            begun = clock.monotonic_s()
            await _append(database, f"again-{attempt}")
            await eventually(_given(collected, f"again-{attempt}"))
            assert clock.monotonic_s() - begun < 0.5
    assert len(collected.subjects) == 5


_LISTENING = "from pg_stat_activity where datname = %s and query = 'listen beffroi_log'"


async def _listeners(database: Database, server: PostgresServer) -> int:
    async with await server.admin() as connection:
        count: int = await fetch_value(
            connection, f"select count(*) {_LISTENING}", (await _name(database),)
        )
        return count


async def _cut_listeners(database: Database, server: PostgresServer) -> int:
    async with await server.admin() as connection:
        return await execute(
            connection, f"select pg_terminate_backend(pid) {_LISTENING}", (await _name(database),)
        )


async def _name(database: Database) -> str:
    async with database.transaction(EVERYTHING) as connection:
        name: str = await fetch_value(connection, "select current_database()")
        return name


async def test_a_follower_outlives_a_server_that_is_killed(postgres: PostgresServer) -> None:
    database = Database(await postgres.create_database("restarted"))
    await database.open()
    await _create_tables(database)
    collected, watch = Collected(), LogWatch(database)
    async with _running(watch.run(), Follower("reader", database, watch, collected).run()):
        await _append(database, "before")
        await eventually(lambda: collected.subjects == ["before"])
        await postgres.restart()
        await _append(database, "after")
        assert await eventually(lambda: collected.subjects == ["before", "after"], within_s=10)
    await database.close()


async def test_no_entry_is_missed_or_doubled_while_writers_and_the_follower_are_killed(
    database: Database,
) -> None:
    await _create_tables(database)
    url, chance = database.url.reveal(), random.Random(20260302)  # noqa: S311
    async with AsyncExitStack() as running:

        async def start(module: str, *arguments: str) -> Callable[[], Awaitable[None]]:
            process = await running.enter_async_context(program(module, url, *arguments))
            await told(process)
            return lambda: kill_program(process)

        writers = [await start(WRITER, f"w{number}") for number in range(2)]
        for attempt in range(8):
            kill_follower = await start(FOLLOWER)
            await asyncio.sleep(chance.uniform(0.05, 0.4))
            await kill_follower()
            if attempt % 3 == 2:
                await writers.pop(0)()
                writers.append(await start(WRITER, f"w{attempt + 10}"))
        for kill in writers:
            await kill()
        await start(FOLLOWER)
        await eventually(lambda: _caught_up(database), within_s=15)
    decided = await _rows(database, "select writer, number from decided order by 1, 2")
    followed = await _rows(database, "select writer, number from followed order by 1, 2")
    logged = [Counted(entry.subject, entry.body["number"]) for entry in await _all(database)]
    assert len(decided) > 300
    assert followed == decided
    assert sorted(logged, key=lambda one: (one.writer, one.number)) == decided
    in_order = await _rows(database, "select writer, number from followed order by seq")
    assert in_order == logged


async def _create_tables(database: Database) -> None:
    await migrate(database, ("kernel",))
    async with database.transaction(EVERYTHING) as connection:
        await execute(
            connection,
            "create table decided (writer text, number int, primary key (writer, number))",
        )
        await execute(
            connection,
            "create table followed (seq bigint primary key, writer text, number int)",
        )


async def _caught_up(database: Database) -> bool:
    async with database.transaction(EVERYTHING) as connection:
        behind: int = await fetch_value(
            connection,
            "select (select max(seq) from kernel.log) - seq from kernel.follower"
            " where name = 'copier'",
        )
        return behind == 0


async def _rows(database: Database, statement: str) -> list[Counted]:
    async with database.transaction(EVERYTHING) as connection:
        return await fetch_all(connection, Counted, statement)
