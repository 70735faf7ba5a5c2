"""What the writer leaves behind: entities changed in part, whole ones, and one order of the log."""

import asyncio
from contextlib import suppress

from beffroi.exchange import store
from beffroi.exchange.committing import Command, EntityWriter
from beffroi.exchange.model import LOCATION, Attribute, AttributeKind, Entity
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import fetch_tuples
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import GroupCommit
from tests.conftest import MakeDatabase

KEY = ("", "urn:ngsi-ld:Bench:1")


def _entity(**values: object) -> Entity:
    now = SystemClock().now()
    attributes: dict[str, tuple[Attribute, ...]] = {
        f"https://example.org/{name}": (Attribute(kind=AttributeKind.PROPERTY, value=value),)
        for name, value in values.items()
    }
    kinds = ("https://example.org/Bench",)
    return Entity(id=KEY[1], types=kinds, attributes=attributes, created_at=now, modified_at=now)


def _with(entity: Entity, place: list[float]) -> Entity:
    value = {"type": "Point", "coordinates": place}
    location = Attribute(kind=AttributeKind.GEO_PROPERTY, value=value)
    return Entity(
        id=entity.id,
        types=entity.types,
        attributes={**entity.attributes, LOCATION: (location,)},
        created_at=entity.created_at,
        modified_at=entity.modified_at,
    )


def _decided(entity: Entity) -> Command:
    return Command(tenant="", id=entity.id, scope=EVERYTHING, decide=lambda _: entity)


async def test_changes_leave_the_entity_that_was_decided_and_its_bounds(
    make_database: MakeDatabase,
) -> None:
    database = await make_database("kernel", "exchange")
    writer = GroupCommit(database, EVERYTHING, EntityWriter(SystemClock()).write)
    running = asyncio.create_task(writer.run())
    first = _entity(seats=4, colour="green", wood="oak")
    kept = {name: one for name, one in first.attributes.items() if not name.endswith("wood")}
    new = _entity(seats=5).attributes
    second = Entity(
        id=first.id,
        types=first.types,
        attributes={**kept, **new},
        created_at=first.created_at,
        modified_at=SystemClock().now(),
    )
    for decided in (first, second, _with(second, [4.36, 43.83])):
        assert await writer.submit(_decided(decided)) is None
        async with database.transaction(EVERYTHING) as connection:
            held = await store.entity_by_id(connection, KEY)
        assert held is not None
        assert held.entity == decided
    async with database.transaction(EVERYTHING) as connection:
        bounds = await fetch_tuples(connection, "select bounds::text from exchange.entity")
    assert bounds == [("(4.36,43.83),(4.36,43.83)",)]
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
