"""A database with the tables of the territory."""

import pytest

from beffroi.kernel.database import Database
from tests.conftest import MakeDatabase


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    """A fresh database with the tables of the kernel and of the territory."""
    return await make_database("kernel", "territory")
