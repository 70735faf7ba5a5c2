import pytest

from beffroi.exchange.errors import BadRequestDataError, InvalidRequestError
from beffroi.exchange.model import AttributeKind, Json
from beffroi.exchange.representation.reading import read_attribute, read_entity, read_fragment
from tests.unit.exchange.representation.town_entities import (
    BUS,
    CONTEXT,
    CORE,
    NOW,
    NULL,
    iri,
    normalized,
    thing,
)

POINT = {"type": "Point", "coordinates": [2.77, 50.29]}
SQUARE = [[[2, 50], [3, 50], [3, 51], [2, 51], [2, 50]]]


def test_an_entity_is_written_as_it_was_read() -> None:
    assert normalized(read_entity(BUS, CONTEXT, NOW)) == BUS


def test_names_are_expanded_and_instances_dated() -> None:
    entity = read_entity(BUS, CONTEXT, NOW)
    assert entity.types == ("https://town.example/Bus",)
    speed = entity.attributes["https://town.example/speed"]
    assert [one.dataset_id for one in speed] == ["", "urn:ngsi-ld:Dataset:gps"]
    inner = speed[1].members["https://town.example/source"][0]
    assert {inner.created_at, speed[0].modified_at, entity.created_at} == {NOW}


@pytest.mark.parametrize(
    ("given", "kind", "value"),
    [
        (7, "Property", 7),
        ("texte", "Property", "texte"),
        (False, "Property", False),
        ([1, "deux"], "Property", [1, "deux"]),
        ([], "Property", []),
        ({"rue": "Grand-Place", "no": 6}, "Property", {"rue": "Grand-Place", "no": 6}),
        ({"type": "Adresse", "rue": "x"}, "Property", {"type": "Adresse", "rue": "x"}),
        ({"value": {"rue": "x"}}, "Property", {"rue": "x"}),
        (POINT, "GeoProperty", POINT),
        ({"value": POINT}, "GeoProperty", POINT),
        ({"type": "Property", "value": POINT}, "Property", POINT),
        ({"type": CORE + "Property", "value": 1}, "Property", 1),
        ({"@type": "Property", "value": 1}, "Property", 1),
        ({"object": "urn:a:1"}, "Relationship", "urn:a:1"),
        ({"object": ["urn:a:1", "urn:a:2"]}, "Relationship", ["urn:a:1", "urn:a:2"]),
        ({"object": "urn:ville:Orléans"}, "Relationship", "urn:ville:Orléans"),
        ({"languageMap": {"fr": ["a", "b"]}}, "LanguageProperty", {"fr": ["a", "b"]}),
        ({"languageMap": {"@none": "a"}}, "LanguageProperty", {"@none": "a"}),
        ({"json": {"a": None, "speed": 1}}, "JsonProperty", {"a": None, "speed": 1}),
        ({"json": []}, "JsonProperty", []),
        ({"valueList": [1, [2]]}, "ListProperty", [1, [2]]),
        ({"objectList": ["urn:a:1", {"object": "urn:a:2"}]}, "ListRelationship",
         ["urn:a:1", "urn:a:2"]),
        ({"type": "GeoProperty", "value": '{"type":"Point","coordinates":[1,2]}'}, "GeoProperty",
         {"type": "Point", "coordinates": [1, 2]}),
        ({"type": "GeoProperty", "value": {"type": "Polygon", "coordinates": SQUARE}},
         "GeoProperty", {"type": "Polygon", "coordinates": SQUARE}),
        ({"type": "GeoProperty", "value": {"type": "MultiPolygon", "coordinates": [SQUARE]}},
         "GeoProperty", {"type": "MultiPolygon", "coordinates": [SQUARE]}),
    ],
)  # fmt: skip
def test_every_form_of_an_attribute_is_read(given: Json, kind: str, value: Json) -> None:
    attribute = thing(vitesse=given).attributes[iri("vitesse")][0]
    assert attribute.kind is AttributeKind(kind)
    assert attribute.value == value


def test_terms_of_a_vocabulary_become_iris() -> None:
    entity = thing(genre={"vocab": ["Bus", "urbain"]})
    assert entity.attributes[iri("genre")][0].value == [iri("Bus"), iri("urbain")]


def test_a_map_of_data_sets_is_read_as_instances() -> None:
    entity = thing(speed={"dataset": {"@none": 3, "urn:d:1": {"languageMap": {"fr": "vite"}}}})
    instances = entity.attributes[iri("speed")]
    assert [(one.dataset_id, one.kind.value) for one in instances] == [
        ("", "Property"),
        ("urn:d:1", "LanguageProperty"),
    ]


