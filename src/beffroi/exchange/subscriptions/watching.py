"""Which subscriptions a change may concern, without looking at all of them.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.2.12, 5.2.33 and 5.8.6.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec

from beffroi.exchange.asking.question import Question, SqlFilter
from beffroi.exchange.changes import AttributeChange, ChangeKind
from beffroi.exchange.model import Entity, Iri
from beffroi.exchange.query.conditions import Condition, read_condition
from beffroi.exchange.query.geo import places_asked
from beffroi.exchange.query.logic import ANYTHING, all_of, some_of
from beffroi.exchange.query.necessities import Demand
from beffroi.exchange.query.patterns import Pattern
from beffroi.exchange.query.scope import scopes_asked
from beffroi.exchange.query.type_selection import EVERY_TYPE, types_asked
from beffroi.exchange.query.value_index import ValueIndex
from beffroi.exchange.subscriptions.model import (
    HeldSubscription,
    Place,
    Selector,
    Subscription,
    Trigger,
    subscription_of,
)
from beffroi.exchange.subscriptions.moments import Moment
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
_EVERYBODY: Final = None
"""Whose entities an operator's subscription sees."""
_Key = tuple[str, str, str]


class Interest(msgspec.Struct, frozen=True, eq=False):
    """Which changes are told; subscriptions to the same have the same one.

    Attributes:
        watched: Names of attributes; none: all.
    """

    triggers: frozenset[Trigger]
    watched: frozenset[Iri]

    def relevant(self, changes: Iterable[AttributeChange]) -> tuple[AttributeChange, ...]:
        """Return the changes of attributes that are watched."""
        return tuple(one for one in changes if not self.watched or one.attribute in self.watched)

    def triggered(self, kind: ChangeKind, changes: Collection[AttributeChange]) -> bool:
        """Tell whether what happened is of a kind to be told.

        Args:
            kind: What happened to the entity.
            changes: All those of its attributes.
        """
        changes = self.relevant(changes)
        if self.watched and not changes:
            return False
        if _OF_ENTITIES.get(kind) in self.triggers:
            return True
        if not changes:
            return kind is ChangeKind.UPDATED and Trigger.ENTITY_UPDATED in self.triggers
        return any(_TRIGGERED[one.kind] in self.triggers for one in changes)


class Watcher(msgspec.Struct, frozen=True, eq=False):
    """A subscription that is ready to decide.

    Attributes:
        question: Which entities, but for what their linked entities have to be; the same one for
            subscriptions that ask the same.
        linked: What has to hold where that leads to other entities.
        demands: An entity that is wanted meets one of these; none: nothing is known ahead.
        is_active: It is not paused.
        until: When it expires; nothing: never.
    """

    held: HeldSubscription
    subscription: Subscription
    question: Question
    linked: Condition | None
    interest: Interest
    demands: tuple[Demand, ...]
    is_active: bool
    until: datetime | None

    def is_served(self, at: datetime) -> bool:
        """Tell whether it is told of what happens at a moment."""
        until = self.until
        return self.is_active and self.held.since <= at and (until is None or at < until)


_Shelves = dict[str | None, ValueIndex[Watcher]]
_Table = dict[_Key, _Shelves]


def watcher_of(held: HeldSubscription) -> Watcher:
    """Make a subscription ready to decide."""
    subscription = subscription_of(held.document)
    triggers = frozenset(subscription.notification_trigger)
    if Trigger.ENTITY_UPDATED in triggers:
        triggers |= _OF_ATTRIBUTES
    asked = _asked(msgspec.json.encode(_asking(subscription)))
    return Watcher(
        held=held,
        subscription=subscription,
        question=asked.question,
        linked=asked.linked,
        interest=_interest(triggers, frozenset(subscription.watched_attributes or ())),
        demands=asked.demands,
        is_active=subscription.is_active,
        until=subscription.expires_at,
    )


class _Asking(msgspec.Struct, frozen=True, array_like=True):
    """What a subscription asks of entities."""

    entities: tuple[Selector, ...] | None
    scope_q: str | None
    geo_q: Place | None
    q: str | None
    names: dict[str, Iri]
    expand_values: tuple[str, ...]


class _Asked(msgspec.Struct, frozen=True):
    question: Question
    linked: Condition | None
    demands: tuple[Demand, ...]


def _asking(subscription: Subscription) -> _Asking:
    return _Asking(
        subscription.entities,
        subscription.scope_q,
        subscription.geo_q,
        subscription.q,
        subscription.names,
        tuple(subscription.expand_values or ()),
    )


@lru_cache(maxsize=4_096)
def _interest(triggers: frozenset[Trigger], watched: frozenset[Iri]) -> Interest:
    return Interest(triggers, watched)


