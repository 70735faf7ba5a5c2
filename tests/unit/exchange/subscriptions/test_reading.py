"""What is no subscription is refused, with the member that is wrong."""

from typing import Any

import pytest

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.contexts.terms import Context, Term
from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.subscriptions.reading import checked_subscription, read_members
from beffroi.exchange.subscriptions.watching import watcher_of
from beffroi.exchange.subscriptions.writing import written_subscription
from beffroi.kernel.catalogue import Language
from tests.support.town_subscriptions import NOW, building, held, read, subscription

TOWN = Context(
    {"Building": Term("https://town.fr/Building"), "level": Term("https://town.fr/l")}, {}
)


def _checked(document: dict[str, Any]) -> None:
    checked_subscription(read_members(document, CORE), NOW)


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"type": "Abonnement"}, "$.type"),
        ({"id": "no uri"}, "no uri"),
        ({"entities": []}, "$.entities"),
        ({"entities": [{"id": "urn:x:1"}]}, "$.entities[0]"),
        ({"entities": [{"type": "A("}]}, "type"),
        ({"entities": [{"type": "A", "id": "x"}]}, "«x»"),
        ({"entities": [{"type": "A", "idPattern": "["}]}, "idPattern"),
        ({"entities": None}, "watchedAttributes"),
        ({"watchedAttributes": [1]}, "$.watchedAttributes[0]"),
        ({"notificationTrigger": ["entityChanged"]}, "$.notificationTrigger[0]"),
        ({"timeInterval": 0}, "$.timeInterval"),
        ({"timeInterval": 1e-6}, "$.timeInterval"),
        ({"throttling": -1}, "$.throttling"),
        ({"throttling": 1, "timeInterval": 1}, "throttling"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "2020"),
        ({"expiresAt": "demain"}, "expiresAt"),
        ({"q": "a=="}, "q"),
        ({"csf": "(("}, "csf"),
        ({"scopeQ": "//"}, "scopeQ"),
        ({"geoQ": {"geometry": "Point", "georel": "near", "coordinates": [1, 2]}}, "georel"),
        ({"geoQ": {"geometry": "Point", "georel": "within"}}, "coordinates"),
        ({"lang": "???"}, "???"),
        ({"datasetId": ["x"]}, "«x»"),
        ({"isActive": "yes"}, "$.isActive"),
        ({"notification": {"endpoint": {"uri": "ftp://x/y"}}}, "ftp://x/y"),
        ({"notification": {"endpoint": {"uri": "http://[/"}}}, "http"),
        ({"notification": {"endpoint": None}}, "$.notification.endpoint"),
        ({"notification": {"format": "csv"}}, "$.notification.format"),
        ({"notification": {"pick": []}}, "$.notification.pick"),
        ({"notification": {"pick": ["id"], "omit": ["id"]}}, "«id»"),
        ({"notification": {"pick": ["id"], "attributes": ["id"]}}, "pick"),
        ({"notification": {"format": "keyValues", "showChanges": True}}, "showChanges"),
        ({"notification": {"joinLevel": 0}}, "joinLevel"),
    ],
)
def test_what_is_wrong_is_named(members: dict[str, Any], told: str) -> None:
    document = {name: one for name, one in subscription(**members).items() if one is not None}
    with pytest.raises(BadRequestDataError) as refused:
        _checked(document)
    for language in Language:
        assert refused.value.message(language)
        assert refused.value.remedy(language)
    assert told in refused.value.message(Language.EN) + refused.value.code


@pytest.mark.parametrize(
    "pair",
    [
        {"key": "K", "value": 42},
        {"key": "K"},
        {"key": 5, "value": "v"},
        {"key": "K", "value": "a\r\nX: y"},
        {"key": "a b", "value": "v"},
    ],
)
def test_what_cannot_be_a_header_is_refused(pair: dict[str, Any]) -> None:
    endpoint = {"uri": "https://town.fr/notify", "receiverInfo": [pair]}
    with pytest.raises(BadRequestDataError):
        _checked(subscription(notification={"endpoint": endpoint}))


@pytest.mark.parametrize(
    "uri",
    [
        *("mqtt://town.fr", "mqtt://town.fr/", "mqtt://town.fr/a/#", "mqtts:///topic"),
        *("mqtt://town.fr:0x1/topic", "mqtt://town.fr/topic?qos=1"),
    ],
)
def test_a_broker_needs_a_host_and_a_topic_without_wildcards(uri: str) -> None:
    with pytest.raises(BadRequestDataError):
        _checked(subscription(uri))


@pytest.mark.parametrize("pair", [("MQTT-Version", "5"), ("MQTT-QoS", "3")])
def test_a_notifier_asks_for_what_mqtt_has(pair: tuple[str, str]) -> None:
    endpoint = {"uri": "mqtts://a:b@town.fr:1/topic"}
    _checked(subscription(notification={"endpoint": endpoint}))
    told = {"key": pair[0], "value": pair[1]}
    with pytest.raises(BadRequestDataError):
        _checked(subscription(notification={"endpoint": {**endpoint, "notifierInfo": [told]}}))


def test_names_are_those_of_the_asker_whatever_they_are_called_later() -> None:
    document = subscription(
        watchedAttributes=["level"],
        q="level>3",
        entities=[{"type": "(Building|Tower)"}],
        notification={"attributes": ["level"]},
    )
    members = read_members(document, TOWN)
    kept = held(subscription())
    full = type(kept)(
        **{name: getattr(kept, name) for name in kept.__struct_fields__} | {"document": members}
    )
    as_town = written_subscription(full, TOWN, NOW)
    assert as_town["entities"] == [{"type": "(Building|Tower)"}]
    assert as_town["watchedAttributes"] == ["level"]
    assert as_town["notification"]["attributes"] == ["level"]
    as_core = written_subscription(full, CORE, NOW)
    assert as_core["entities"] == [{"type": "(https://town.fr/Building|Tower)"}]
    assert as_core["watchedAttributes"] == ["https://town.fr/l"]
    assert "names" not in as_core
    wanted = watcher_of(full).question.wanted
    mine = {"id": "urn:x:1", "type": "https://town.fr/Building"}
    assert wanted(read(mine | {"https://town.fr/l": {"type": "Property", "value": 4}}))
    assert not wanted(read(mine | {"https://town.fr/l": {"type": "Property", "value": 3}}))
    assert not wanted(read(building(level=4)))


def test_a_query_may_come_as_it_stands_in_an_address() -> None:
    wanted = watcher_of(held(subscription(q='name=="H%C3%B4tel%20de%20ville"'))).question.wanted
    assert wanted(read(building(name="Hôtel de ville")))
    assert not wanted(read(building(name="Mairie")))


def test_what_the_platform_says_of_a_subscription_cannot_be_given() -> None:
    document = subscription(
        status="paused",
        names={"a": "b"},
        contextLink="http://x/",
        notification={"timesSent": 42, "status": "failed"},
    )
    members = read_members(document, CORE)
    assert members.keys() == {"id", "type", "entities", "notification"}
    assert members["notification"].keys() == {"endpoint"}
