"""Orders of entities, and which of their members are shown."""

from typing import Any

import pytest

from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import Entity
from beffroi.exchange.query.ordering import OrderAsked, read_order
from beffroi.exchange.query.projection import Projection, read_projection
from tests.unit.exchange.representation.town_entities import CONTEXT, iri, thing


def at(longitude: float, latitude: float) -> dict[str, Any]:
    return {
        "type": "GeoProperty",
        "value": {"type": "Point", "coordinates": [longitude, latitude]},
    }


def prop(value: Any, **members: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, **members}


NEAR = thing(location=at(8.01, 40.01), probe=prop(5), address=prop({"city": "Amsterdam"}))
MID = thing(location=at(9, 41), probe=prop("five"), address=prop({"city": "Berlin"}))
FAR = thing(location=at(10, 45), address=prop({"city": "Zurich"}))
NAMES = {"near": NEAR, "mid": MID, "far": FAR}


def ordered(asked: OrderAsked, some: dict[str, Entity]) -> list[str]:
    rank = read_order(asked, CONTEXT)
    assert rank is not None
    return sorted(some, key=lambda name: rank(some[name]))


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("location;dist-asc", ["near", "mid", "far"]),
        ("location;dist-desc", ["far", "mid", "near"]),
        ("probe", ["near", "mid", "far"]),
        ("probe;desc", ["mid", "near", "far"]),
        ("address[city];desc", ["far", "mid", "near"]),
        ("type,address[city]", ["near", "mid", "far"]),
        ("type;asc,probe.createdAt;desc,address[city];desc", ["mid", "near", "far"]),
        ("id , address[city];desc", ["far", "mid", "near"]),
    ],
)
def test_entities_are_ordered(by: str, expected: list[str]) -> None:
    assert ordered(OrderAsked(by=by, origin="[8,40]"), NAMES) == expected


@pytest.mark.parametrize(
    ("collation", "expected"),
    [
        ("", ["A", "b", "Ähre", "á"]),
        ("und", ["A", "á", "Ähre", "b"]),
        ("de-u-co-phonebk", ["A", "á", "Ähre", "b"]),
        ("und-u-ks-identic", ["A", "á", "Ähre", "b"]),
    ],
)
def test_texts_follow_a_collation(collation: str, expected: list[str]) -> None:
    some = {name: thing(name=prop(name)) for name in ("b", "Ähre", "á", "A")}
    assert ordered(OrderAsked(by="name", collation=collation), some) == expected


@pytest.mark.parametrize(
    "asked",
    [
        OrderAsked(by="location;dist-asc"),
        OrderAsked(by="location;dist-asc", origin="8,40"),
        OrderAsked(by="id;dist-asc", origin=[8, 40]),
        OrderAsked(by="name;up"),
        OrderAsked(by="name,"),
        OrderAsked(by="name", collation="!!nope"),
        OrderAsked(by="name", collation="not a bcp47 tag!!"),
        OrderAsked(by="name", collation="sv"),
        OrderAsked(by="name", collation="fr-u-co-phonebk"),
    ],
)
def test_an_order_that_cannot_be_kept_is_refused(asked: OrderAsked) -> None:
    with pytest.raises(BadRequestDataError) as told:
        read_order(asked, CONTEXT)
    assert str(told.value)


def test_a_projection_follows_relationships() -> None:
    read = read_projection("pick", "id,line{id,name|source{speed}}", CONTEXT)
    inner = Projection(frozenset({iri("speed")}), {})
    line = Projection(frozenset({"id", iri("name")}), {iri("source"): inner})
    assert read == Projection(frozenset({"id"}), {iri("line"): line})
    assert read.depth == 2
    assert read.picked == {"id", iri("line")}


@pytest.mark.parametrize(
    "text",
    [
        *("id;name", "id,locatedAt{name", "id,locatedAt{{name}", "id,,name", "name||speed"),
        *("id,locatedAt{,name}", "id,locatedAt{}", "", "name}"),
    ],
)
def test_a_projection_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(BadRequestDataError) as told:
        read_projection("pick", text, CONTEXT)
    assert str(told.value)
