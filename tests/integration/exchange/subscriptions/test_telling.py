"""Who subscribes is told of what happens, and of nothing else."""

import asyncio
from datetime import timedelta

import pytest

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.errors import AlreadyExistsError, ResourceNotFoundError
from beffroi.exchange.subscriptions.model import HeldSubscription, Status, subscription_of
from beffroi.kernel.clock import SystemClock
from tests.support.exchange_process import ExchangeProcess
from tests.support.notification_receiver import NotificationReceiver
from tests.support.town_subscriptions import (
    ALES,
    NIMES,
    OPERATOR,
    building,
    create,
    delete,
    subscribe,
    subscription,
    update,
)
from tests.support.waiting import eventually

B1 = "urn:ngsi-ld:Building:1"


async def test_a_change_is_told_as_it_was_then(
    platform: ExchangeProcess, receiver: NotificationReceiver
) -> None:
    await subscribe(platform, subscription(receiver.url()))
    await create(platform, building(level=1, name="Mairie"))
    for level in range(2, 12):
        await update(platform, B1, {"level": level})
    await eventually(lambda: len(receiver.received) == 11)
    told = [one.data[0] for one in receiver.received]
    assert [one["level"]["value"] for one in told] == list(range(1, 12))
    assert {one["name"]["value"] for one in told} == {"Mairie"}
    first = receiver.received[0]
    assert first.body["type"] == "Notification"
    assert first.body["subscriptionId"] == "urn:ngsi-ld:Subscription:1"
    assert first.headers["content-type"] == "application/json"
    assert first.headers["link"].startswith("<https://uri.etsi.org/ngsi-ld/v1/")
    assert len({one.body["id"] for one in receiver.received}) == 11


async def test_connections_are_kept_between_notifications(
    platform: ExchangeProcess, receiver: NotificationReceiver
) -> None:
    await subscribe(platform, subscription(receiver.url()))
    await create(platform, building(level=1))
    for level in range(10):
        await update(platform, B1, {"level": level})
    await eventually(lambda: len(receiver.received) == 11)
    assert receiver.connections == 1


async def test_what_is_not_watched_or_does_not_match_is_not_told(
    platform: ExchangeProcess, receiver: NotificationReceiver
) -> None:
    watching = subscription(receiver.url(), watchedAttributes=["level"], q="level>5")
    await subscribe(platform, watching)
    await create(platform, building(level=1, name="Mairie"))
    await update(platform, B1, {"name": "Hôtel de ville"})
    await update(platform, B1, {"level": 5})
    await update(platform, B1, {"level": 6})
    await eventually(lambda: receiver.received)
    assert [one.data[0]["level"]["value"] for one in receiver.received] == [6]


async def test_a_deletion_is_told_with_when_and_with_what_was_there(
    platform: ExchangeProcess, receiver: NotificationReceiver
) -> None:
    wanting = {"showChanges": True, "sysAttrs": True}
    triggers = ["entityDeleted", "attributeDeleted"]
    await subscribe(
        platform,
        subscription(
            receiver.url(),
            notificationTrigger=triggers,
            notification={"endpoint": {"uri": receiver.url()}, **wanting},
        ),
    )
    await create(platform, building(level=1, name="Mairie"))
    await update(platform, B1, {"name": "urn:ngsi-ld:null"})
    await delete(platform, B1)
    await eventually(lambda: len(receiver.received) == 2)
    without_name, gone = (one.data[0] for one in receiver.received)
    assert without_name["name"]["value"] == "urn:ngsi-ld:null"
    assert without_name["name"]["previousValue"] == "Mairie"
    assert without_name["name"]["deletedAt"]
    assert without_name["level"]["value"] == 1
    assert gone.keys() == {"id", "type", "createdAt", "modifiedAt", "deletedAt", "level"}
    assert gone["level"]["previousValue"] == 1


async def test_an_organisation_is_told_of_its_own_entities_alone(
    platform: ExchangeProcess, receiver: NotificationReceiver
) -> None:
    for number, actor in enumerate((NIMES, ALES, OPERATOR)):
        await subscribe(platform, subscription(receiver.url(f"/{number}"), number), actor)
    await create(platform, building(1, level=1), NIMES)
    await create(platform, building(2, level=1), ALES)
    await eventually(lambda: len(receiver.received) == 4)
    seen = {path: [one.data[0]["id"] for one in receiver.at(path)] for path in ("/0", "/1", "/2")}
    assert seen["/0"] == ["urn:ngsi-ld:Building:1"]
    assert seen["/1"] == ["urn:ngsi-ld:Building:2"]
    assert len(seen["/2"]) == 2


