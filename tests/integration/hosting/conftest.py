"""One platform per module; each test brings applications of its own names."""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from beffroi.engines.drivers import JoinedPostgresql
from beffroi.kernel.database import Database
from beffroi.kernel.database.migrations import migrate
from tests.integration.hosting.stage import Sources, Stage
from tests.support.clocks import ManualClock
from tests.support.postgres import PostgresServer

DOMAINS = ("kernel", "hosting")


@pytest.fixture(scope="session")
async def hosting_postgres(shared_postgres: PostgresServer) -> PostgresServer:
    """The session's server, whose platform role may make roles as on an embedded one."""
    async with await shared_postgres.admin() as connection:
        await connection.execute("alter role beffroi createrole")
        await connection.execute("revoke connect on database postgres, template1 from public")
    shared_postgres.folder.chmod(0o755)  # as the embedded one's: applications enter it
    return shared_postgres


@pytest.fixture(scope="module")
async def hosting_database(hosting_postgres: PostgresServer) -> AsyncIterator[Database]:
    """A database with the tables of hosting, for a whole module."""
    name = f"hosting_{secrets.token_hex(6)}"
    joined = JoinedPostgresql(await hosting_postgres.create_database(name))
    await joined.start()
    database = Database(joined.url)
    await database.open()
    await migrate(database, DOMAINS)
    yield database
    await database.close()
    await hosting_postgres.drop_database(name)


@pytest.fixture(scope="module")
async def stage(
    hosting_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    """A platform for a whole module."""
    made = Stage(tmp_path_factory.mktemp("data"), hosting_database)
    yield made
    await made.stop()


@pytest.fixture
async def held(
    hosting_database: Database, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[Stage]:
    """A platform whose time the test holds."""
    made = Stage(tmp_path / "data", hosting_database, clock)
    yield made
    for name in tuple(made.wanted.held):
        await made.remove(name)
    await made.stop()


@pytest.fixture
async def tidied(stage: Stage) -> AsyncIterator[None]:
    """Withdraw at the end what the test declared."""
    yield
    for name in tuple(stage.wanted.held):
        await stage.remove(name)


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    """Where the test writes its applications."""
    return Sources(tmp_path / "sources")
