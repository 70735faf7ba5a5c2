"""A running exchange with its history, on a database of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import msgspec
import pytest

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.model import Json
from beffroi.exchange.representation.changing import updated
from beffroi.exchange.representation.reading import read_entity, read_fragment
from beffroi.exchange.representation.writing import Form
from beffroi.exchange.service import Exchange
from beffroi.exchange.temporal.documents import read_record
from beffroi.exchange.temporal.model import Selection, Times
from beffroi.exchange.temporal.recording import Recorder
from beffroi.exchange.temporal.service import History
from beffroi.exchange.temporal.writing import EvolutionWriting, Shape, TemporalForm
from beffroi.kernel.database import Database
from beffroi.kernel.rights.model import Actor, Role
from tests.conftest import MakeDatabase
from tests.support.clocks import ManualClock

TOWN = Actor("town", Role.MANAGER, "town")
NEIGHBOUR = Actor("neighbour", Role.MANAGER, "neighbour")
OPERATOR = Actor("operator", Role.OPERATOR, "platform")


class TownHistory:
    """An exchange whose time the test moves, and what it remembers."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database = database
        self.clock = clock
        self.exchange = Exchange(database, clock)
        self.history = History(database)
        self.recorder = Recorder(database, clock)

    async def create(self, document: Json, actor: Actor = TOWN, tenant: str = "") -> None:
        entity = read_entity(document, CORE, self.clock.now())
        await self.exchange.create(actor, tenant, entity)

    async def patch(self, entity_id: str, document: Json, actor: Actor = TOWN) -> None:
        fragment = read_fragment(document, CORE, address=entity_id)
        now = self.clock.now()
        await self.exchange.change(
            actor, "", entity_id, lambda entity: updated(entity, fragment, now)
        )

    async def record(self, document: Json, actor: Actor = TOWN, tenant: str = "") -> bool:
        record = read_record(document, CORE, self.clock.now())
        return await self.recorder.record(actor, tenant, record)

    async def shown(
        self,
        entity_id: str,
        selection: Selection | None = None,
        shape: Shape = Shape.NORMALIZED,
        actor: Actor = TOWN,
        *,
        sys_attrs: bool = False,
    ) -> dict[str, Json]:
        """Return what an asker sees of the history of an entity, with short names."""
        asked = selection or Selection(times=Times())
        found = await self.history.evolution(actor, "", entity_id, asked)
        form = TemporalForm(
            shape=shape,
            members=Form(sys_attrs=sys_attrs),
            property=asked.times.property,
            aggregation=asked.aggregation,
        )
        emptied = {} if found.cut is None else found.cut.emptied.get(entity_id, {})
        written = EvolutionWriting(CORE, form).written(found.found[0], emptied)
        result: dict[str, Json] = msgspec.to_builtins(written)
        return result


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    """A fresh database with the tables of the kernel and of the exchange."""
    return await make_database("kernel", "exchange")


@pytest.fixture
async def town(database: Database, clock: ManualClock) -> AsyncIterator[TownHistory]:
    """A running exchange with its history."""
    made = TownHistory(database, clock)
    running = asyncio.create_task(made.exchange.run())
    yield made
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
