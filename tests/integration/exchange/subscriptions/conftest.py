"""Subscriptions on a real database, with a real receiver."""

from collections.abc import AsyncIterator

import pytest

from beffroi.kernel.database import Database
from tests.conftest import MakeDatabase
from tests.support.exchange_process import ExchangeProcess, exchange_process
from tests.support.notification_receiver import NotificationReceiver, notification_receiver


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    """A fresh database with the exchange's tables."""
    return await make_database("kernel", "exchange")


@pytest.fixture
async def receiver() -> AsyncIterator[NotificationReceiver]:
    """Who is told."""
    async with notification_receiver() as made:
        yield made


@pytest.fixture
async def platform(database: Database) -> AsyncIterator[ExchangeProcess]:
    """A process that keeps entities and tells of them."""
    async with exchange_process(database) as made:
        yield made
