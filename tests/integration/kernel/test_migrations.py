"""Schema changes: once, in order, never edited afterwards."""

import asyncio
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import beffroi
from beffroi.kernel.database import Database, fetch_value
from beffroi.kernel.database.migrations import migrate
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import ConflictError
from tests.conftest import MakeDatabase

DOMAIN = "test_gardens"


@pytest.fixture
async def empty(make_database: MakeDatabase) -> Database:
    """A database in which nothing was migrated."""
    return await make_database()


@pytest.fixture
def gardens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The migrations folder of a domain that exists in this test only."""
    folder = tmp_path / DOMAIN / "migrations"
    folder.mkdir(parents=True)
    (tmp_path / DOMAIN / "__init__.py").write_text("")
    monkeypatch.setattr(beffroi, "__path__", [*beffroi.__path__, str(tmp_path)])
    (folder / "0001_gardens.sql").write_text("create schema gardens; create table gardens.bed ();")
    yield folder
    sys.modules.pop(f"beffroi.{DOMAIN}", None)


async def _count(database: Database, statement: str) -> int:
    async with database.transaction(EVERYTHING) as connection:
        count: int = await fetch_value(connection, statement)
        return count


async def test_everything_is_applied_once_and_in_order(empty: Database) -> None:
    applied = await migrate(empty, ("kernel",))
    names = [migration.name for migration in applied]
    assert names == sorted(names)
    assert names[0] == "0001_log.sql"
    assert await migrate(empty, ("kernel",)) == []


async def test_several_platforms_may_start_at_once(empty: Database) -> None:
    others = [Database(empty.url) for _ in range(4)]
    try:
        for other in others:
            await other.open()
        results = await asyncio.gather(*(migrate(other, ("kernel",)) for other in others))
    finally:
        for other in others:
            await other.close()
    assert sorted(map(bool, results)) == [False, False, False, True]
    recorded = await _count(empty, "select count(*) from kernel.migration")
    assert recorded == max(map(len, results))


async def test_a_new_file_is_applied_after_the_others(empty: Database, gardens: Path) -> None:
    await migrate(empty, ("kernel", DOMAIN))
    (gardens / "0002_trees.sql").write_text("create table gardens.tree (name text);")
    (gardens / "README.md").write_text("not a schema change")
    applied = await migrate(empty, ("kernel", DOMAIN))
    assert [(one.domain, one.name) for one in applied] == [(DOMAIN, "0002_trees.sql")]
    assert await _count(empty, "select count(*) from gardens.tree") == 0


async def test_an_edited_file_is_refused_and_nothing_is_applied(
    empty: Database, gardens: Path
) -> None:
    await migrate(empty, ("kernel", DOMAIN))
    (gardens / "0000_first.sql").write_text("create table gardens.first ();")
    (gardens / "0001_gardens.sql").write_text("create schema gardens;")
    with pytest.raises(ConflictError) as caught:
        await migrate(empty, ("kernel", DOMAIN))
    assert caught.value.values == {"domain": DOMAIN, "name": "0001_gardens.sql"}
    assert await _count(empty, "select count(*) from pg_tables where tablename = 'first'") == 0


async def test_a_file_that_fails_takes_the_whole_start_back(empty: Database, gardens: Path) -> None:
    (gardens / "0002_wrong.sql").write_text("create table gardens.shed (); select 1 / 0;")
    with pytest.raises(Exception, match="division by zero"):
        await migrate(empty, ("kernel", DOMAIN))
    assert await _count(empty, "select count(*) from pg_namespace where nspname = 'gardens'") == 0
    (gardens / "0002_wrong.sql").write_text("create table gardens.shed ();")
    assert len(await migrate(empty, ("kernel", DOMAIN))) > 2


async def test_a_change_may_take_longer_than_other_statements_and_is_told(
    empty: Database, gardens: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await migrate(empty, ("kernel", DOMAIN))
    (gardens / "0002_slow.sql").write_text(
        "create table gardens.allowed as select current_setting('statement_timeout') as for_ms;"
    )
    with caplog.at_level(logging.INFO):
        await migrate(empty, ("kernel", DOMAIN))
    assert await _count(empty, "select count(*) from gardens.allowed where for_ms = '0'") == 1
    told = [one for one in caplog.messages if "name=0002_slow.sql" in one]
    assert [one.split("state=")[1].split()[0] for one in told] == ["begun", "done"]


async def test_every_table_with_an_organisation_is_held_by_row_level_security(
    database: Database,
) -> None:
    open_tables = await _count(
        database,
        """
        select count(*) from information_schema.columns
        join pg_class on relname = table_name and relnamespace = table_schema::regnamespace
        where column_name = 'organisation' and relkind = 'r'
            and not (relrowsecurity and relforcerowsecurity)
        """,
    )
    assert open_tables == 0