async def test_throttling_counts_from_the_last_change_that_was_told(
    platform: ExchangeProcess, receiver: NotificationReceiver
) -> None:
    await subscribe(platform, subscription(receiver.url(), throttling=0.5))
    await create(platform, building(level=1))
    for level in range(5):
        await update(platform, B1, {"level": level})
    await eventually(lambda: receiver.received)
    await asyncio.sleep(0.6)
    await update(platform, B1, {"level": 100})
    await eventually(lambda: len(receiver.received) == 2)
    assert [one.data[0]["level"]["value"] for one in receiver.received] == [1, 100]


async def test_a_periodic_subscription_is_told_of_every_entity_again_and_again(
    platform: ExchangeProcess, receiver: NotificationReceiver
) -> None:
    await create(platform, building(1, level=1))
    await create(platform, building(2, level=2))
    await create(platform, building(3, level=3), ALES)
    await subscribe(platform, subscription(receiver.url(), timeInterval=0.3))
    await eventually(lambda: len(receiver.received) >= 2)
    for one in receiver.received:
        assert [entity["id"][-1] for entity in one.data] == ["1", "2"]


async def test_a_pause_is_a_pause_and_what_happened_meanwhile_is_not_told(
    platform: ExchangeProcess, receiver: NotificationReceiver
) -> None:
    key = await subscribe(platform, subscription(receiver.url(), isActive=False))
    await create(platform, building(level=1))
    await platform.subscriptions.update(NIMES, "", key, {"isActive": True}, CORE)
    await update(platform, B1, {"level": 2})
    await eventually(lambda: receiver.received)
    assert [one.data[0]["level"]["value"] for one in receiver.received] == [2]


async def test_an_expired_subscription_is_told_nothing_and_can_be_brought_back(
    platform: ExchangeProcess, receiver: NotificationReceiver
) -> None:
    soon = SystemClock().now() + timedelta(seconds=0.3)
    text = soon.isoformat().replace("+00:00", "Z")
    key = await subscribe(platform, subscription(receiver.url(), expiresAt=text))

    async def status() -> HeldSubscription | None:
        held = await platform.subscriptions.subscription(NIMES, "", key)
        now = SystemClock().now()
        return held if subscription_of(held.document).status(now) is Status.EXPIRED else None

    await eventually(status)
    await create(platform, building(level=1))
    await platform.subscriptions.update(NIMES, "", key, {"expiresAt": None}, CORE)
    await update(platform, B1, {"level": 2})
    await eventually(lambda: receiver.received)
    assert [one.data[0]["level"]["value"] for one in receiver.received] == [2]


async def test_a_condition_on_a_linked_entity_is_followed(
    platform: ExchangeProcess, receiver: NotificationReceiver
) -> None:
    await subscribe(platform, subscription(receiver.url(), q="nextTo{level}<3"))
    for number, level in ((1, 1), (2, 9)):
        await create(platform, building(number, level=level))
    for number, other in ((3, 2), (4, 1)):
        link = {"nextTo": {"type": "Relationship", "object": f"urn:ngsi-ld:Building:{other}"}}
        await create(platform, building(number) | link)
    await eventually(lambda: receiver.received)
    assert [one.data[0]["id"] for one in receiver.received] == ["urn:ngsi-ld:Building:4"]


async def test_a_deleted_subscription_is_told_nothing_more(
    platform: ExchangeProcess, receiver: NotificationReceiver
) -> None:
    key = await subscribe(platform, subscription(receiver.url("/gone"), 1))
    await subscribe(platform, subscription(receiver.url(), 2))
    await platform.subscriptions.delete(NIMES, "", key)
    await create(platform, building(level=1))
    await eventually(lambda: receiver.received)
    assert not receiver.at("/gone")


async def test_a_subscription_of_others_cannot_be_seen_changed_or_taken(
    platform: ExchangeProcess, receiver: NotificationReceiver
) -> None:
    key = await subscribe(platform, subscription(receiver.url()))
    with pytest.raises(ResourceNotFoundError):
        await platform.subscriptions.subscription(ALES, "", key)
    with pytest.raises(ResourceNotFoundError):
        await platform.subscriptions.update(ALES, "", key, {"isActive": False}, CORE)
    with pytest.raises(ResourceNotFoundError):
        await platform.subscriptions.delete(ALES, "", key)
    with pytest.raises(AlreadyExistsError):
        await subscribe(platform, subscription(receiver.url()), ALES)
