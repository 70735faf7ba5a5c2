"""One stage with nginx answering, and the issuers of the platform."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from beffroi.engines.drivers import found_nginx
from beffroi.kernel.database import Database
from tests.conftest import MakeDatabase
from tests.integration.delivery.stage import Stage


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    """A fresh database with the tables of the kernel and of delivery."""
    return await make_database("kernel", "delivery")


@pytest.fixture
async def stage(tmp_path: Path, database: Database) -> AsyncIterator[Stage]:
    """Prepared with an empty territory, and nginx answering."""
    made = Stage(tmp_path / "data", await found_nginx(), database)
    try:
        await made.controller.prepare()
        await made.engine.start()
        yield made
    finally:
        await made.stop()
