"""Engines in data folders of their own."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from beffroi.engines.drivers import NginxEngine, PostgresqlEngine, found_nginx
from beffroi.kernel.places import Places
from beffroi.kernel.secrets import SealingKey
from tests.integration.engines.configuration import free_port


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    """A data folder for a whole module."""
    return Places.of(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
async def postgresql(places: Places) -> AsyncIterator[PostgresqlEngine]:
    """A PostgreSQL as the platform starts its own."""
    engine = PostgresqlEngine(places, SealingKey.of_folder(places.data))
    await engine.start()
    yield engine
    await engine.stop()
    shutil.rmtree(places.runtime, ignore_errors=True)


@pytest.fixture
async def nginx(tmp_path: Path) -> AsyncIterator[NginxEngine]:
    """An nginx that was not started yet."""
    own = Places.of(tmp_path / "data")
    engine = NginxEngine(own, await found_nginx(), (free_port(),))
    yield engine
    await engine.stop()
    shutil.rmtree(own.runtime, ignore_errors=True)
