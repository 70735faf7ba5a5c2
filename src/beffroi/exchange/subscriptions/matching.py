"""From the log to what is to be sent: each change meets the subscriptions that watch it.

Source: ETSI GS CIM 009 v1.9.1, clause 5.8.6.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from beffroi.exchange import asked_store
from beffroi.exchange.asking import SqlFilter
from beffroi.exchange.changes import ChangeKind
from beffroi.exchange.errors import ExchangeError
from beffroi.exchange.model import SCOPE, Attribute, Entity, Iri
from beffroi.exchange.reach import EVERYWHERE, OWN_DATA, DataGuard, Realm, ToldOfPersons
from beffroi.exchange.representation.changing import alive
from beffroi.exchange.subscriptions import store
from beffroi.exchange.subscriptions.delivery_store import Due, add_deliveries
from beffroi.exchange.subscriptions.linking import meets
from beffroi.exchange.subscriptions.model import HeldSubscription, Occasion, Status, Trigger
from beffroi.exchange.subscriptions.moments import (
    ENTITY_KINDS,
    Key,
    Moment,
    entities_then,
    moment_of,
)
from beffroi.exchange.subscriptions.reaching import Shown, SubscriptionReaches
from beffroi.exchange.subscriptions.watching import Watcher, WatchIndex, watcher_of
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Connection, fetch_tuples
from beffroi.kernel.log import Entry

SUBSCRIPTION_CHANGED = "exchange.subscription_changed"
_logger = logging.getLogger(__name__)
_GONE = """
select v.id, v.created_at, h.attribute, h.instance::text
from exchange.evolution v join exchange.history h
    on h.entity_key = exchange.entity_key(v.tenant, v.id)
    and h.tenant = v.tenant and h.entity = v.id and h.written_at = v.deleted_at and h.ended
    and h.attribute <> %s
where v.tenant = %s and v.id = any(%s)
"""


class Matcher:
    """Follows the log; what it writes and how far it came are committed together.

    It knows the subscriptions as they were at the place in the log that it reads: what a
    subscription is told begins with the entry that it was made in.
    """

    def __init__(self, clock: Clock, guard: DataGuard = OWN_DATA) -> None:
        self._clock = clock
        self._guard = guard
        self._index = WatchIndex()
        self._position: int | None = None

    async def handle(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Keep what is to be sent because of entries."""
        position, self._position = self._position, None
        if position is None or not await _directly_after(connection, position, entries[0].seq):
            await self._load(connection)
        concerned: dict[int, list[Watcher]] = {}
        moments: list[Moment] = []
        reaches = await SubscriptionReaches.of(self._guard)
        for entry in entries:
            if entry.kind in ENTITY_KINDS:
                moment = moment_of(entry)
                watchers = self._watchers(moment, reaches)
                if watchers:
                    concerned[len(moments)] = watchers
                moments.append(moment)
            elif entry.kind == SUBSCRIPTION_CHANGED:
                await self._reload(connection, entry.body["tenant"], entry.subject)
        if concerned:
            await self._keep(connection, moments, concerned, reaches)
        self._position = entries[-1].seq

    async def _load(self, connection: Connection) -> None:
        self._index = WatchIndex()
        for held in await store.all_subscriptions(connection):
            self._put(held)
        _logger.info("subscriptions index=loaded count=%s", len(self._index))

    async def _reload(self, connection: Connection, tenant: str, subscription_id: str) -> None:
        held = await store.subscription_by_id(connection, tenant, subscription_id)
        if held is None:
            self._index.drop(tenant, subscription_id)
        else:
            self._put(held)

    def _put(self, held: HeldSubscription) -> None:
        watcher = watcher_of(held)
        told_of_changes = watcher.subscription.time_interval is None
        if told_of_changes and watcher.subscription.is_active:
            self._index.put(watcher)
        else:
            self._index.drop(held.tenant, watcher.subscription.id)

    def _watchers(self, moment: Moment, reaches: SubscriptionReaches) -> list[Watcher]:
        """Return those that a change is of a kind to be told to."""
        attributes = {one.attribute for one in moment.changes}
        triggered: dict[tuple[frozenset[Iri], frozenset[Trigger]], bool] = {}

        def is_triggered(one: Watcher) -> bool:
            kind = one.watched, one.triggers
            if kind not in triggered:
                triggered[kind] = one.triggered(moment.kind, one.relevant(moment.changes))
            return triggered[kind]

        return [
            one
            for one in self._index.candidates(moment.tenant, moment.id, moment.types, attributes)
            if one.held.since <= moment.at
            and one.subscription.status(moment.at) is Status.ACTIVE
            and reaches.may_concern(one.held, moment.organisation)
            and is_triggered(one)
        ]

    async def _keep(
        self,
        connection: Connection,
        moments: Sequence[Moment],
        concerned: Mapping[int, list[Watcher]],
        reaches: SubscriptionReaches,
    ) -> None:
        keys = {moments[place].key for place in concerned}
        places = [place for place, one in enumerate(moments) if one.key in keys]
        told = [moments[place] for place in places]
        entities = entities_then(told, await entities_now(connection, keys))
        throttling = await _Throttling.read(connection, concerned)
        due: list[Due] = []
        told_of: list[ToldOfPersons] = []
        for place, moment, then in zip(places, told, entities, strict=True):
            entity = alive(then, moment.at) or then
            groups: dict[str | None, tuple[Shown, list[HeldSubscription]]] = {}
            for one in concerned.get(place, ()):
                shown = await reaches.shown(one.held, moment, entity)
                if (
                    shown is not None
                    and (
                        shown.changes is moment.changes
                        or one.triggered(moment.kind, one.relevant(shown.changes))
                    )
                    and await self._wanted(connection, one, reaches, shown.entity)
                    and throttling.allows(one, moment.at)
                ):
                    groups.setdefault(shown.group, (shown, []))[1].append(one.held)
            for shown, wanted in groups.values():
                due.append(_due(moment, shown, wanted))
                told_of += [_told(moment, shown, held) for held in wanted]
        if due:
            await throttling.write(connection)
            await add_deliveries(connection, due)
            await self._guard.note_told(connection, told_of)

    async def _wanted(
        self,
        connection: Connection,
        watcher: Watcher,
        reaches: SubscriptionReaches,
        entity: Entity,
    ) -> bool:
        """Decide; a subscription that cannot be decided on holds up no other."""
        if not watcher.question.wanted(entity):
            return False
        if watcher.linked is None:
            return True
        now = self._clock.now()
        realm = await reaches.realm(watcher.held)
        try:
            return await meets(connection, realm, watcher.linked, entity, now)
        except ExchangeError as error:
            _logger.warning(
                "subscription id=%s entity=%s undecided: %s",
                watcher.subscription.id,
                entity.id,
                error,
            )
            return False


