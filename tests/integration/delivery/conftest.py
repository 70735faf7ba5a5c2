"""A running stage, once on each nginx that this machine has."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from beffroi.engines.drivers import NginxBinary
from beffroi.kernel.database import Database
from tests.conftest import MakeDatabase
from tests.integration.delivery.binaries import NGINXES, nginx_named
from tests.integration.delivery.stage import Browser, Stage


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    """A fresh database with the tables of the kernel and of delivery."""
    return await make_database("kernel", "delivery")


@pytest.fixture(params=NGINXES)
async def binary(request: pytest.FixtureRequest) -> NginxBinary:
    """One of the two nginx."""
    return await nginx_named(request.param)


@pytest.fixture
async def stage(tmp_path: Path, binary: NginxBinary, database: Database) -> AsyncIterator[Stage]:
    """Prepared with an empty territory, and nginx answering."""
    made = Stage(tmp_path / "data", binary, database)
    try:
        await made.controller.prepare()
        await made.engine.start()
        yield made
    finally:
        await made.stop()


@pytest.fixture
async def browser(stage: Stage) -> AsyncIterator[Browser]:
    """A client of the stage."""
    async with stage.browser() as opened:
        yield opened
