import pytest

from beffroi.exchange.errors import BadRequestDataError, ResourceNotFoundError
from beffroi.exchange.model import Entity, Json
from beffroi.exchange.representation.changing import (
    Changed,
    NotUpdated,
    WhyNot,
    alive,
    appended,
    attribute_deleted,
    attribute_patched,
    attribute_replaced,
    replaced,
    scopes_deleted,
    updated,
)
from beffroi.exchange.representation.reading import read_attribute, read_fragment
from tests.unit.exchange.representation.town_entities import (
    BUS,
    CONTEXT,
    LATER,
    NOW,
    NULL,
    bus,
    iri,
    normalized,
    thing,
)

GPS = "urn:ngsi-ld:Dataset:gps"


def _appended(entity: Entity, *, overwrite: bool, **members: Json) -> Changed:
    return appended(entity, read_fragment(members, CONTEXT), LATER, overwrite=overwrite)


def _updated(entity: Entity, **members: Json) -> Changed:
    return updated(entity, read_fragment(members, CONTEXT), LATER)


def _patched(entity: Entity, name: str, document: Json) -> Changed:
    return attribute_patched(entity, *read_attribute(name, document, CONTEXT), LATER)


def _replaced(entity: Entity, name: str, document: Json) -> Changed:
    return attribute_replaced(entity, *read_attribute(name, document, CONTEXT), LATER)


def test_an_append_adds_and_replaces() -> None:
    changed = _appended(bus(), overwrite=True, speed={"value": 40}, doors=3, type=["Stop", "Bus"])
    assert changed.updated == (iri("speed"), iri("doors"))
    assert normalized(changed.entity) == {
        **BUS,
        "type": ["Bus", "Stop"],
        "speed": [{"type": "Property", "value": 40}, BUS["speed"][1]],
        "doors": {"type": "Property", "value": 3},
    }


def test_an_append_that_may_not_overwrite_says_what_it_left() -> None:
    changed = _appended(
        bus(),
        overwrite=False,
        line={"object": "urn:ngsi-ld:Line:7"},
        speed={"value": 1, "datasetId": "urn:d:odometer"},
    )
    assert changed.updated == (iri("speed"),)
    assert changed.not_updated == (NotUpdated(iri("line"), WhyNot.ALREADY_THERE),)
    assert normalized(changed.entity)["line"] == BUS["line"]
    assert len(changed.entity.attributes[iri("speed")]) == 3


@pytest.mark.parametrize(("overwrite", "scopes"), [(True, ("/b",)), (False, ("/a", "/b"))])
def test_scopes_are_replaced_or_added(*, overwrite: bool, scopes: tuple[str, ...]) -> None:
    assert _appended(bus(scope="/a"), overwrite=overwrite, scope="/b").entity.scopes == scopes


@pytest.mark.parametrize("members", [{"speed": NULL}, {"scope": NULL}, {}])
def test_an_append_deletes_nothing(members: dict[str, Json]) -> None:
    with pytest.raises(BadRequestDataError):
        _appended(bus(), overwrite=True, **members)


def test_an_update_replaces_whole_instances() -> None:
    changed = _updated(bus(), speed={"type": "Property", "value": 40, "datasetId": GPS})
    assert normalized(changed.entity)["speed"] == [
        BUS["speed"][0],
        {"type": "Property", "value": 40, "datasetId": GPS},
    ]


def test_an_update_keeps_dates_of_birth() -> None:
    entity = _updated(bus(), speed={"value": 40, "datasetId": GPS, "source": "x", "to": 1}).entity
    instance = entity.attributes[iri("speed")][1]
    assert (instance.created_at, instance.modified_at) == (NOW, LATER)
    assert instance.members[iri("source")][0].created_at == NOW
    assert instance.members[iri("to")][0].created_at == LATER
    assert (entity.created_at, entity.modified_at) == (NOW, LATER)


def test_an_update_may_change_the_type_of_an_attribute() -> None:
    changed = _updated(bus(), line={"type": "Property", "value": "6"})
    assert normalized(changed.entity)["line"] == {"type": "Property", "value": "6"}