@lru_cache(maxsize=4_096)
def _asked(encoded: bytes) -> _Asked:
    """Read what is asked: once for all subscriptions that ask the same."""
    asking = msgspec.json.decode(encoded, type=_Asking)
    questions = []
    if asking.entities is not None:
        questions.append(some_of([_selected(one) for one in asking.entities]))
    if asking.scope_q is not None:
        questions.append(scopes_asked(asking.scope_q))
    place = asking.geo_q
    if place is not None:
        questions.append(
            places_asked(place.georel, place.geometry, place.coordinates, place.geoproperty)
        )
    if asking.q is None:
        return _Asked(all_of(questions), None, ())
    names = tuple(asking.names.items())
    condition, of_own = _queried(asking.q, names, asking.expand_values)
    demands = condition.demands()
    if of_own is None:
        return _Asked(all_of(questions), condition, demands)
    return _Asked(all_of([*questions, of_own]), None, demands)


@lru_cache(maxsize=4_096)
def _queried(
    q: str, names: tuple[tuple[str, Iri], ...], expanded: tuple[str, ...]
) -> tuple[Condition, Question | None]:
    """Read a query, and make its question where that asks of the entity alone."""
    condition = read_condition(decoded_query(q), names_context(dict(names)), expanded=expanded)
    return condition, None if condition.depth else condition.question()


@lru_cache(maxsize=1_024)
def _typed(selection: str) -> Question:
    return types_asked(selection, names_context({}))


def _selected(selector: Selector) -> Question:
    questions = [_typed(selector.type)]
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


class Watchers(msgspec.Struct, frozen=True):
    """Those that a change may concern, the oldest first.

    Attributes:
        own: They see whatever the organisation has, and may want the entity.
        others: They see of it what is given to them.
    """

    own: Sequence[Watcher]
    others: Sequence[Watcher]


class WatchIndex:
    """Subscriptions by tenant, by type or id, by attribute, by who sees, and by value."""

    def __init__(self) -> None:
        self._watchers: dict[tuple[str, str], Watcher] = {}
        self._by_type: _Table = {}
        self._by_id: _Table = {}

    def __len__(self) -> int:
        return len(self._watchers)

    def put(self, watcher: Watcher) -> None:
        """Add one, or put it in the place of what it was."""
        held = watcher.held
        self.drop(held.tenant, watcher.subscription.id)
        self._watchers[held.tenant, watcher.subscription.id] = watcher
        for table, key in self._places(watcher):
            shelf = table.setdefault(key, {}).setdefault(_seer(watcher), ValueIndex())
            if held.number not in shelf.items:
                shelf.put(held.number, watcher, watcher.demands)

    def drop(self, tenant: str, subscription_id: str) -> None:
        """Take one away, if it is there."""
        watcher = self._watchers.pop((tenant, subscription_id), None)
        if watcher is None:
            return
        number, seer = watcher.held.number, _seer(watcher)
        for table, key in self._places(watcher):
            shelf = table.get(key, {}).get(seer)
            if shelf is None or number not in shelf.items:
                continue
            shelf.drop(number)
            if not shelf:
                del table[key][seer]
            if not table[key]:
                del table[key]

    def may_concern(self, moment: Moment, *, given: bool) -> bool:
        """Tell whether there is any that a change may concern, whatever the entity says.

        Args:
            moment: The change.
            given: Others may see something of the organisation.
        """
        organisation = moment.organisation
        return any(
            given or _EVERYBODY in shelves or organisation in shelves
            for shelves in self._shelves(moment)
        )

    def candidates(self, moment: Moment, entity: Entity, *, given: bool) -> Watchers:
        """Return every one that a change may concern; some it may not."""
        own: dict[int, Watcher] = {}
        others: dict[int, Watcher] = {}
        seers = _EVERYBODY, moment.organisation
        for shelves in self._shelves(moment):
            for seer in seers:
                shelf = shelves.get(seer)
                if shelf is not None:
                    own.update(shelf.found(entity.attributes))
            if given:
                for seer, shelf in shelves.items():
                    if seer not in seers:
                        others.update(shelf.items)
        return Watchers(_in_order(own), _in_order(others))

    def _shelves(self, moment: Moment) -> Iterator[_Shelves]:
        """Yield where those are that are told of such a change; some more than once."""
        tenant = moment.tenant
        kinds = (*moment.types, _ANY)
        by_type, by_id = self._by_type, self._by_id
        for attribute in (*dict.fromkeys(one.attribute for one in moment.changes), _ANY):
            for kind in kinds:
                if shelves := by_type.get((tenant, kind, attribute)):
                    yield shelves
            if by_id and (shelves := by_id.get((tenant, moment.id, attribute))):
                yield shelves

    def _places(self, watcher: Watcher) -> Iterator[tuple[_Table, _Key]]:
        """Tell under which keys one is found: an entity that it wants has one of the types."""
        tenant = watcher.held.tenant
        attributes = watcher.interest.watched or (_ANY,)
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


def _seer(watcher: Watcher) -> str | None:
    return _EVERYBODY if watcher.held.everything else watcher.held.organisation


def _in_order(found: Mapping[int, Watcher]) -> list[Watcher]:
    return [found[number] for number in sorted(found)]


def _kinds(selector: Selector) -> Collection[str]:
    text = selector.type.strip()
    return (_ANY,) if text == EVERY_TYPE else frozenset(_TYPE_NAME.findall(text))
