"""Entities are found by what people call them, or by how their ids begin, and by rights alone."""

import re
from asyncio import create_task, gather
from collections.abc import AsyncIterator, Sequence
from functools import partial

import msgspec
import pytest

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.declarations import GivenDeclarations
from beffroi.exchange.declared import ExchangeFile
from beffroi.exchange.model import Entity, Json
from beffroi.exchange.representation.reading import read_entity
from beffroi.exchange.service import Wish
from beffroi.exchange.viewing import pointing
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import fetch_tuples
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.rights.model import Actor, Role
from tests.integration.console.house import House

GASTON = Actor("gaston", Role.MANAGER, "mairie")
STATION = "urn:ngsi-ld:Stop:central"
PLACES = {
    STATION: {"type": "Property", "value": "Gare de l'Œuvre, côté Église"},
    "urn:ngsi-ld:Stop:north": {
        "type": "LanguageProperty",
        "languageMap": {"fr": "Gare du Nord", "en": "North Station"},
    },
    "urn:ngsi-ld:Depot:north-2": {"type": "Property", "value": "Dépôt"},
}


async def _carried_out(house: House, wishes: Sequence[Wish]) -> None:
    outcomes = await house.platform.services.exchange.exchange.carry_out(GASTON, "", wishes)
    assert [one for one in outcomes if one is not None] == []


def _place(entity_id: str, name: Json) -> Entity:
    document = {
        "id": entity_id,
        "type": entity_id.split(":")[2],
        "name": name,
        "size": {"type": "Property", "value": 3},
    }
    return read_entity(document, CORE, SystemClock().now())


@pytest.fixture
async def placed(house: House) -> AsyncIterator[House]:
    """A console with places of the town hall."""
    running = create_task(house.platform.services.exchange.exchange.run())
    entities = [_place(*one) for one in PLACES.items()]
    await _carried_out(house, [Wish(one.id, partial(_instead, one)) for one in entities])
    yield house
    running.cancel()
    await gather(running, return_exceptions=True)


def _instead(given: Entity, _: Entity | None) -> Entity:
    return given


async def _found(house: House, who: str, name: str, **asked: str) -> list[str]:
    client = await house.signed_in(who)
    page = await client.get("/exchange/search", params={"name": name, **asked})
    assert page.status_code == 200
    return re.findall(r'href="/exchange/entities/([^"]+)"', page.text)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("eglise OEUVRE", [STATION]),
        ("gar", ["urn:ngsi-ld:Stop:north", STATION]),
        ("station nor", ["urn:ngsi-ld:Stop:north"]),
        ("gare depot", []),
        ("central", [STATION]),
        ("urn:ngsi-ld:Stop:", [STATION, "urn:ngsi-ld:Stop:north"]),
        ("north", ["urn:ngsi-ld:Depot:north-2", "urn:ngsi-ld:Stop:north"]),
        ("n_rth", []),
        ("', \\ % \x7f «»", []),
    ],
)
async def test_words_that_begin_so_are_found_whatever_their_accents_or_case(
    placed: House, name: str, found: list[str]
) -> None:
    assert sorted(await _found(placed, "gaston", name)) == sorted(found)


@pytest.mark.parametrize(
    "name", ["Rue de la rue", "été Ete", "a" * 41 + " " + "a" * 42, "\x01 \x01", "a-b_a"]
)
async def test_a_name_may_say_a_word_twice(placed: House, name: str) -> None:
    entity = _place("urn:ngsi-ld:Stop:twice", {"type": "Property", "value": name})
    await _carried_out(placed, [Wish(entity.id, partial(_instead, entity))])
    assert await _found(placed, "gaston", name) == [entity.id]


async def test_a_search_within_a_type_finds_that_type_alone(placed: House) -> None:
    assert await _found(placed, "olga", "north", kind="Depot") == ["urn:ngsi-ld:Depot:north-2"]


