"""What a receiver reads of a change, in the form that it wants."""

import json
from typing import Any

from beffroi.exchange.changes import attribute_changes
from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.model import Entity
from beffroi.exchange.subscriptions.model import Occasion, subscription_of
from beffroi.exchange.subscriptions.notifications import notification_body, notification_headers
from tests.support.town_subscriptions import NOW, building, held, read, subscription


def _told(
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    linked: dict[str, Entity] | None = None,
    *,
    triggers: tuple[str, ...] = ("attributeCreated", "attributeUpdated", "attributeDeleted"),
    **wanted: Any,
) -> list[dict[str, Any]]:
    first, second = (None if one is None else read(one) for one in (before, after))
    entity = second or first
    assert entity is not None
    occasion = Occasion(
        entities=(entity,), changes=tuple(attribute_changes(first, second)), deleted=second is None
    )
    kept = held(subscription(notificationTrigger=list(triggers), notification=wanted))
    made = subscription_of(kept.document)
    body = json.loads(notification_body(made, occasion, NOW, 7, CORE, linked or {}))
    assert body["id"] == "urn:ngsi-ld:Notification:7"
    assert body["notifiedAt"] == "2026-03-02T08:00:00Z"
    data: list[dict[str, Any]] = body["data"]
    return data


def test_a_null_stands_where_an_attribute_was() -> None:
    before, after = building(level=1, name="Mairie"), building(level=1)
    (normal,) = _told(before, after)
    assert normal["name"] == {"type": "Property", "value": "urn:ngsi-ld:null"}
    (short,) = _told(before, after, format="keyValues")
    assert short["name"] == "urn:ngsi-ld:null"
    (untold,) = _told(before, after, triggers=("attributeUpdated",))
    assert "name" not in untold


def test_a_null_is_of_the_kind_of_what_was_there() -> None:
    more = {
        "place": {"type": "Relationship", "object": "urn:x:1"},
        "street": {"type": "LanguageProperty", "languageMap": {"fr": "Grand-Rue"}},
        "data": {"type": "JsonProperty", "json": {"a": None}},
        "kind": {"type": "VocabProperty", "vocab": "hall"},
        "stops": {"type": "ListProperty", "valueList": [1]},
        "lines": {"type": "ListRelationship", "objectList": [{"object": "urn:x:2"}]},
    }
    (told,) = _told(building() | more, building(), showChanges=True)
    null = "urn:ngsi-ld:null"
    assert told["place"] == {"type": "Relationship", "object": null, "previousObject": "urn:x:1"}
    assert told["street"]["languageMap"] == {"@none": null}
    assert told["street"]["previousLanguageMap"] == {"fr": "Grand-Rue"}
    assert (told["data"]["json"], told["data"]["previousJson"]) == (null, {"a": None})
    assert (told["kind"]["vocab"], told["kind"]["previousVocab"]) == (null, "hall")
    assert told["stops"]["previousValueList"] == [1]
    assert told["lines"]["previousObjectList"] == [{"object": "urn:x:2"}]


def test_changes_show_what_was_before_in_the_concise_form_too() -> None:
    (told,) = _told(building(level=1), building(level=2), showChanges=True, format="concise")
    assert told["level"] == {"value": 2, "previousValue": 1}
    (listed,) = _told(building(level=[1]), building(level=[2]), showChanges=True, format="concise")
    assert listed["level"] == {"value": [2], "previousValue": [1]}


def test_one_instance_of_several_shows_what_it_was() -> None:
    def of(*values: int) -> dict[str, Any]:
        return building() | {
            "level": [
                {"type": "Property", "value": value, "datasetId": f"urn:d:{place}"}
                for place, value in enumerate(values)
            ]
        }

    (told,) = _told(of(1, 2), of(1, 3), showChanges=True)
    assert [one.get("previousValue") for one in told["level"]] == [None, 2]
    (without,) = _told(of(1, 2), of(1))
    assert without["level"][1] == {
        "type": "Property",
        "value": "urn:ngsi-ld:null",
        "datasetId": "urn:d:1",
    }
    (none,) = _told(of(1, 2), building())
    assert none["level"] == {"type": "Property", "value": "urn:ngsi-ld:null"}


def test_a_deleted_entity_is_told_by_id_type_and_when() -> None:
    (told,) = _told(building(level=1), None, triggers=("entityDeleted",), format="keyValues")
    assert told == {
        "id": "urn:ngsi-ld:Building:1",
        "type": "Building",
        "deletedAt": "2026-03-02T08:00:00Z",
    }


def test_only_what_is_picked_is_told() -> None:
    (told,) = _told(None, building(level=1, name="Mairie"), pick=["id", "name"])
    assert told.keys() == {"id", "name"}
    (rest,) = _told(None, building(level=1, name="Mairie"), omit=["type", "name"])
    assert rest.keys() == {"id", "level"}
    (some,) = _told(None, building(level=1, name="Mairie"), attributes=["name"])
    assert some.keys() == {"id", "type", "name"}


def test_linked_entities_come_beside_or_inside() -> None:
    other = read(building(2, level=2))
    link = {"nextTo": {"type": "Relationship", "object": other.id}}
    linked = {other.id: other}
    flat = _told(None, building() | link, linked, join="flat", attributes=["nextTo"])
    assert [one["id"][-1] for one in flat] == ["1", "2"]
    assert flat[1]["level"]["value"] == 2
    (inline,) = _told(None, building() | link, linked, join="inline", attributes=["nextTo"])
    assert inline["nextTo"]["entity"]["level"]["value"] == 2


def test_the_context_comes_in_the_body_or_in_a_link() -> None:
    wanted: dict[str, Any] = {"endpoint": {"uri": "http://x/", "accept": "application/ld+json"}}
    (told,) = _told(None, building(), triggers=("entityCreated",), **wanted)
    assert told["@context"] == CORE.source
    inside = subscription_of(held(subscription(notification=wanted)).document)
    assert notification_headers(inside, "", "http://c/") == {"Content-Type": "application/ld+json"}
    beside = subscription_of(held(subscription()).document)
    headers = notification_headers(beside, "bus", "http://c/")
    assert headers["Link"].startswith('<http://c/>; rel="http://www.w3.org/ns/json-ld#context"')
    assert headers["NGSILD-Tenant"] == "bus"


def test_features_are_told_where_they_are_wanted() -> None:
    where = {"type": "Point", "coordinates": [4.36, 43.84]}
    place = building() | {"location": {"type": "GeoProperty", "value": where}}
    endpoint = {"uri": "http://x/", "accept": "application/geo+json"}
    made = subscription_of(held(subscription(notification={"endpoint": endpoint})).document)
    occasion = Occasion(entities=(read(place),))
    body = json.loads(notification_body(made, occasion, NOW, 1, CORE, {}))
    assert body["data"]["type"] == "FeatureCollection"
    assert body["data"]["features"][0]["geometry"] == where


def test_a_receiver_gets_its_headers_and_none_of_ours_in_their_place() -> None:
    info = [{"key": "X-Key", "value": "v"}, {"key": "content-length", "value": "1"}]
    endpoint = {"uri": "http://x/", "receiverInfo": info}
    made = subscription_of(held(subscription(notification={"endpoint": endpoint})).document)
    headers = notification_headers(made, "", "http://c/")
    assert headers["X-Key"] == "v"
    assert "content-length" not in headers