def _due(moment: Moment, shown: Shown, wanted: Sequence[HeldSubscription]) -> Due:
    occasion = Occasion(
        entities=(shown.entity,),
        changes=tuple(shown.changes),
        deleted=moment.kind is ChangeKind.DELETED,
        given=shown.given,
    )
    return Due(moment.at, occasion, tuple(wanted))


def _told(moment: Moment, shown: Shown, held: HeldSubscription) -> ToldOfPersons:
    subscription = held.document.get("id", "")
    return ToldOfPersons(
        subscription, held.organisation, moment.tenant, moment.organisation, shown.entity
    )


class _Throttling:
    """When subscriptions were told last, by the clock of the log."""

    def __init__(self, last: dict[int, datetime | None]) -> None:
        self._last = last
        self._changed: dict[int, datetime] = {}

    @classmethod
    async def read(
        cls, connection: Connection, concerned: Mapping[int, list[Watcher]]
    ) -> "_Throttling":
        throttled = {
            one.held.number
            for watchers in concerned.values()
            for one in watchers
            if one.subscription.throttling is not None
        }
        return cls(await store.last_notified(connection, sorted(throttled)) if throttled else {})

    def allows(self, watcher: Watcher, at: datetime) -> bool:
        """Tell whether one may be told of a change; if so, it counts as told."""
        pause_s = watcher.subscription.throttling
        if pause_s is None:
            return True
        number = watcher.held.number
        last = self._last.get(number)
        if last is not None and at - last < timedelta(seconds=pause_s):
            return False
        self._last[number] = self._changed[number] = at
        return True

    async def write(self, connection: Connection) -> None:
        if self._changed:
            await store.note_notified(connection, self._changed)


async def _directly_after(connection: Connection, position: int, seq: int) -> bool:
    """Tell whether no entry lies between two: another process may have read on meanwhile."""
    if seq == position + 1:
        return True
    rows = await fetch_tuples(
        connection,
        "select exists (select from kernel.log where seq > %s and seq < %s)",
        (position, seq),
    )
    return not rows[0][0]


async def entities_now(connection: Connection, keys: set[Key]) -> dict[Key, Entity]:
    """Return entities as they are now; those that are gone as they were last."""
    found: dict[Key, Entity] = {}
    for tenant in {tenant for tenant, _ in keys}:
        ids = sorted(entity_id for of, entity_id in keys if of == tenant)
        asked = SqlFilter("e.id = any(%s)", (ids,))
        rows = await asked_store.entities(
            connection, Realm(tenant, EVERYWHERE), asked, limit=len(ids)
        )
        found.update(((tenant, one.entity.id), one.entity) for one in rows)
        gone = [one for one in ids if (tenant, one) not in found]
        if gone:
            found.update(await _last_held(connection, tenant, gone))
    return found


async def _last_held(connection: Connection, tenant: str, ids: Sequence[str]) -> dict[Key, Entity]:
    attributes: dict[str, dict[str, tuple[Attribute, ...]]] = {}
    born: dict[str, datetime] = {}
    rows = await fetch_tuples(connection, _GONE, (SCOPE, tenant, list(ids)))
    for entity_id, created_at, attribute, instance in rows:
        born[entity_id] = created_at
        of_entity = attributes.setdefault(entity_id, {})
        decoded = msgspec.json.decode(instance, type=Attribute)
        of_entity[attribute] = (*of_entity.get(attribute, ()), decoded)
    return {
        (tenant, entity_id): Entity(
            id=entity_id, types=(), attributes=attributes[entity_id], created_at=born[entity_id]
        )
        for entity_id in attributes
    }