async def test_a_neighbour_finds_nothing_and_by_a_name_that_is_hidden_nothing_either(
    placed: House,
) -> None:
    assert await _found(placed, "edith", "gare") == []
    assert await _found(placed, "edith", "central") == []
    await _give(placed, ["size"])
    assert await _found(placed, "edith", "gare") == []
    assert await _found(placed, "edith", "urn:ngsi-ld:Stop:c") == [STATION]
    await _give(placed, ["size", "name"])
    assert sorted(await _found(placed, "edith", "gare")) == [STATION, "urn:ngsi-ld:Stop:north"]


async def _give(house: House, attributes: Sequence[str]) -> None:
    policy = {"name": "stops", "to": ["ecole"], "types": ["Stop"], "attributes": attributes}
    given = GivenDeclarations(
        source="stops.yaml",
        declared=msgspec.convert({"policies": {"stops": policy}}, ExchangeFile),
    )
    await house.platform.services.declarations.apply(GASTON, given)
    await house.platform.services.exchange.governance.rules.renew()


async def test_words_follow_a_name_that_changes_and_an_entity_that_goes(placed: House) -> None:
    renamed = _place(STATION, {"type": "Property", "value": "Terminus"})
    await _carried_out(placed, [Wish(STATION, lambda _: renamed)])
    assert await _found(placed, "gaston", "terminus") == [STATION]
    assert await _found(placed, "gaston", "eglise") == []
    await _carried_out(placed, [Wish(one, lambda _: None) for one in PLACES])
    async with placed.platform.foundation.database.transaction(EVERYTHING) as connection:
        assert await fetch_tuples(connection, "select word from exchange.name_word", ()) == []


async def test_what_leads_to_an_entity_is_told_with_its_name(placed: House) -> None:
    near = {
        "id": "urn:ngsi-ld:Bike:1",
        "type": "Bike",
        "at": {"type": "Relationship", "object": STATION},
    }
    bike = read_entity(near, CORE, SystemClock().now())
    await _carried_out(placed, [Wish(bike.id, lambda _: bike)])
    client = await placed.signed_in("gaston")
    page = (await client.get(f"/exchange/entities/{STATION}/pointing")).text
    assert '<a href="/exchange/entities/urn:ngsi-ld:Bike:1">Bike 1</a>' in page
    there = (await client.get("/exchange/entities/urn:ngsi-ld:Bike:1")).text
    assert f'title="{STATION}">Gare de l&#39;Œuvre, côté Église</a>' in there
    stranger = await placed.signed_in("edith")
    assert (await stranger.get(f"/exchange/entities/{STATION}/pointing")).status_code == 404


async def test_a_relationship_whose_name_holds_signs_of_the_query_language_leads_somewhere(
    placed: House,
) -> None:
    name = "https://example.org/near;by=(1)"
    near = {
        "id": "urn:ngsi-ld:Bike:1",
        "type": "Bike",
        name: {"type": "Relationship", "object": STATION},
    }
    bike = read_entity(near, CORE, SystemClock().now())
    await _carried_out(placed, [Wish(bike.id, lambda _: bike)])
    client = await placed.signed_in("gaston")
    answer = await client.get(f"/exchange/entities/{STATION}/pointing")
    assert answer.status_code == 200
    assert '<a href="/exchange/entities/urn:ngsi-ld:Bike:1">' in answer.text


async def test_of_relationships_that_take_long_those_that_nobody_gives_are_not_named(
    placed: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = {
        "id": "urn:ngsi-ld:Camera:1",
        "type": "Camera",
        "watches": {"type": "Relationship", "object": STATION},
    }
    camera = read_entity(watcher, CORE, SystemClock().now())
    await _carried_out(placed, [Wish(camera.id, lambda _: camera)])
    await _give(placed, ["name"])
    monkeypatch.setattr(pointing, "_WITHIN_S", 0.0)
    for who, is_named in (("gaston", True), ("edith", False)):
        client = await placed.signed_in(who)
        answer = await client.get(f"/exchange/entities/{STATION}/pointing")
        assert answer.status_code == 200
        assert ("watches" in answer.text) is is_named
