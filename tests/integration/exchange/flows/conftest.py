"""Flows on a real database, with real receivers."""

from collections.abc import AsyncIterator

import pytest

from beffroi.kernel.database import Database
from tests.conftest import MakeDatabase
from tests.support.flow_process import FlowProcess, flow_process
from tests.support.webhook_receiver import WebhookReceiver, webhook_receiver


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    """A fresh database with the exchange's tables."""
    return await make_database("kernel", "exchange")


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    """Who is told."""
    async with webhook_receiver() as made:
        yield made


@pytest.fixture
async def platform(database: Database) -> AsyncIterator[FlowProcess]:
    """A process that keeps entities and carries flows."""
    async with flow_process(database) as made:
        yield made
