"""What every test may ask for: PostgreSQL, a database of its own, a clock to hold."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from beffroi.kernel.database import Database
from beffroi.kernel.database.migrations import migrate
from tests.support.clocks import ManualClock
from tests.support.postgres import FASTER_THAN_DURABLE, PostgresServer

MakeDatabase = Callable[..., Awaitable[Database]]


@pytest.fixture
def clock() -> ManualClock:
    """Time that moves only when the test says so."""
    return ManualClock()


@pytest.fixture(scope="session")
async def shared_postgres(request: pytest.FixtureRequest) -> AsyncIterator[PostgresServer]:
    """The server of the session: quick, not durable, not to be stopped by a test."""
    server = PostgresServer(FASTER_THAN_DURABLE)
    await server.create()
    yield server
    await server.stop()
    _keep_or_remove(server, request.session)


@pytest.fixture
async def postgres(request: pytest.FixtureRequest) -> AsyncIterator[PostgresServer]:
    """A durable server of the test's own, to be killed and started again."""
    server = PostgresServer()
    await server.create()
    yield server
    await server.stop()
    _keep_or_remove(server, request.session)


@pytest.fixture(scope="session")
def migrated_templates() -> dict[tuple[str, ...], str]:
    """The template databases made so far, by the domains that were migrated in them."""
    return {}


@pytest.fixture
async def make_database(
    shared_postgres: PostgresServer, migrated_templates: dict[tuple[str, ...], str]
) -> AsyncIterator[MakeDatabase]:
    """``await make_database("kernel", "territory")``: open a fresh database with these domains.

    The platform's role owns it and is no superuser: row-level security holds it.
    """
    async with AsyncExitStack() as closing:

        async def make(*domains: str) -> Database:
            template = migrated_templates.get(domains)
            if template is None:
                template = f"template_{'_'.join(domains) or 'empty'}"
                filled = Database(await shared_postgres.create_database(template))
                await filled.open()
                if domains:
                    await migrate(filled, domains)
                await filled.close()
                migrated_templates[domains] = template
            name = f"test_{secrets.token_hex(6)}"
            database = Database(await shared_postgres.create_database(name, template))
            closing.push_async_callback(shared_postgres.drop_database, name)
            await database.open()
            closing.push_async_callback(database.close)
            return database

        yield make


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    """A fresh database with the kernel's tables."""
    return await make_database("kernel")


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a developer's own settings out of the tests."""
    for name in ("PGHOST", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)


def _keep_or_remove(server: PostgresServer, session: pytest.Session) -> None:
    if session.testsfailed:
        print(f"\nPostgreSQL's log is kept in {server.log_path}")  # noqa: T201 - for the person
    else:
        server.remove()