@pytest.mark.parametrize(
    ("name", "nothing"),
    [
        ("speed", {"type": "Property", "value": NULL, "datasetId": GPS}),
        ("line", {"type": "Relationship", "object": NULL}),
        ("name", {"type": "LanguageProperty", "languageMap": {"@none": NULL}}),
        ("name", {"languageMap": NULL}),
        ("location", {"type": "GeoProperty", "value": NULL}),
        ("line", NULL),
    ],
)
def test_null_deletes_the_instance(name: str, nothing: Json) -> None:
    expected = {**BUS, "speed": BUS["speed"][0]} if name == "speed" else dict(BUS)
    if name != "speed":
        del expected[name]
    assert normalized(_updated(bus(), **{name: nothing}).entity) == expected
    if isinstance(nothing, dict):
        assert normalized(_patched(bus(), name, nothing).entity) == expected


def test_what_is_not_there_cannot_be_updated_away() -> None:
    changed = _updated(bus(), doors=NULL, scope="/a")
    assert changed.entity == bus()
    assert changed.not_updated == (
        NotUpdated("scope", WhyNot.NOT_THERE),
        NotUpdated(iri("doors"), WhyNot.NOT_THERE),
    )


def test_an_update_moves_an_entity_between_scopes() -> None:
    assert _updated(bus(scope="/a"), scope="/b").entity.scopes == ("/b",)
    assert _updated(bus(scope="/a"), scope=NULL).entity.scopes == ()


@pytest.mark.parametrize(
    "speed",
    [
        {"value": {"a": NULL}},
        {"type": "Property", "unitCode": "KMH"},
        {"value": 1, "source": {"value": NULL}},
    ],
)
def test_an_update_needs_whole_attributes(speed: Json) -> None:
    with pytest.raises(BadRequestDataError):
        _updated(bus(), speed=speed)


def test_a_patch_leaves_what_it_does_not_tell() -> None:
    changed = _patched(bus(), "speed", {"value": 12, "datasetId": GPS})
    assert normalized(changed.entity)["speed"][1] == {**BUS["speed"][1], "value": 12}
    assert changed.updated == (iri("speed"),)


def test_a_patch_removes_members_by_null() -> None:
    nothing = {"datasetId": GPS, "observedAt": NULL, "source": {"value": NULL}}
    assert normalized(_patched(bus(), "speed", nothing).entity)["speed"][1] == {
        "type": "Property",
        "value": 29.5,
        "datasetId": GPS,
    }
    assert (
        "unitCode"
        not in normalized(_patched(bus(), "speed", {"unitCode": NULL}).entity)["speed"][0]
    )


def test_a_patch_adds_and_changes_attributes_of_the_attribute() -> None:
    changed = _patched(
        bus(), "speed", {"datasetId": GPS, "accuracy": 0.5, "source": {"unitCode": "X"}}
    )
    speed = normalized(changed.entity)["speed"][1]
    assert speed["accuracy"] == {"type": "Property", "value": 0.5}
    assert speed["source"] == {"type": "Property", "value": "GPS", "unitCode": "X"}


def test_a_patch_replaces_texts_of_all_languages() -> None:
    changed = _patched(bus(), "name", {"languageMap": {"en": "The six"}})
    assert normalized(changed.entity)["name"]["languageMap"] == {"en": "The six"}


def test_a_patch_of_a_geometry_gives_a_geometry() -> None:
    moved = {"type": "Point", "coordinates": [2.8, 50.3]}
    assert normalized(_patched(bus(), "location", moved).entity)["location"]["value"] == moved
    with pytest.raises(BadRequestDataError):
        _patched(thing(zone={"value": moved}), "zone", {"value": 5})


def test_a_plain_value_may_look_like_a_geometry() -> None:
    shape = {"type": "Point", "coordinates": [500, 500]}
    plain = thing(cell={"type": "Property", "value": 1})
    changed = _patched(plain, "cell", {"type": "Property", "value": shape})
    assert normalized(changed.entity)["cell"]["value"] == shape


