"""The index leaves no subscription out that looking at all of them would find."""

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from beffroi.exchange.changes import AttributeChange, ChangeKind
from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.model import Attribute, AttributeKind, Entity
from beffroi.exchange.subscriptions.model import Status, Trigger
from beffroi.exchange.subscriptions.watching import Watcher, WatchIndex, wants, watcher_of
from tests.support.town_subscriptions import NOW, held, subscription

TYPES = ("Building", "Bus", "Stop", "Line")
NAMES = ("level", "name", "delay")
IDS = tuple(f"urn:ngsi-ld:Thing:{number}" for number in range(4))

selectors = st.fixed_dictionaries(
    {
        "type": st.one_of(
            st.sampled_from([*TYPES, "*", "Building,Bus", "(Bus;Stop)|Line", "Building;(Bus,Line)"])
        )
    },
    optional={
        "id": st.one_of(st.sampled_from(IDS), st.lists(st.sampled_from(IDS), min_size=1)),
        "idPattern": st.sampled_from([".*:1", "Thing:[23]", "^x"]),
    },
)
members = st.fixed_dictionaries(
    {"entities": st.one_of(st.none(), st.lists(selectors, min_size=1, max_size=3))},
    optional={
        "watchedAttributes": st.lists(st.sampled_from(NAMES), min_size=1, unique=True),
        "notificationTrigger": st.lists(st.sampled_from(list(Trigger)), min_size=1),
    },
).filter(lambda one: one["entities"] is not None or "watchedAttributes" in one)
happenings = st.tuples(
    st.sampled_from(IDS),
    st.lists(st.sampled_from(TYPES), min_size=1, unique=True),
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(list(ChangeKind))), unique=True),
    st.sampled_from(list(ChangeKind)),
)


def _watcher(number: int, told: dict[str, Any]) -> Watcher:
    document = subscription(number=number) | told
    if document["entities"] is None:
        del document["entities"]
    return watcher_of(held(document, number))


def _told(watcher: Watcher, entity: Entity, changes: list[AttributeChange], kind: Any) -> bool:
    relevant = watcher.relevant(changes)
    return wants(watcher, "nimes", entity) and watcher.triggered(kind, relevant)


@given(st.lists(members, max_size=12), happenings, st.sets(st.integers(0, 11)))
def test_the_index_finds_what_looking_at_every_one_finds(
    all_told: list[dict[str, Any]], happening: Any, dropped: set[int]
) -> None:
    watchers = [_watcher(number, told) for number, told in enumerate(all_told)]
    index = WatchIndex()
    for one in watchers:
        index.put(one)
        index.put(one)
    for number in dropped:
        index.drop("", f"urn:ngsi-ld:Subscription:{number}")
    left = [one for one in watchers if one.held.number not in dropped]
    key, types, pairs, kind = happening
    entity = Entity(id=key, types=tuple(map(CORE.expand, types)))
    instance = Attribute(kind=AttributeKind.PROPERTY, value=1)
    changes = [
        AttributeChange(kind=change, attribute=CORE.expand(name), instance=instance)
        for name, change in pairs
    ]
    found = index.candidates("", key, entity.types, {one.attribute for one in changes})
    assert [one for one in found if _told(one, entity, changes, kind)] == [
        one for one in left if _told(one, entity, changes, kind)
    ]
    assert not index.candidates("elsewhere", key, entity.types, ())


def test_a_thousand_subscriptions_to_other_things_are_not_looked_at() -> None:
    index = WatchIndex()
    for number in range(1_000):
        index.put(_watcher(number, {"entities": [{"type": f"Type{number % 100}"}]}))
    found = index.candidates("", IDS[0], [CORE.expand("Type7")], [CORE.expand("level")])
    assert len(found) == 10


def test_usual_triggers_are_those_of_attributes_that_come_and_change() -> None:
    watcher = _watcher(1, {})
    instance = Attribute(kind=AttributeKind.PROPERTY, value=1)
    told = {
        kind: watcher.triggered(
            ChangeKind.UPDATED, [AttributeChange(kind=kind, attribute="x", instance=instance)]
        )
        for kind in ChangeKind
    }
    assert told == {ChangeKind.CREATED: True, ChangeKind.UPDATED: True, ChangeKind.DELETED: False}


def test_a_subscription_is_paused_or_over_by_what_it_says() -> None:
    later = {"expiresAt": "2026-03-02T09:00:00Z"}
    one = _watcher(1, later).subscription
    assert one.status(NOW) is Status.ACTIVE
    assert one.status(NOW + timedelta(hours=1)) is Status.EXPIRED
    assert _watcher(1, {"isActive": False}).subscription.status(NOW) is Status.PAUSED
