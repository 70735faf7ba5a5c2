from datetime import UTC, datetime

import pytest

from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import Entity, Json
from beffroi.exchange.representation.changing import Changed
from beffroi.exchange.representation.merging import merged
from beffroi.exchange.representation.reading import read_fragment
from tests.unit.exchange.representation.town_entities import (
    BUS,
    CONTEXT,
    LATER,
    NULL,
    bus,
    iri,
    normalized,
    thing,
)

GPS = "urn:ngsi-ld:Dataset:gps"


def _merged(entity: Entity, **members: Json) -> Changed:
    return merged(entity, read_fragment(members, CONTEXT), LATER)


def test_a_merge_changes_parts_and_leaves_the_rest() -> None:
    changed = _merged(bus(), speed={"value": 40, "observedAt": "2026-07-14T09:30:59Z"})
    assert normalized(changed.entity)["speed"] == [
        {**BUS["speed"][0], "value": 40, "observedAt": "2026-07-14T09:30:59Z"},
        BUS["speed"][1],
    ]
    assert changed.updated == (iri("speed"),)


def test_an_empty_fragment_changes_nothing() -> None:
    entity = bus()
    assert _merged(entity).entity is entity
    assert _merged(entity, type="Bus").entity is entity
    assert _merged(entity, speed={"type": "Property"}).entity is entity


def test_a_merge_adds_what_is_not_there() -> None:
    changed = _merged(bus(), doors=3, speed={"value": 1, "datasetId": "urn:d:1"}, type="Stop")
    assert changed.updated == (iri("doors"), iri("speed"))
    assert changed.entity.types == (iri("Bus"), iri("Stop"))
    assert len(changed.entity.attributes[iri("speed")]) == 3


@pytest.mark.parametrize(
    ("before", "fragment", "after"),
    [
        ({"a": 1, "b": 2}, {"a": 3}, {"a": 3, "b": 2}),
        ({"a": 1, "b": 2}, {"a": NULL}, {"b": 2}),
        ({"a": {"c": 1, "d": 2}}, {"a": {"c": NULL, "e": {"f": NULL, "g": 1}}},
         {"a": {"d": 2, "e": {"g": 1}}}),
        ({"a": [1]}, {"a": [2]}, {"a": [2]}),
        (5, {"a": 1, "b": NULL}, {"a": 1}),
        ({"a": 1}, 5, 5),
    ],
)  # fmt: skip
def test_compound_values_are_merged(before: Json, fragment: Json, after: Json) -> None:
    changed = _merged(thing(address={"value": before}), address={"value": fragment})
    assert normalized(changed.entity)["address"]["value"] == after


def test_nulls_of_what_is_new_are_left_out() -> None:
    changed = _merged(thing(), address={"value": {"a": NULL, "b": 1}, "source": NULL}, doors=NULL)
    assert normalized(changed.entity)["address"] == {"type": "Property", "value": {"b": 1}}
    assert changed.updated == (iri("address"),)


def test_texts_are_merged_by_language() -> None:
    changed = _merged(bus(), name={"languageMap": {"nl": NULL, "en": "The six"}})
    assert normalized(changed.entity)["name"]["languageMap"] == {"fr": "Le six", "en": "The six"}
    left = _merged(bus(), name={"languageMap": {"nl": NULL, "fr": NULL}}).entity
    assert iri("name") not in left.attributes
    assert iri("name") not in _merged(thing(), name={"languageMap": {"fr": NULL}}).entity.attributes


@pytest.mark.parametrize("nothing", [NULL, {"value": NULL}, {"type": "Property", "value": NULL}])
def test_null_deletes_the_default_instance(nothing: Json) -> None:
    assert normalized(_merged(bus(), speed=nothing).entity)["speed"] == BUS["speed"][1]


def test_null_deletes_members_of_an_attribute() -> None:
    gone = {"datasetId": GPS, "observedAt": NULL, "source": {"type": "Property", "value": NULL}}
    assert normalized(_merged(bus(), speed=gone).entity)["speed"][1] == {
        "type": "Property",
        "value": 29.5,
        "datasetId": GPS,
    }


def test_scopes_and_ends_are_set_and_taken_away() -> None:
    entity = _merged(bus(), scope=["/a", "/b"], expiresAt="2030-01-01T00:00:00Z").entity
    assert (entity.scopes, entity.expires_at) == (("/a", "/b"), datetime(2030, 1, 1, tzinfo=UTC))
    changed = _merged(entity, scope=NULL, expiresAt=NULL)
    assert (changed.entity.scopes, changed.entity.expires_at) == ((), None)


def test_the_end_of_an_entity_changes_no_attribute() -> None:
    changed = _merged(bus(), expiresAt="2030-01-01T00:00:00Z")
    assert changed.updated == ()
    assert changed.entity.attributes == bus().attributes
    assert changed.entity.modified_at == LATER


@pytest.mark.parametrize(
    ("attribute", "simple", "expected"),
    [
        ({"object": "urn:a:1"}, "urn:a:2", {"type": "Relationship", "object": "urn:a:2"}),
        ({"object": "urn:a:1"}, "texte", {"type": "Property", "value": "texte"}),
        ({"languageMap": {"fr": "a"}}, "b",
         {"type": "LanguageProperty", "languageMap": {"fr": "a", "@none": "b"}}),
        ({"vocab": "Stop"}, "Bus", {"type": "VocabProperty", "vocab": "Bus"}),
        ({"vocab": "Stop"}, ["Bus", "x"], {"type": "VocabProperty", "vocab": ["Bus", "x"]}),
        ({"json": {"a": 1}}, {"b": 2}, {"type": "JsonProperty", "json": {"b": 2}}),
        ({"valueList": [1]}, [2, 3], {"type": "ListProperty", "valueList": [2, 3]}),
        ({"objectList": ["urn:a:1"]}, ["urn:a:2"],
         {"type": "ListRelationship", "objectList": [{"object": "urn:a:2"}]}),
        ({"value": 1, "unitCode": "KMH"}, 2, {"type": "Property", "value": 2, "unitCode": "KMH"}),
        ({"value": 1, "unitCode": "KMH"}, {"type": "Relationship", "object": "urn:a:1"},
         {"type": "Relationship", "object": "urn:a:1"}),
    ],
)  # fmt: skip
def test_simple_values_keep_the_type_that_is_there(
    attribute: Json, simple: Json, expected: Json
) -> None:
    assert normalized(_merged(thing(x=attribute), x=simple).entity)["x"] == expected


def test_a_merge_may_tell_the_language_and_the_time_for_all() -> None:
    changed = merged(
        bus(),
        read_fragment(
            {"name": "The six", "speed": {"value": 1, "datasetId": GPS}, "doors": 3}, CONTEXT
        ),
        LATER,
        language="en",
        observed_at=LATER,
    )
    after = normalized(changed.entity)
    assert after["name"]["languageMap"]["en"] == "The six"
    assert after["speed"][1]["observedAt"] == "2026-07-14T09:31:00Z"
    assert "observedAt" not in after["doors"]


@pytest.mark.parametrize(
    "members",
    [
        {"doors": {"type": "Property", "unitCode": "C62"}},
        {"line": {"unitCode": "KMH"}},
        {"line": {"type": "Property", "unitCode": "KMH"}},
    ],
)
def test_a_merge_leaves_no_half_attributes(members: dict[str, Json]) -> None:
    with pytest.raises(BadRequestDataError):
        _merged(bus(), **members)