def test_the_default_data_set_may_be_named() -> None:
    entity = thing(speed=[{"value": 1, "datasetId": "@none"}, {"value": 2, "datasetId": "urn:d:1"}])
    assert [one.dataset_id for one in entity.attributes[iri("speed")]] == ["", "urn:d:1"]


def test_keywords_of_json_ld_name_the_entity() -> None:
    entity = read_entity({"@id": "urn:a:1", "@type": ["Bus", "Stop", "Bus"]}, CONTEXT, NOW)
    assert (entity.id, entity.types) == ("urn:a:1", (iri("Bus"), iri("Stop")))


def test_what_only_the_hub_writes_is_left() -> None:
    entity = thing(createdAt="2020-01-01T00:00:00Z", speed={"value": 1, "modifiedAt": "hier"})
    assert entity.created_at == NOW
    assert entity.attributes[iri("speed")][0].modified_at == NOW


def test_scopes_get_their_slash() -> None:
    assert thing(scope=["/Nord/Arras", "Ville", "/Ville"]).scopes == ("/Nord/Arras", "/Ville")


@pytest.mark.parametrize(
    "text",
    [
        "2026-07-14T09:30:00Z",
        "2026-07-14T09:30:00.000Z",
        "2026-07-14T09:30:00.120Z",
        "2026-07-14T09:30:00.123456Z",
        "2026-07-14T09:30:00.1234567Z",
    ],
)
def test_an_instant_is_written_as_it_came(text: str) -> None:
    assert normalized(thing(speed={"value": 1, "observedAt": text}))["speed"]["observedAt"] == text


def test_a_proof_keeps_its_seals() -> None:
    proof = {
        "type": "Property",
        "value": {"type": "DataIntegrityProof"},
        "entityIdSealed": "urn:ngsi-ld:Bus:1",
        "entityTypeSealed": "Bus",
    }
    assert normalized(thing(ngsildproof=proof))["ngsildproof"] == proof


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"id": "bus 12"}, "not_an_id"),
        ({"id": "bus12"}, "not_an_id"),
        ({"id": NULL}, "not_an_id"),
        ({"id": 12}, "not_an_id"),
        ({"id": "urn:a:" + "é" * 1_000}, "not_an_id"),
        ({"id": "urn:a:b\u200bc"}, "not_an_id"),
        ({"id": "urn:a:b\u202ec"}, "not_an_id"),
        ({"id": "urn:a:b\u3164c"}, "not_an_id"),
        ({"id": "urn:a:b\ufe0fc"}, "not_an_id"),
        ({"id": "urn:a:b\ufdd0c"}, "not_an_id"),
        ({"id": "urn:a:b<c"}, "not_an_id"),
        ({"type": "type"}, "not_a_type"),
        ({"type": 3}, "not_a_type"),
        ({"type": []}, "type_missing"),
        ({"type": "9Bus"}, "not_a_name"),
        ({"scope": "/a//b"}, "not_a_scope"),
        ({"scope": "9a"}, "not_a_scope"),
        ({"scope": "a-b"}, "not_a_scope"),
        ({"scope": ["/a", "9"]}, "not_a_scope"),
        ({"scope": NULL}, "not_a_scope"),
        ({"scope": []}, "not_a_scope"),
        ({"expiresAt": "demain"}, "not_an_instant"),
        ({"expiresAt": "2026-13-45T00:00:00Z"}, "not_an_instant"),
        ({"my attr": 1}, "not_a_name"),
        ({"a" * 1_001: 1}, "not_a_name"),
        ({"datasetId": {"type": "Property", "value": 1}}, "name_reserved"),
        ({"observedAt": "2026-07-14T09:30:00Z"}, "name_reserved"),
        ({"@graph": []}, "name_reserved"),
        ({"https://town.example/speed": 2}, "name_twice"),
    ],
)  # fmt: skip
def test_an_entity_that_is_none_is_refused(members: dict[str, Json], code: str) -> None:
    with pytest.raises(BadRequestDataError) as raised:
        thing(speed=1, **members)
    assert raised.value.code == f"exchange.{code}"


