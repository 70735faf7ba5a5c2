"""The index leaves no subscription out that looking at all of them would find."""

from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from beffroi.exchange.changes import AttributeChange, ChangeKind
from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.model import Attribute, AttributeKind, Entity
from beffroi.exchange.subscriptions.model import Status, Trigger
from beffroi.exchange.subscriptions.moments import Moment
from beffroi.exchange.subscriptions.watching import Watcher, WatchIndex, watcher_of
from tests.support.town_subscriptions import NOW, held, subscription

TYPES = ("Building", "Bus", "Stop", "Line")
NAMES = ("level", "name", "delay")
SELF = ("nimes", False)
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
        "q": st.sampled_from(["level==1", "level>1", "level<=1|name==2", "delay", "level==0..1"]),
    },
).filter(lambda one: one["entities"] is not None or "watchedAttributes" in one)
happenings = st.tuples(
    st.sampled_from(IDS),
    st.lists(st.sampled_from(TYPES), min_size=1, unique=True),
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(list(ChangeKind))), unique=True),
    st.sampled_from(list(ChangeKind)),
    st.dictionaries(st.sampled_from(NAMES), st.integers(0, 2)),
)
seers = st.sampled_from([("nimes", False), ("ales", False), ("", True)])


def _watcher(number: int, told: dict[str, Any], seer: tuple[str, bool] = SELF) -> Watcher:
    document = subscription(number=number) | told
    if document["entities"] is None:
        del document["entities"]
    organisation, everything = seer
    return watcher_of(held(document, number, organisation=organisation, everything=everything))


def _moment(happening: Any) -> tuple[Moment, Entity]:
    key, types, pairs, kind, values = happening
    attributes: dict[str, tuple[Attribute, ...]] = {
        CORE.expand(name): (Attribute(kind=AttributeKind.PROPERTY, value=value),)
        for name, value in values.items()
    }
    entity = Entity(id=key, types=tuple(map(CORE.expand, types)), attributes=attributes)
    instance = Attribute(kind=AttributeKind.PROPERTY, value=1)
    changes = tuple(
        AttributeChange(kind=change, attribute=CORE.expand(name), instance=instance)
        for name, change in pairs
    )
    moment = Moment(
        at=NOW,
        kind=kind,
        id=key,
        organisation="nimes",
        tenant="",
        types=entity.types,
        scopes=(),
        changes=changes,
    )
    return moment, entity


def _told(watcher: Watcher, entity: Entity, moment: Moment) -> bool:
    is_triggered = watcher.interest.triggered(moment.kind, moment.changes)
    return is_triggered and watcher.question.wanted(entity)


@given(
    st.lists(st.tuples(members, seers), max_size=12),
    happenings,
    st.sets(st.integers(0, 11)),
    st.booleans(),
)
def test_the_index_finds_what_looking_at_every_one_finds(
    all_told: list[tuple[dict[str, Any], tuple[str, bool]]],
    happening: Any,
    dropped: set[int],
    given_to_others: bool,  # noqa: FBT001 - hypothesis draws it
) -> None:
    watchers = [_watcher(number, told, seer) for number, (told, seer) in enumerate(all_told)]
    index = WatchIndex()
    for one in watchers:
        index.put(one)
        index.put(one)
    for number in dropped:
        index.drop("", f"urn:ngsi-ld:Subscription:{number}")
    left = [one for one in watchers if one.held.number not in dropped]
    moment, entity = _moment(happening)
    found = index.candidates(moment, entity, given=given_to_others)
    told = [one for one in left if _told(one, entity, moment)]
    own = [one for one in told if one.held.reaches("nimes")]
    assert [one for one in found.own if one in own] == own
    assert all(one.held.reaches("nimes") for one in found.own)
    others = [one for one in told if one not in own] if given_to_others else []
    assert [one for one in found.others if one in others] == others
    assert not any(one.held.reaches("nimes") for one in found.others)
    if own or others:
        assert index.may_concern(moment, given=given_to_others)
    elsewhere = msgspec.structs.replace(moment, tenant="elsewhere")
    assert not index.may_concern(elsewhere, given=True)
    assert not index.candidates(elsewhere, entity, given=True).own


@given(st.lists(members, max_size=8), happenings)
def test_others_of_whom_something_is_given_are_found_whatever_the_entity_says(
    all_told: list[dict[str, Any]], happening: Any
) -> None:
    index = WatchIndex()
    watchers = [_watcher(at, told, ("ales", False)) for at, told in enumerate(all_told)]
    for one in watchers:
        index.put(one)
    moment, entity = _moment(happening)
    empty = msgspec.structs.replace(entity, attributes={})
    found = index.candidates(moment, empty, given=True)
    told = [one for one in watchers if _told(one, entity, moment)]
    assert [one for one in found.others if one in told] == told


def test_a_thousand_subscriptions_to_other_things_are_not_looked_at() -> None:
    index = WatchIndex()
    for number in range(1_000):
        told = {"entities": [{"type": f"Type{number % 100}"}], "q": f"level=={number // 100}"}
        index.put(_watcher(number, told))
    moment, entity = _moment(
        (IDS[0], ["Type7"], [("level", ChangeKind.UPDATED)], ChangeKind.UPDATED, {"level": 4})
    )
    (found,) = index.candidates(moment, entity, given=True).own
    assert found.held.number == 407


def test_subscriptions_that_ask_the_same_share_their_question() -> None:
    first, same, other = (_watcher(one, {"q": f"level>{one // 3}"}) for one in (1, 2, 3))
    assert first.question is same.question
    assert first.interest is same.interest
    assert first.question is not other.question


def test_usual_triggers_are_those_of_attributes_that_come_and_change() -> None:
    watcher = _watcher(1, {})
    instance = Attribute(kind=AttributeKind.PROPERTY, value=1)
    told = {
        kind: watcher.interest.triggered(
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
