"""Which subscriptions a change may concern, without looking at all of them.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.2.12, 5.2.33 and 5.8.6.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

import msgspec

from beffroi.exchange.asking import Question, SqlFilter
from beffroi.exchange.changes import AttributeChange, ChangeKind
from beffroi.exchange.model import Entity, Iri
from beffroi.exchange.query.conditions import Condition, read_condition
from beffroi.exchange.query.geo import places_asked
from beffroi.exchange.query.logic import ANYTHING, all_of, some_of
from beffroi.exchange.query.patterns import Pattern
from beffroi.exchange.query.scope import scopes_asked
from beffroi.exchange.query.type_selection import EVERY_TYPE, types_asked
from beffroi.exchange.subscriptions.model import (
    HeldSubscription,
    Selector,
    Subscription,
    Trigger,
    subscription_of,
)
from beffroi.exchange.subscriptions.reading import decoded_query, names_context

_TYPE_NAME: Final = re.compile(r"[^();|,\s]+")
_ANY: Final = "*"
_OF_ATTRIBUTES: Final = frozenset(
    {Trigger.ATTRIBUTE_CREATED, Trigger.ATTRIBUTE_UPDATED, Trigger.ATTRIBUTE_DELETED}
)
_TRIGGERED: Final = {
    ChangeKind.CREATED: Trigger.ATTRIBUTE_CREATED,
    ChangeKind.UPDATED: Trigger.ATTRIBUTE_UPDATED,
    ChangeKind.DELETED: Trigger.ATTRIBUTE_DELETED,
}
_OF_ENTITIES: Final = {
    ChangeKind.CREATED: Trigger.ENTITY_CREATED,
    ChangeKind.DELETED: Trigger.ENTITY_DELETED,
}
_Key = tuple[str, str, str]


class Watcher(msgspec.Struct, frozen=True, eq=False):
    """A subscription that is ready to decide.

    Attributes:
        question: Which entities, but for what their linked entities have to be.
        linked: What has to hold where that leads to other entities.
        watched: Names of attributes; none: all.
    """

    held: HeldSubscription
    subscription: Subscription
    question: Question
    linked: Condition | None
    triggers: frozenset[Trigger]
    watched: frozenset[Iri]

    def relevant(self, changes: Iterable[AttributeChange]) -> tuple[AttributeChange, ...]:
        """Return the changes of attributes that are watched."""
        return tuple(one for one in changes if not self.watched or one.attribute in self.watched)

    def triggered(self, kind: ChangeKind, changes: Collection[AttributeChange]) -> bool:
        """Tell whether what happened is of a kind to be told.

        Args:
            kind: What happened to the entity.
            changes: Those of attributes that are watched.
        """
        if self.watched and not changes:
            return False
        if _OF_ENTITIES.get(kind) in self.triggers:
            return True
        if not changes:
            return kind is ChangeKind.UPDATED and Trigger.ENTITY_UPDATED in self.triggers
        return any(_TRIGGERED[one.kind] in self.triggers for one in changes)


def watcher_of(held: HeldSubscription) -> Watcher:
    """Make a subscription ready to decide."""
    subscription = subscription_of(held.document)
    triggers = frozenset(subscription.notification_trigger)
    if Trigger.ENTITY_UPDATED in triggers:
        triggers |= _OF_ATTRIBUTES
    question, linked = question_of(subscription)
    return Watcher(
        held=held,
        subscription=subscription,
        question=question,
        linked=linked,
        triggers=triggers,
        watched=frozenset(subscription.watched_attributes or ()),
    )


def question_of(subscription: Subscription) -> tuple[Question, Condition | None]:
    """Return which entities a subscription is about, and what linked ones have to be."""
    questions = []
    if subscription.entities is not None:
        questions.append(some_of([_selected(one) for one in subscription.entities]))
    if subscription.scope_q is not None:
        questions.append(scopes_asked(subscription.scope_q))
    place = subscription.geo_q
    if place is not None:
        questions.append(
            places_asked(place.georel, place.geometry, place.coordinates, place.geoproperty)
        )
    condition = None
    if subscription.q is not None:
        condition = read_condition(
            decoded_query(subscription.q),
            names_context(subscription.names),
            expanded=subscription.expand_values or (),
        )
        if not condition.depth:
            questions.append(condition.question())
    return all_of(questions), condition if condition and condition.depth else None


def _selected(selector: Selector) -> Question:
    questions = [types_asked(selector.type, names_context({}))]
    if selector.ids:
        ids = frozenset(selector.ids)
        questions.append(
            Question(
                asked=SqlFilter("e.id = any(%s)", (sorted(ids),)),
                wanted=lambda entity: entity.id in ids,
            )
        )
    elif selector.id_pattern:
        pattern = Pattern("idPattern", selector.id_pattern)
        questions.append(
            Question(
                asked=SqlFilter("true", exact=False),
                wanted=lambda entity: pattern.found_in(entity.id),
            )
        )
    return all_of(questions) if questions else ANYTHING


class WatchIndex:
    """Subscriptions by tenant, by type or id, and by attribute."""

    def __init__(self) -> None:
        self._watchers: dict[tuple[str, str], Watcher] = {}
        self._by_type: dict[_Key, dict[int, Watcher]] = {}
        self._by_id: dict[_Key, dict[int, Watcher]] = {}

    def __len__(self) -> int:
        return len(self._watchers)

    def put(self, watcher: Watcher) -> None:
        """Add one, or put it in the place of what it was."""
        held = watcher.held
        self.drop(held.tenant, watcher.subscription.id)
        self._watchers[held.tenant, watcher.subscription.id] = watcher
        for table, key in self._places(watcher):
            table.setdefault(key, {})[held.number] = watcher

    def drop(self, tenant: str, subscription_id: str) -> None:
        """Take one away, if it is there."""
        watcher = self._watchers.pop((tenant, subscription_id), None)
        if watcher is None:
            return
        for table, key in self._places(watcher):
            there = table.get(key, {})
            there.pop(watcher.held.number, None)
            if not there:
                table.pop(key, None)

    def candidates(
        self, tenant: str, entity_id: str, types: Iterable[Iri], attributes: Iterable[Iri]
    ) -> list[Watcher]:
        """Return every one that a change may concern, the oldest first; some it may not."""
        found: dict[int, Watcher] = {}
        kinds = (*types, _ANY)
        for attribute in (*attributes, _ANY):
            for kind in kinds:
                there = self._by_type.get((tenant, kind, attribute))
                if there:
                    found.update(there)
            there = self._by_id.get((tenant, entity_id, attribute))
            if there:
                found.update(there)
        return [found[number] for number in sorted(found)]

    def _places(self, watcher: Watcher) -> Iterator[tuple[dict[_Key, dict[int, Watcher]], _Key]]:
        """Tell under which keys one is found: an entity that it wants has one of the types."""
        tenant = watcher.held.tenant
        attributes = watcher.watched or (_ANY,)
        selectors = watcher.subscription.entities
        for attribute in attributes:
            if selectors is None:
                yield self._by_type, (tenant, _ANY, attribute)
                continue
            for one in selectors:
                if one.ids:
                    for entity_id in one.ids:
                        yield self._by_id, (tenant, entity_id, attribute)
                    continue
                for kind in _kinds(one):
                    yield self._by_type, (tenant, kind, attribute)


def _kinds(selector: Selector) -> Collection[str]:
    text = selector.type.strip()
    return (_ANY,) if text == EVERY_TYPE else frozenset(_TYPE_NAME.findall(text))


def wants(watcher: Watcher, organisation: str, entity: Entity) -> bool:
    """Tell whether an entity is one that a subscription is about and may see."""
    return watcher.held.reaches(organisation) and watcher.question.wanted(entity)
