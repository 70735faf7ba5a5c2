"""The PostgreSQL that the platform starts: found again, restarted after a crash, nothing lost."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from beffroi.engines.controller import EngineController
from beffroi.engines.databases import ApplicationDatabases
from beffroi.engines.drivers import JoinedPostgresql, PostgresqlEngine
from beffroi.engines.model import EngineState
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.errors import UnavailableError
from beffroi.kernel.places import Places
from beffroi.kernel.processes.tables import descendants_of
from beffroi.kernel.reconcile import Reconciler
from beffroi.kernel.secrets import SealingKey, Secret
from tests.support.processes import AS_ROOT
from tests.support.waiting import eventually


def again(places: Places) -> PostgresqlEngine:
    """Another driver object on the same data folder, as after a restart of the platform."""
    return PostgresqlEngine(places, SealingKey.of_folder(places.data))


async def asked(url: Secret, statement: str) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(url.reveal(), autocommit=True) as connection:
        cursor = await connection.execute(statement.encode())
        return await cursor.fetchall() if cursor.description else []


async def pid_of(engine: PostgresqlEngine) -> int:
    pid = (await engine.status()).pid
    assert pid is not None
    return pid


async def test_it_answers_and_tells_what_it_takes(postgresql: PostgresqlEngine) -> None:
    status = await postgresql.status()
    assert status.state is EngineState.ANSWERS
    assert status.memory_bytes > 10_000_000
    assert status.address == str(postgresql.socket_folder)
    assert status.silences == 0


async def test_the_platforms_role_is_no_superuser(postgresql: PostgresqlEngine) -> None:
    told = await asked(
        postgresql.url,
        "select current_database(), rolsuper, rolcreatedb, rolbypassrls"
        " from pg_roles where rolname = current_user",
    )
    assert told == [("beffroi", False, True, False)]


async def test_it_listens_on_its_socket_alone(postgresql: PostgresqlEngine) -> None:
    assert await asked(postgresql.url, "show listen_addresses") == [("",)]


@pytest.mark.skipif(not AS_ROOT, reason="only root can give an engine a user of its own")
async def test_it_runs_as_a_user_of_its_own(postgresql: PostgresqlEngine) -> None:
    owner = Path(f"/proc/{await pid_of(postgresql)}").stat().st_uid
    assert owner not in (0, os.getuid())


async def test_passwords_lie_sealed_on_the_disk(
    postgresql: PostgresqlEngine, places: Places
) -> None:
    password = postgresql.url.reveal().split(":")[2].split("@")[0]
    for path in places.engines.glob("*.*"):
        assert password.encode() not in path.read_bytes()
    assert not (places.engines / "postgresql.password").exists()


async def test_another_platform_finds_it_running(
    postgresql: PostgresqlEngine, places: Places
) -> None:
    other = again(places)
    pid = await pid_of(other)
    await other.start()
    assert await pid_of(other) == pid == await pid_of(postgresql)
    assert other.url == postgresql.url


async def test_what_was_committed_survives_a_kill(
    postgresql: PostgresqlEngine, places: Places
) -> None:
    await asked(postgresql.url, "create table kept (number integer)")
    committed = 0

    async def write() -> None:
        nonlocal committed
        async with await psycopg.AsyncConnection.connect(
            postgresql.url.reveal(), autocommit=True
        ) as connection:
            while True:
                await connection.execute("insert into kept values (%s)", (committed + 1,))
                committed += 1

    writing = asyncio.create_task(write())
    await eventually(lambda: committed > 200)
    os.kill(await pid_of(postgresql), signal.SIGKILL)
    with suppress(psycopg.OperationalError):
        await writing
    await eventually(lambda: postgresql.running() is None)
    assert (await postgresql.status()).state is EngineState.STOPPED
    with pytest.raises(UnavailableError):
        await Database(postgresql.url).dedicated()
    other = again(places)
    await other.stop()
    await other.start()
    rows = await asked(other.url, "select number from kept order by number")
    assert [row[0] for row in rows][:committed] == list(range(1, committed + 1))


async def test_all_of_it_killed_at_once_starts_again(postgresql: PostgresqlEngine) -> None:
    await asked(postgresql.url, "create table if not exists also (number integer)")
    process = postgresql.running()
    assert process is not None
    for row in descendants_of(process.pid):
        with suppress(ProcessLookupError):
            os.kill(row.pid, signal.SIGKILL)
    await eventually(lambda: postgresql.running() is None)
    await postgresql.start()
    assert await asked(postgresql.url, "select * from also") == []


async def test_the_controller_starts_it_again_and_tells(
    postgresql: PostgresqlEngine, places: Places, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    controller = EngineController({"postgresql": postgresql}, places)
    reconciler = Reconciler("engines", controller, SystemClock(), period_s=0.1)
    task = asyncio.create_task(reconciler.run())
    try:
        before = await pid_of(postgresql)
        os.kill(before, signal.SIGKILL)

        async def runs_again() -> bool:
            status = await postgresql.status()
            return status.state is EngineState.ANSWERS and status.pid != before

        await eventually(runs_again, within_s=20)
        await eventually(lambda: "restarted because it was not running" in caplog.text)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert "BUG" not in caplog.text


async def test_stopping_twice_and_starting_twice_is_harmless(
    postgresql: PostgresqlEngine,
) -> None:
    for _ in range(2):
        await postgresql.stop()
    assert (await postgresql.status()).state is EngineState.STOPPED
    for _ in range(2):
        await postgresql.start()
    assert (await postgresql.status()).state is EngineState.ANSWERS


async def test_a_start_that_fails_is_told_with_its_last_lines(own_places: Places) -> None:
    engine = again(own_places)
    await engine.start()
    await engine.stop()
    configuration = own_places.engines / "postgresql" / "postgresql.auto.conf"
    configuration.write_text("shared_buffers = 'plenty'\n")
    with pytest.raises(UnavailableError) as failed:
        await engine.start()
    assert failed.value.code == "engines.did_not_start"
    assert "plenty" in str(failed.value)
    assert engine.running() is None


async def test_an_applications_database_is_its_own(postgresql: PostgresqlEngine) -> None:
    databases = ApplicationDatabases(postgresql.url)
    urls = {}
    for name in ("bus", "tram"):
        password = Secret(f"password-of-{name}")
        await databases.ensure(name, password)
        folder = postgresql.socket_folder
        urls[name] = f"postgresql://app_{name}:{password.reveal()}@/{{}}?host={folder}"
    own = Secret(urls["bus"].format("app_bus"))
    await asked(own, "create table line (number integer)")
    for other in ("app_tram", "beffroi", "postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            await asked(Secret(urls["bus"].format(other)), "select 1")
    await databases.ensure("bus", Secret("another"))
    with pytest.raises(psycopg.OperationalError, match="password"):
        await asked(own, "select 1")
    assert (await databases.sizes(["bus", "none"]))["bus"] > 1_000_000
    for name in ("bus", "tram"):
        await databases.remove(name)
        await databases.remove(name)
    assert await databases.sizes(["bus"]) == {"bus": 0}


async def test_a_database_left_open_by_a_kill_is_closed_by_the_next_look(
    postgresql: PostgresqlEngine,
) -> None:
    databases = ApplicationDatabases(postgresql.url)
    await databases.ensure("ferry", Secret("p"))
    await asked(postgresql.url, "grant connect on database app_ferry to public")
    await databases.ensure("ferry", Secret("p"))
    acl = await asked(
        postgresql.url, "select has_database_privilege('public', 'app_ferry', 'connect')"
    )
    assert acl == [(False,)]
    await databases.remove("ferry")


async def test_a_joined_server_is_watched_and_left_running(postgresql: PostgresqlEngine) -> None:
    joined = JoinedPostgresql(postgresql.url)
    await joined.start()
    status = await joined.status()
    assert status.state is EngineState.ELSEWHERE
    assert status.version
    await joined.stop()
    assert (await postgresql.status()).state is EngineState.ANSWERS


async def test_a_joined_server_that_is_away_is_told(tmp_path: Path) -> None:
    joined = JoinedPostgresql(Secret(f"postgresql://u:p@/db?host={tmp_path}"))
    with pytest.raises(UnavailableError):
        await joined.start()
    status = await joined.status()
    assert (status.state, status.silences) == (EngineState.ELSEWHERE, 1)
