import pytest

from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import AttributeKind, Json
from beffroi.exchange.representation.languages import chosen_language, read_languages
from beffroi.exchange.representation.writing import Form, Style, written, written_feature
from tests.unit.exchange.representation.town_entities import (
    BUS,
    CONTEXT,
    CORE,
    bus,
    iri,
    thing,
)

EVERYTHING: dict[str, Json] = {
    "plain": {"type": "Property", "value": 3},
    "compound": {"type": "Property", "value": {"rue": "x"}},
    "shape": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [1, 2]}},
    "texts": {"type": "LanguageProperty", "languageMap": {"fr": "a", "nl": "b"}},
    "term": {"type": "VocabProperty", "vocab": "Bus"},
    "raw": {"type": "JsonProperty", "json": {"a": None}},
    "list": {"type": "ListProperty", "valueList": [1, 2]},
    "line": {"type": "Relationship", "object": "urn:a:1", "objectType": "Stop"},
    "route": {"type": "ListRelationship", "objectList": [{"object": "urn:a:1"}]},
    "twice": [
        {"type": "Property", "value": 1},
        {"type": "Property", "value": 2, "datasetId": "urn:d:1"},
    ],
    "measure": {"type": "Property", "value": 4, "unitCode": "KMH", "valueType": "xsd:double"},
}
OWN = {"id": "urn:ngsi-ld:Bus:1", "type": "Bus"}


def test_normalized_is_written_as_it_was_read() -> None:
    assert written(thing(**EVERYTHING), CONTEXT, Form()) == {**OWN, **EVERYTHING}


def test_simplified_keeps_values_alone() -> None:
    assert written(thing(**EVERYTHING), CONTEXT, Form(style=Style.SIMPLIFIED)) == {
        **OWN,
        "plain": 3,
        "compound": {"rue": "x"},
        "shape": {"type": "Point", "coordinates": [1, 2]},
        "texts": {"languageMap": {"fr": "a", "nl": "b"}},
        "term": {"vocab": "Bus"},
        "raw": {"json": {"a": None}},
        "list": [1, 2],
        "line": "urn:a:1",
        "route": ["urn:a:1"],
        "twice": {"dataset": {"@none": 1, "urn:d:1": 2}},
        "measure": 4,
    }


def test_concise_leaves_out_what_goes_without_saying() -> None:
    assert written(thing(**EVERYTHING), CONTEXT, Form(style=Style.CONCISE)) == {
        **OWN,
        "plain": 3,
        "compound": {"value": {"rue": "x"}},
        "shape": {"type": "Point", "coordinates": [1, 2]},
        "texts": {"languageMap": {"fr": "a", "nl": "b"}},
        "term": {"vocab": "Bus"},
        "raw": {"json": {"a": None}},
        "list": {"valueList": [1, 2]},
        "line": {"object": "urn:a:1", "objectType": "Stop"},
        "route": {"objectList": ["urn:a:1"]},
        "twice": [1, {"value": 2, "datasetId": "urn:d:1"}],
        "measure": {"value": 4, "unitCode": "KMH", "valueType": "xsd:double"},
    }


def test_concise_tells_the_type_of_what_only_looks_like_a_geometry() -> None:
    entity = thing(cell={"type": "Property", "value": {"type": "Point", "coordinates": [1, 2]}})
    cell = written(entity, CONTEXT, Form(style=Style.CONCISE))["cell"]
    assert cell == {"type": "Property", "value": {"type": "Point", "coordinates": [1, 2]}}


def test_scopes_are_one_text_or_a_list() -> None:
    assert written(bus(scope=["/a"]), CONTEXT, Form())["scope"] == "/a"
    assert written(bus(scope=["/a", "/b"]), CONTEXT, Form())["scope"] == ["/a", "/b"]


def test_dates_are_for_those_who_ask() -> None:
    end = "2030-01-01T00:00:00Z"
    entity = bus(expiresAt=end, speed={"value": 1, "expiresAt": end})
    assert "expiresAt" not in str(written(entity, CONTEXT, Form()))
    asked = written(entity, CONTEXT, Form(sys_attrs=True))
    dates = {
        "createdAt": "2026-07-14T09:30:00Z",
        "modifiedAt": "2026-07-14T09:30:00Z",
        "expiresAt": end,
    }
    assert {name: asked[name] for name in dates} == dates
    assert asked["speed"] == {"type": "Property", "value": 1, **dates}


@pytest.mark.parametrize(
    ("pick", "omit", "expected"),
    [
        (None, {"id"}, {"type", "speed", "line", "name", "location"}),
        (None, {"type", iri("name")}, {"id", "speed", "line", "location"}),
        ({"id"}, set(), {"id"}),
        ({iri("name")}, set(), {"name"}),
        ({"id", iri("name"), iri("doors")}, set(), {"id", "name"}),
        ({iri("name"), iri("line")}, {iri("line")}, {"name"}),
    ],
)
def test_members_are_picked_and_omitted(
    pick: set[str] | None, omit: set[str], expected: set[str]
) -> None:
    picked = None if pick is None else frozenset(pick)
    form = Form(pick=picked, omit=frozenset(omit), sys_attrs=pick is not None)
    assert set(written(bus(), CONTEXT, form)) == expected


