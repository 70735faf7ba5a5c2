"""Requests: what their URL or their body asks, and which of them are refused."""

from typing import Any

import pytest

from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.query.inquiry import Join
from beffroi.exchange.query.parameters import inquiry_of, inquiry_of_body
from beffroi.exchange.query.scope import scopes_asked
from beffroi.exchange.query.type_selection import types_asked
from beffroi.exchange.representation.reading import read_entity
from tests.unit.exchange.representation.town_entities import CONTEXT, NOW, bus, thing


def typed(*types: str, **members: Any) -> Any:
    return read_entity({"id": "urn:x:1", "type": list(types), **members}, CONTEXT, NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A", ["a", "ab"]),
        ("(A;B)", ["ab"]),
        ("A,C", ["a", "c", "ab"]),
        ("A|C", ["a", "c", "ab"]),
        ("(A;C),B", ["ab"]),
        ("*", ["a", "c", "ab"]),
        ("https://uri.etsi.org/ngsi-ld/default-context/C", ["c"]),
    ],
)
def test_types_are_selected(text: str, expected: list[str]) -> None:
    some = {"a": typed("A"), "c": typed("C"), "ab": typed("A", "B")}
    wanted = types_asked(text, CONTEXT).wanted
    assert [name for name, entity in some.items() if wanted(entity)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/Madrid/Gardens/ParqueNorte", ["one", "many"]),
        ("/Madrid/+/ParqueNorte", ["one", "many"]),
        ("/CompanyA/#", ["many"]),
        ("/Madrid/Gardens/ParqueNorte/#", ["one", "many"]),
        ("/Madrid", []),
        ("/#", ["one", "many"]),
        ("/Madrid/Gardens/ParqueNorte;/CompanyA/OrganizationB/UnitC", ["many"]),
        ("(/Madrid/Gardens/ParqueNorte;/Nowhere/AtAll)", []),
        ("/CompanyA/OrganizationB/UnitC|/Nowhere/AtAll", ["many"]),
        ("(/Madrid/Gardens/ParqueNorte;/CompanyA/#),CompanyB", ["many"]),
    ],
)
def test_scopes_are_selected(text: str, expected: list[str]) -> None:
    park = "/Madrid/Gardens/ParqueNorte"
    some = {
        "none": thing(),
        "one": thing(scope=park),
        "many": thing(scope=[park, "/CompanyA/OrganizationB/UnitC"]),
    }
    wanted = scopes_asked(text).wanted
    assert [name for name, entity in some.items() if wanted(entity)] == expected


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"id": "urn:a"},
        {"idPattern": ".*"},
        {"attrs": "createdAt"},
        {"q": 'modifiedAt>"2020-01-01T00:00:00Z"'},
        {"id": "thisisaninvaliduri1", "type": "Bus"},
        {"idPattern": "invalid**", "type": "Bus"},
        {"attrs": "id,type"},
        {"type": "*", "local": "false"},
        {"type": "(Bus"},
        {"type": "Bus", "georel": "within"},
        {"type": "Bus", "q": 'owner{name}=="x"'},
        {"type": "Bus", "q": 'owner{works{name}}=="x"', "join": "inline", "joinLevel": "1"},
        {"type": "Bus", "csf": "))bad(("},
        {"type": "Bus", "pick": "name", "omit": "name"},
        {"type": "Bus", "pick": "name", "attrs": "speed"},
        {"type": "Bus", "pick": "locatedAt{owner{name}}", "join": "inline", "joinLevel": "1"},
        {"type": "Bus", "omit": "locatedAt{name}"},
        {"type": "Bus", "pick": "a{" * 11 + "name" + "}" * 11, "join": "flat", "joinLevel": "10"},
        {"type": "Bus", "join": "inline", "joinLevel": "0"},
        {"type": "Bus", "join": "sideways"},
        {"type": "Bus", "scopeQ": "/a//b"},
    ],
)
def test_a_url_that_asks_wrongly_is_refused(parameters: dict[str, str]) -> None:
    with pytest.raises(BadRequestDataError) as told:
        inquiry_of(parameters, CONTEXT)
    assert str(told.value)


def test_a_url_is_read_whole() -> None:
    inquiry = inquiry_of(
        {
            "type": "Bus",
            "idPattern": "Bus:1",
            "q": "speed>30",
            "orderBy": "name",
            "pick": "id,line{name}",
            "join": "inline",
        },
        CONTEXT,
    )
    assert (inquiry.join, inquiry.join_level) == (Join.INLINE, 1)
    question = inquiry.question()
    assert question.wanted(bus())
    assert not question.wanted(bus(speed={"type": "Property", "value": 3}))
    assert question.rank is not None


BUSES = {"type": "Query", "entities": [{"type": "Bus"}]}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (BUSES, True),
        ({**BUSES, "q": "speed==31"}, True),
        ({**BUSES, "q": "speed%3E100"}, False),
        ({**BUSES, "attrs": ["speed"]}, True),
        ({"type": "Query", "entities": [{"type": "Stop"}, {"type": "Bus"}]}, True),
        (
            {
                "type": "Query",
                "entities": [{"type": "Bus", "id": "urn:ngsi-ld:Bus:12", "idPattern": "^x$"}],
            },
            True,
        ),
        ({"type": "Query", "entities": [{"type": "Bus", "id": ["urn:a", "urn:b"]}]}, False),
        (
            {
                **BUSES,
                "geoQ": {
                    "georel": "near;maxDistance==2000",
                    "geometry": "Point",
                    "coordinates": [2.77, 50.29],
                },
            },
            True,
        ),
    ],
)
def test_a_body_is_read(document: dict[str, Any], *, expected: bool) -> None:
    assert inquiry_of_body(document, CONTEXT).question().wanted(bus()) is expected


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"type": "NotQuery", "entities": [{"type": "Bus"}]},
        {"type": "Query", "entities": []},
        {"type": "Query", "entities": [{"id": "urn:a"}]},
        {"type": "Query", "entities": [{"type": "Bus", "id": "not a uri"}]},
        {"type": "Query", "entities": [{"type": "Bus", "id": ["urn:a", 5]}]},
        {**BUSES, "attrs": []},
        {**BUSES, "pick": []},
        {**BUSES, "q": 42},
        {**BUSES, "join": "inline", "joinLevel": 0},
        {**BUSES, "temporalQ": {}},
        {**BUSES, "geoQ": {"georel": "within"}},
        {**BUSES, "ordering": {"orderBy": ["location;dist-asc"]}},
        {**BUSES, "ordering": {"orderBy": ["location;dist-asc"], "coordinates": "8,40"}},
        {**BUSES, "ordering": {"orderBy": ["id;asc"], "geometry": 5}},
        {**BUSES, "ordering": {"orderBy": ["id;asc"], "collation": "not a bcp47 tag!!"}},
    ],
)
def test_a_body_that_asks_wrongly_is_refused(document: Any) -> None:
    with pytest.raises(BadRequestDataError) as told:
        inquiry_of_body(document, CONTEXT)
    assert str(told.value)
