"""A running page store on each nginx, shared by the tests; sites of one test."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from beffroi.engines.drivers import NginxBinary
from beffroi.kernel.database import Database
from beffroi.kernel.database.migrations import migrate
from beffroi.territory.model import PageRules, VisitorLimits
from tests.integration.delivery.binaries import NGINXES, nginx_named
from tests.integration.delivery.page_store.stage import PageStage, Site, opened_site
from tests.support.postgres import PostgresServer

OpenSite = Callable[..., Awaitable[Site]]
ON_ONE_NGINX = pytest.mark.parametrize("binary", ["system"], indirect=True, scope="session")


@pytest.fixture(params=NGINXES, scope="session")
async def binary(request: pytest.FixtureRequest) -> NginxBinary:
    """One of the two nginx."""
    return await nginx_named(request.param)


@pytest.fixture(scope="session")
async def stage(
    binary: NginxBinary,
    shared_postgres: PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[PageStage]:
    """The processes that tests share: each has sites of its own."""
    # The filler runs as a user of its own and enters the folder of PostgreSQL's socket.
    shared_postgres.folder.chmod(0o711)
    name = f"test_{secrets.token_hex(6)}"
    database = Database(await shared_postgres.create_database(name))
    await database.open()
    await migrate(database, ("kernel", "delivery"))
    made = PageStage(tmp_path_factory.mktemp("page_store"), binary, database)
    try:
        await made.start()
        yield made
    finally:
        await made.stop()
        await database.close()
        await shared_postgres.drop_database(name)


@pytest.fixture
async def open_site(stage: PageStage) -> AsyncIterator[OpenSite]:
    """``await open_site(pages=..., visitors=...)``: a site with an origin of its own."""
    async with AsyncExitStack() as closing:

        async def opened(
            pages: PageRules | None = None, visitors: VisitorLimits | None = None
        ) -> Site:
            return await closing.enter_async_context(
                opened_site(stage, pages=pages, visitors=visitors)
            )

        yield opened


@pytest.fixture
async def site(open_site: OpenSite) -> Site:
    """A site with the usual rules."""
    return await open_site()
