"""Which attributes a type has is told exactly, however many entities it has."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import pytest
from msgspec.structs import replace

from beffroi.exchange.asking.inventory_service import Inventory
from beffroi.exchange.model import Attribute, AttributeKind, Entity
from beffroi.exchange.service import Exchange, Wish
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.rights.model import Actor
from tests.integration.exchange.temporal.conftest import NEIGHBOUR, TOWN
from tests.unit.exchange.query.random_questions import NOW

_MANY = 210
_BUSES = [f"urn:ngsi-ld:Bus:{number}" for number in range(_MANY)]
_MIDDLE = _BUSES[_MANY // 2]
_SPEED = Attribute(kind=AttributeKind.PROPERTY, value=31)
_LINE = Attribute(kind=AttributeKind.RELATIONSHIP, value="urn:ngsi-ld:Line:1")


@pytest.fixture
async def exchange(database: Database) -> AsyncIterator[Exchange]:
    exchange = Exchange(database, SystemClock())
    running = asyncio.create_task(exchange.run())
    await _become(exchange, TOWN, _BUSES, lambda entity: replace(entity, attributes=_told(_SPEED)))
    yield exchange
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_an_attribute_that_one_of_many_has_is_told(
    database: Database, exchange: Exchange
) -> None:
    assert await _names(database) == {"speed": ("Property",)}
    await _become(exchange, TOWN, [_MIDDLE], lambda entity: _with(entity, line=_LINE))
    assert await _names(database) == {"speed": ("Property",), "line": ("Relationship",)}
    assert await _names(database, attribute="line") == {"line": ("Relationship",)}


async def test_a_kind_that_one_of_many_has_is_told(database: Database, exchange: Exchange) -> None:
    await _become(exchange, TOWN, [_MIDDLE], lambda entity: _with(entity, speed=_LINE))
    assert await _names(database) == {"speed": ("Property", "Relationship")}


async def test_an_attribute_that_nobody_has_any_more_is_not_told(
    database: Database, exchange: Exchange
) -> None:
    await _become(exchange, TOWN, [_MIDDLE], lambda entity: _with(entity, line=_LINE))
    await _become(
        exchange, TOWN, [_MIDDLE], lambda entity: replace(entity, attributes=_told(_SPEED))
    )
    assert await _names(database) == {"speed": ("Property",)}


async def test_a_neighbour_is_told_of_their_own_alone(
    database: Database, exchange: Exchange
) -> None:
    await _become(exchange, TOWN, [_MIDDLE], lambda entity: _with(entity, line=_LINE))
    assert await _names(database, actor=NEIGHBOUR) == {}
    own = "urn:ngsi-ld:Bus:own"
    await _become(exchange, NEIGHBOUR, [own], lambda entity: _with(entity, seats=_SPEED))
    assert await _names(database, actor=NEIGHBOUR) == {"seats": ("Property",)}


async def _become(
    exchange: Exchange, actor: Actor, ids: list[str], change: Callable[[Entity], Entity]
) -> None:
    def wish(entity_id: str) -> Wish:
        fresh = Entity(id=entity_id, types=("Bus",), created_at=NOW, modified_at=NOW)
        return Wish(entity_id, lambda held: change(held or fresh))

    outcomes = await exchange.carry_out(actor, "", [wish(one) for one in ids])
    assert set(outcomes) == {None}


async def _names(
    database: Database, actor: Actor = TOWN, attribute: str | None = None
) -> dict[str, tuple[str, ...]]:
    uses = await Inventory(database).uses(actor, "", type_iri="Bus", attribute=attribute)
    assert {one.entities for one in uses} <= {_MANY, 1}
    return {one.attribute: one.kinds for one in uses}


def _told(speed: Attribute) -> dict[str, tuple[Attribute, ...]]:
    return {"speed": (speed,)}


def _with(entity: Entity, **attributes: Attribute) -> Entity:
    told = {name: (one,) for name, one in attributes.items()}
    return replace(entity, attributes={**entity.attributes, **told})