@pytest.mark.parametrize(
    ("dataset_ids", "speed"),
    [
        ({""}, BUS["speed"][0]),
        ({"urn:ngsi-ld:Dataset:gps"}, BUS["speed"][1]),
        ({"", "urn:ngsi-ld:Dataset:gps"}, BUS["speed"]),
        ({"urn:d:0"}, None),
    ],
)
def test_instances_are_chosen_by_data_set(dataset_ids: set[str], speed: Json) -> None:
    form = Form(dataset_ids=frozenset(dataset_ids))
    assert written(bus(), CONTEXT, form).get("speed") == speed


@pytest.mark.parametrize(
    ("asked", "there", "chosen"),
    [
        ("fr", ["fr", "nl"], "fr"),
        ("FR", ["nl", "fr"], "fr"),
        ("fr;q=0.2,nl;q=0.9", ["fr", "nl"], "nl"),
        ("nl-BE", ["fr", "nl"], "nl"),
        ("en", ["de", "en-US"], "en-US"),
        ("fr-CH, fr;q=0.9, en;q=0.8, *;q=0.5", ["nl", "fr"], "fr"),
        ("*", ["fr", "nl"], "fr"),
        ("pt", ["fr", "nl"], "fr"),
        ("pt", ["fr", "@none"], "@none"),
        ("fr;q=0,nl;q=0.1", ["fr", "nl"], "nl"),
    ],
)
def test_a_language_is_chosen(asked: str, there: list[str], chosen: str) -> None:
    assert chosen_language(there, read_languages(asked)) == chosen


@pytest.mark.parametrize("asked", ["", "fr;q=2", "fr nl", "français"])
def test_what_asks_for_no_language_is_refused(asked: str) -> None:
    with pytest.raises(BadRequestDataError):
        read_languages(asked)


@pytest.mark.parametrize(
    ("style", "name"),
    [
        (Style.NORMALIZED, {"type": "Property", "value": "De zes", "lang": "nl"}),
        (Style.CONCISE, {"value": "De zes", "lang": "nl"}),
        (Style.SIMPLIFIED, "De zes"),
    ],
)
def test_texts_come_in_the_language_asked_for(style: Style, name: Json) -> None:
    form = Form(style=style, languages=read_languages("nl"))
    assert written(bus(), CONTEXT, form)["name"] == name


def test_old_askers_get_properties() -> None:
    form = Form(as_properties=frozenset({AttributeKind.VOCAB_PROPERTY}))
    entity = thing(term={"vocab": "Bus"}, raw={"json": {}})
    result = written(entity, CONTEXT, form)
    assert result["term"] == {"type": "Property", "value": "Bus"}
    assert result["raw"] == {"type": "JsonProperty", "json": {}}


def _linked(name: str, entity_id: str) -> Json:
    return {"id": entity_id, "by": CONTEXT.compact(name)} if entity_id != "urn:a:9" else None


@pytest.mark.parametrize(
    ("style", "line"),
    [
        (Style.NORMALIZED, {"type": "Relationship", "object": "urn:a:1",
                            "entity": {"id": "urn:a:1", "by": "line"}}),
        (Style.SIMPLIFIED, {"id": "urn:a:1", "by": "line"}),
    ],
)  # fmt: skip
def test_linked_entities_stand_in_their_relationships(style: Style, line: Json) -> None:
    entity = thing(line={"object": "urn:a:1"}, depot={"object": "urn:a:9"})
    result = written(entity, CONTEXT, Form(style=style), _linked)
    assert result["line"] == line
    assert "entity" not in str(result["depot"])


def test_lists_of_linked_entities() -> None:
    entity = thing(route={"objectList": ["urn:a:1", "urn:a:2"]}, both={"object": ["urn:a:1"]})
    result = written(entity, CONTEXT, Form(), _linked)
    assert [one["id"] for one in result["route"]["entityList"]] == ["urn:a:1", "urn:a:2"]
    assert [one["id"] for one in result["both"]["entity"]] == ["urn:a:1"]


def test_a_feature_has_its_geometry_and_no_second_id() -> None:
    feature = written_feature(bus(), CONTEXT, Form())
    properties = {key: value for key, value in BUS.items() if key != "id"}
    assert feature == {
        "id": BUS["id"],
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [2.77, 50.29]},
        "properties": properties,
    }


@pytest.mark.parametrize("name", ["speed", "doors"])
def test_a_feature_without_its_geometry_has_null(name: str) -> None:
    assert written_feature(bus(), CONTEXT, Form(), iri(name))["geometry"] is None


def test_the_geometry_of_a_feature_is_of_the_instance_shown() -> None:
    entity = thing(
        location=[
            {"value": {"type": "Point", "coordinates": [9, 9]}, "datasetId": "urn:d:1"},
            {"value": {"type": "Point", "coordinates": [1, 2]}},
        ]
    )
    assert written_feature(entity, CONTEXT, Form())["geometry"]["coordinates"] == [1, 2]
    form = Form(dataset_ids=frozenset({"urn:d:1"}))
    assert written_feature(entity, CONTEXT, form)["geometry"]["coordinates"] == [9, 9]
    assert written_feature(entity, CONTEXT, Form(), CORE + "location")["id"] == entity.id