@pytest.mark.parametrize(
    ("given", "code", "name"),
    [
        (None, "json_null", "speed"),
        ({"type": "Property", "value": None}, "json_null", "speed"),
        ({"type": "Property", "value": {"a": [None]}}, "json_null", "speed[a]"),
        ({"type": "Property"}, "value_missing", "speed"),
        ({"type": "Relationship"}, "value_missing", "speed"),
        ({"unitCode": "KMH"}, "value_missing", "speed"),
        ({"source": {"type": "Property", "value": 1}}, "value_missing", "speed"),
        ({"type": "LanguageProperty"}, "value_missing", "speed"),
        ({"type": "Proprety", "value": 1}, "kind_unknown", "speed"),
        ({"type": ["Property"], "value": 1}, "kind_unknown", "speed"),
        ({"value": 1, "object": "urn:a:1"}, "two_values", "speed"),
        ({"type": "Property", "object": "urn:a:1"}, "member_not_of_kind", "speed"),
        ({"type": "Relationship", "value": 1}, "member_not_of_kind", "speed"),
        ({"type": "Relationship", "object": "urn:a:1", "unitCode": "KMH"}, "member_not_of_kind",
         "speed"),
        ({"json": {}, "unitCode": "KMH"}, "member_not_of_kind", "speed"),
        ({"value": 1, "objectType": "Bus"}, "member_not_of_kind", "speed"),
        ({"value": 1, "previousValue": 0}, "member_reserved", "speed.previousValue"),
        ({"value": 1, "entityIdSealed": "urn:a:1"}, "member_reserved", "speed.entityIdSealed"),
        ({"value": 1, "@context": {}}, "member_reserved", "speed.@context"),
        ({"value": 1, "lang": "fr"}, "member_reserved", "speed.lang"),
        ({"value": 1, "my attr": 2}, "not_a_name", "my attr"),
        ({"value": 1, "source": {"type": "Property"}}, "value_missing", "speed.source"),
        ({"value": 1, "source": 1, "https://town.example/source": 2}, "name_twice",
         "speed.https://town.example/source"),
        ({"value": NULL}, "null_not_here", "speed"),
        (NULL, "null_not_here", "speed"),
        ({"object": NULL}, "null_not_here", "speed"),
        ({"languageMap": {"@none": NULL}}, "null_not_here", "speed"),
        ({"languageMap": {"fr": NULL}}, "null_not_here", "speed"),
        ({"value": {"a": {"b": NULL}}}, "null_not_here", "speed[a][b]"),
        ({"value": 1, "source": {"value": NULL}}, "null_not_here", "speed.source"),
        ({"value": 1, "unitCode": NULL}, "null_not_here", "speed.unitCode"),
        ({"value": 1, "observedAt": "hier"}, "not_an_instant", "speed.observedAt"),
        ({"value": 1, "observedAt": "2026-07-14T09:30:00+02:00"}, "not_an_instant",
         "speed.observedAt"),
        ({"value": 1, "observedAt": "2026-02-30T09:30:00Z"}, "not_an_instant", "speed.observedAt"),
        ({"value": 1, "observedAt": "20260714T093000Z"}, "not_an_instant", "speed.observedAt"),
        ({"value": 1, "observedAt": {"type": "Property", "value": "x"}}, "not_an_instant",
         "speed.observedAt"),
        ({"value": 1, "unitCode": 3}, "not_text", "speed.unitCode"),
        ({"value": 1, "datasetId": "gps"}, "not_a_uri", "speed.datasetId"),
        ({"value": 1, "datasetId": NULL}, "not_a_uri", "speed.datasetId"),
        ({"object": "arrêt 7"}, "not_a_uri", "speed"),
        ({"object": []}, "not_a_uri", "speed"),
        ({"objectList": ["urn:a:1", "arrêt 7"]}, "not_a_uri", "speed"),
        ({"objectList": "urn:a:1"}, "not_a_list", "speed"),
        ({"valueList": 1}, "not_a_list", "speed"),
        ({"languageMap": {}}, "not_languages", "speed"),
        ({"languageMap": {"fr": 5}}, "not_languages", "speed"),
        ({"languageMap": {"fr": ["a", 5]}}, "not_languages", "speed"),
        ({"languageMap": {"": "a"}}, "not_a_language", "speed"),
        ({"languageMap": {"fr": "a"}, "valueType": "xsd:string"}, "not_lang_string", "speed"),
        ({"vocab": 3}, "not_vocabulary", "speed"),
        ({"json": 5}, "not_json", "speed"),
        ([{"value": 1}, {"value": 2}], "dataset_twice", "speed"),
        ([{"value": 1}, {"value": 2, "datasetId": "@none"}], "dataset_twice", "speed"),
        ([{"type": "Property", "value": 1, "datasetId": "urn:d:1"},
          {"type": "Property", "value": 2, "datasetId": "urn:d:1"}], "dataset_twice", "speed"),
    ],
)  # fmt: skip
def test_an_attribute_that_is_none_is_refused(given: Json, code: str, name: str) -> None:
    with pytest.raises(BadRequestDataError) as raised:
        thing(speed=given)
    assert (raised.value.code, raised.value.values["name"]) == (f"exchange.{code}", name)


