"""Engines in data folders of their own."""

import shutil
from collections.abc import AsyncIterator, Iterator
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
def own_places(tmp_path: Path) -> Iterator[Places]:
    """A data folder for one test."""
    made = Places.of(tmp_path / "data")
    yield made
    shutil.rmtree(made.runtime, ignore_errors=True)


@pytest.fixture
async def nginx(own_places: Places) -> AsyncIterator[NginxEngine]:
    """An nginx that was not started yet."""
    engine = NginxEngine(own_places, await found_nginx(), (free_port(),))
    yield engine
    await engine.stop()
