"""@contexts on a real database, and a real web server that they are fetched from."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from beffroi.exchange.contexts.service import Contexts
from beffroi.exchange.outgoing import Outgoing
from beffroi.kernel.database import Database
from tests.conftest import MakeDatabase
from tests.support.clocks import ManualClock
from tests.support.context_server import ContextServer, context_server

PUBLIC_URL = "https://bus.agglo-nimes.fr"
MakeContexts = Callable[..., Contexts]


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    """A fresh database with the exchange's tables."""
    return await make_database("kernel", "exchange")


@pytest.fixture
async def web() -> AsyncIterator[ContextServer]:
    """The web, as far as these tests go."""
    async with context_server() as server:
        yield server


@pytest.fixture
async def make_contexts(database: Database, clock: ManualClock) -> AsyncIterator[MakeContexts]:
    """``make_contexts()``: a process of the platform that uses @contexts."""
    async with AsyncExitStack() as closing:
        outgoing = await closing.enter_async_context(Outgoing(allow_internal=True))
        guarded = await closing.enter_async_context(Outgoing(allow_internal=False))

        def make(
            known: Mapping[str, Path] | None = None, *, allow_internal: bool = True
        ) -> Contexts:
            made = Contexts(
                database,
                outgoing if allow_internal else guarded,
                clock,
                public_url=PUBLIC_URL,
                known=known or {},
            )
            closing.push_async_callback(_stop, asyncio.create_task(made.run()))
            return made

        yield make


@pytest.fixture
async def contexts(make_contexts: MakeContexts) -> Contexts:
    """The @contexts of one process."""
    return make_contexts()


async def _stop(running: asyncio.Task[None]) -> None:
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