@pytest.mark.parametrize(
    ("geometry", "code"),
    [
        ("Arras", "geometry_unknown"),
        ("[" * 10_000 + "]" * 10_000, "geometry_unknown"),
        ("[" * 900 + "]" * 900, "geometry_unknown"),
        ({"type": "Point"}, "geometry_position"),
        ({"type": "Circle", "coordinates": [1, 2]}, "geometry_unknown"),
        ({"type": "GeometryCollection", "geometries": []}, "geometry_unknown"),
        ({"type": "Point", "coordinates": [1]}, "geometry_position"),
        ({"type": "Point", "coordinates": [1, 2, 3, 4]}, "geometry_position"),
        ({"type": "Point", "coordinates": [1, True]}, "geometry_position"),
        ({"type": "Point", "coordinates": [50.29, 181]}, "geometry_range"),
        ({"type": "Point", "coordinates": [-181, 0]}, "geometry_range"),
        ({"type": "LineString", "coordinates": [[1, 2]]}, "geometry_count"),
        ({"type": "MultiPoint", "coordinates": []}, "geometry_count"),
        ({"type": "Polygon", "coordinates": [[[1, 2], [3, 4], [1, 2]]]}, "geometry_count"),
        ({"type": "Polygon", "coordinates": [[[1, 2], [3, 4], [5, 6], [7, 8]]]}, "geometry_open"),
    ],
)  # fmt: skip
def test_a_geometry_that_is_none_is_refused(geometry: Json, code: str) -> None:
    with pytest.raises(BadRequestDataError) as raised:
        thing(location={"type": "GeoProperty", "value": geometry})
    assert raised.value.code == f"exchange.{code}"


def test_a_location_is_a_geometry() -> None:
    with pytest.raises(BadRequestDataError, match="has to be a GeoProperty"):
        thing(location={"type": "Property", "value": 7})


def test_a_polygon_that_crosses_itself_is_read() -> None:
    bow_tie = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    assert thing(zone=bow_tie).attributes[iri("zone")][0].value == bow_tie


def test_attributes_of_attributes_end_somewhere() -> None:
    nested: Json = {"type": "Property", "value": 0}
    for _ in range(10):
        nested = {"type": "Property", "value": 1, "source": nested}
    with pytest.raises(BadRequestDataError, match="more than 10 deep"):
        thing(speed=nested)
    assert thing(speed=nested["source"]).attributes


def test_a_proof_without_its_object_is_refused() -> None:
    with pytest.raises(BadRequestDataError, match="is no proof"):
        thing(ngsildproof={"type": "Property", "value": "z58"})


def test_an_id_is_in_the_url_or_in_the_body_and_the_same_in_both() -> None:
    body: Json = {"type": "Bus"}
    assert read_entity(body, CONTEXT, NOW, address="urn:a:1").id == "urn:a:1"
    with pytest.raises(BadRequestDataError, match="has no id"):
        read_entity(body, CONTEXT, NOW)
    with pytest.raises(BadRequestDataError, match="is about «urn:a:2»"):
        read_entity({**body, "id": "urn:a:2"}, CONTEXT, NOW, address="urn:a:1")
    with pytest.raises(BadRequestDataError, match="is about «urn:a:2»"):
        read_fragment({"id": "urn:a:2"}, CONTEXT, address="urn:a:1")


@pytest.mark.parametrize("document", [[], 3, None, "x"])
def test_what_is_no_object_is_no_request(document: Json) -> None:
    with pytest.raises(InvalidRequestError):
        read_entity(document, CONTEXT, NOW)
    with pytest.raises(InvalidRequestError):
        read_fragment(document, CONTEXT)


@pytest.mark.parametrize(
    ("name", "document", "code"),
    [
        ("speed", {}, "fragment_empty"),
        ("speed", {"type": "Property"}, "fragment_empty"),
        ("speed", [], "fragment_empty"),
        ("speed", {"datasetId": NULL}, "not_a_uri"),
        ("scope", {"value": "/a"}, "name_reserved"),
        ("@type", {"value": 1}, "name_reserved"),
        ("speed", [{"value": 1}, {"value": 2}], "dataset_twice"),
    ],
)
def test_an_attribute_alone_has_to_tell_something(name: str, document: Json, code: str) -> None:
    with pytest.raises(BadRequestDataError) as raised:
        read_attribute(name, document, CONTEXT)
    assert raised.value.code == f"exchange.{code}"


def test_a_message_quotes_little_and_nothing_invisible() -> None:
    with pytest.raises(BadRequestDataError) as raised:
        thing(speed={"object": "a\u202eb" + "c" * 500})
    assert raised.value.values["found"] == "a\\u202eb" + "c" * 71 + "…"