@pytest.mark.parametrize(
    ("name", "document", "code"),
    [
        ("speed", {"type": "Relationship", "object": "urn:a:1"}, "kind_changes"),
        ("speed", {"object": "urn:a:1"}, "kind_changes"),
        ("line", {"type": "Property", "observedAt": "2026-07-14T09:30:00Z"}, "kind_changes"),
        ("line", {"unitCode": "KMH"}, "member_not_of_kind"),
        ("speed", {"value": {"a": NULL}}, "null_not_here"),
        ("name", {"languageMap": {"fr": NULL}}, "null_not_here"),
    ],
)
def test_a_patch_fits_the_attribute(name: str, document: Json, code: str) -> None:
    with pytest.raises(BadRequestDataError) as raised:
        _patched(bus(), name, document)
    assert raised.value.code == f"exchange.{code}"


@pytest.mark.parametrize(
    ("name", "document", "code"),
    [
        ("doors", {"value": 1}, "attribute_absent"),
        ("speed", {"value": 1, "datasetId": "urn:d:0"}, "instance_absent"),
    ],
)
def test_only_what_is_there_is_patched_or_replaced(name: str, document: Json, code: str) -> None:
    for change in (_patched, _replaced):
        with pytest.raises(ResourceNotFoundError) as raised:
            change(bus(), name, document)
        assert raised.value.code == f"exchange.{code}"


def test_replacing_an_attribute_keeps_its_place_and_date_of_birth() -> None:
    changed = _replaced(bus(), "speed", {"type": "Property", "value": 60})
    first = changed.entity.attributes[iri("speed")][0]
    assert (first.value, first.unit_code, first.created_at, first.modified_at) == (
        60,
        "",
        NOW,
        LATER,
    )


def test_replacing_an_attribute_needs_a_value() -> None:
    with pytest.raises(BadRequestDataError, match="without its value"):
        _replaced(bus(), "speed", {"unitCode": "KMH"})


def test_deleting_takes_one_instance_or_all() -> None:
    speed = iri("speed")
    assert attribute_deleted(bus(), speed, GPS, LATER, every=False).updated == (speed,)
    left = attribute_deleted(bus(), speed, "", LATER, every=False).entity.attributes[speed]
    assert [one.dataset_id for one in left] == [GPS]
    assert speed not in attribute_deleted(bus(), speed, "", LATER, every=True).entity.attributes


@pytest.mark.parametrize(
    ("name", "dataset_id", "every"),
    [("doors", "", False), ("doors", "", True), ("speed", "urn:d:0", False), ("line", GPS, False)],
)
def test_only_what_is_there_is_deleted(name: str, dataset_id: str, *, every: bool) -> None:
    with pytest.raises(ResourceNotFoundError):
        attribute_deleted(bus(), iri(name), dataset_id, LATER, every=every)


def test_scopes_are_deleted_once() -> None:
    changed = scopes_deleted(bus(scope="/a"), LATER)
    assert (changed.entity.scopes, changed.updated) == ((), ("scope",))
    with pytest.raises(ResourceNotFoundError):
        scopes_deleted(changed.entity, LATER)


def test_a_replaced_entity_keeps_its_date_of_birth() -> None:
    other = thing(speed={"value": 1}, doors=3)
    entity = replaced(bus(), other, LATER)
    assert (entity.id, entity.created_at, entity.modified_at) == (BUS["id"], NOW, LATER)
    assert list(entity.attributes) == [iri("speed"), iri("doors")]
    assert entity.attributes[iri("speed")][0].created_at == NOW
    assert entity.attributes[iri("doors")][0].created_at == LATER


def test_what_expired_is_gone() -> None:
    ended, open_end = "2026-07-14T09:31:00Z", "2026-07-14T10:00:00Z"
    entity = thing(
        speed=[{"value": 1, "expiresAt": ended}, {"value": 2, "datasetId": GPS}],
        doors={"value": 3, "expiresAt": ended},
        line={"object": "urn:a:1", "source": {"value": 1, "expiresAt": ended}},
        name={"value": "x", "expiresAt": open_end},
    )
    left = alive(entity, LATER)
    assert left is not None
    assert normalized(left) == {
        **{key: normalized(entity)[key] for key in ("id", "type", "name")},
        "speed": {"type": "Property", "value": 2, "datasetId": GPS},
        "line": {"type": "Relationship", "object": "urn:a:1"},
    }
    assert alive(bus(), LATER) == bus()
    assert alive(bus(expiresAt=ended), LATER) is None
    assert alive(bus(expiresAt=open_end), LATER) is not None
