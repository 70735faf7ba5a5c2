"""What a migration asks for with one line: rows that only their organisation sees."""

import pytest

from beffroi.kernel.database import Database, Scope, execute, fetch_value
from beffroi.kernel.database.pool import EVERYTHING


@pytest.fixture
async def tables(database: Database) -> Database:
    async with database.transaction(EVERYTHING) as connection:
        for name in ("own", "platform"):
            await execute(
                connection,
                f"create table {name} (number int, organisation text)",
            )
        await execute(connection, "select kernel.keep_apart('public', 'own')")
        await execute(connection, "select kernel.keep_to_platform('public', 'platform')")
        for organisation in ("ville", "lomme", ""):
            await execute(connection, "insert into own values (1, %s)", (organisation,))
            await execute(connection, "insert into platform values (1, %s)", (organisation,))
    return database


@pytest.mark.parametrize(
    ("scope", "own", "platform"),
    [(Scope("ville"), 1, 0), (Scope("bondues"), 0, 0), (Scope(), 0, 0), (EVERYTHING, 3, 3)],
)
async def test_each_reads_what_it_may(
    tables: Database, scope: Scope, own: int, platform: int
) -> None:
    async with tables.transaction(scope) as connection:
        assert await fetch_value(connection, "select count(*) from own") == own
        assert await fetch_value(connection, "select count(*) from platform") == platform


async def test_the_settings_are_read_once_a_statement(tables: Database) -> None:
    async with tables.transaction(EVERYTHING) as connection:
        cursor = await connection.execute("explain select * from own")
        plan = "\n".join(row[0] for row in await cursor.fetchall())
    assert "InitPlan" in plan
