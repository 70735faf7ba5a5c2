"""From the log to what is to be sent: each change meets the subscriptions that watch it.

Source: ETSI GS CIM 009 v1.9.1, clause 5.8.6.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from beffroi.exchange.asking.question import Question
from beffroi.exchange.asking.reach import OWN_DATA, DataGuard, ToldOfPersons
from beffroi.exchange.changes import ChangeKind
from beffroi.exchange.errors import ExchangeError
from beffroi.exchange.governance.rules import RULES_CHANGED
from beffroi.exchange.model import Entity
from beffroi.exchange.representation.changing import alive
from beffroi.exchange.subscriptions import store
from beffroi.exchange.subscriptions.delivery_store import Due, add_deliveries
from beffroi.exchange.subscriptions.linking import meets
from beffroi.exchange.subscriptions.model import HeldSubscription, Occasion
from beffroi.exchange.subscriptions.moments import (
    ENTITY_KINDS,
    Moment,
    entities_then,
    moment_of,
)
from beffroi.exchange.subscriptions.reaching import Known, Shown, SubscriptionReaches, living
from beffroi.exchange.subscriptions.states import entities_now
from beffroi.exchange.subscriptions.watching import Interest, Watcher, WatchIndex, watcher_of
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Connection, fetch_tuples
from beffroi.kernel.log import Entry

SUBSCRIPTION_CHANGED = "exchange.subscription_changed"
_LOADED_AT_ONCE = 100
"""What else this process does comes in between."""

_logger = logging.getLogger(__name__)


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
        if any(one.kind == RULES_CHANGED for one in entries):
            # What was written after a policy was taken back is never told by it.
            await self._guard.renew()
        reaches = await SubscriptionReaches.of(self._guard)
        moments = {one.seq: moment_of(one) for one in entries if one.kind in ENTITY_KINDS}
        changes = await self._known(connection, entries, moments, reaches)
        tellings: list[_Telling] = []
        for entry in entries:
            if entry.kind == SUBSCRIPTION_CHANGED:
                await self._reload(connection, entry.body["tenant"], entry.subject)
            elif entry.seq in changes:
                tellings += await self._tellings(connection, changes[entry.seq], reaches)
        if tellings:
            await self._keep(connection, tellings)
        self._position = entries[-1].seq

    async def _known(
        self,
        connection: Connection,
        entries: Sequence[Entry],
        moments: Mapping[int, Moment],
        reaches: SubscriptionReaches,
    ) -> Mapping[int, Known]:
        """Return each change that may concern somebody, with its entity, by seq."""
        # After a change of subscriptions what follows may concern others than are known yet.
        known_until = next(
            (one.seq for one in entries if one.kind == SUBSCRIPTION_CHANGED), entries[-1].seq
        )
        keys = {
            one.key
            for seq, one in moments.items()
            if seq > known_until
            or self._index.may_concern(one, given=reaches.gives(one.organisation))
        }
        if not keys:
            return {}
        told = {seq: one for seq, one in moments.items() if one.key in keys}
        owners = {one.key: one.organisation for one in told.values()}
        now_held = await entities_now(connection, owners)
        then = entities_then(list(told.values()), now_held)
        return {
            seq: Known(one, alive(entity, one.at) or entity, living(now_held.get(one.key)))
            for (seq, one), entity in zip(told.items(), then, strict=True)
        }

    def kinds_awaited(self) -> tuple[str, ...] | None:
        """Return what it has a use for: with nobody to tell, subscriptions alone."""
        return None if self._position is None or len(self._index) else (SUBSCRIPTION_CHANGED,)

    def stands_at(self, seq: int) -> bool:
        """Tell whether what it knows is what was so at a place in the log."""
        return self._position == seq

    def passed(self, seq: int) -> None:
        """Note that nobody had to be told of anything up to a place in the log."""
        self._position = seq

    async def _load(self, connection: Connection) -> None:
        self._index = WatchIndex()
        for place, held in enumerate(await store.all_subscriptions(connection)):
            if not place % _LOADED_AT_ONCE:
                await asyncio.sleep(0)
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

    async def _tellings(
        self,
        connection: Connection,
        known: Known,
        reaches: SubscriptionReaches,
    ) -> list["_Telling"]:
        """Return what a change gives to tell: once for those who are shown the same."""
        moment, entity = known.moment, known.then
        given = reaches.gives(moment.organisation)
        watchers = self._index.candidates(moment, entity, given=given)
        deciding = _Deciding(moment, Shown(entity, moment.changes, None))
        told = [await self._telling(connection, deciding, watchers.own, reaches)]
        by_viewer: dict[tuple[str, bool], list[Watcher]] = {}
        for one in watchers.others:
            by_viewer.setdefault(one.held.viewer, []).append(one)
        for some in by_viewer.values():
            shown = await reaches.shown(some[0].held, known)
            if shown is not None:
                deciding = _Deciding(moment, shown)
                told.append(await self._telling(connection, deciding, some, reaches))
        return [one for one in told if one.watchers]

    async def _telling(
        self,
        connection: Connection,
        deciding: "_Deciding",
        watchers: Sequence[Watcher],
        reaches: SubscriptionReaches,
    ) -> "_Telling":
        entity = deciding.shown.entity
        wanted = deciding.wanted(watchers)
        if any(one.linked is not None for one in wanted):
            wanted = [
                one
                for one in wanted
                if one.linked is None or await self._meets(connection, one, reaches, entity)
            ]
        return _Telling(deciding.moment, deciding.shown, wanted)

    async def _meets(
        self,
        connection: Connection,
        watcher: Watcher,
        reaches: SubscriptionReaches,
        entity: Entity,
    ) -> bool:
        """Decide by linked entities; what cannot be decided on holds up no other."""
        if watcher.linked is None:
            return True
        realm = await reaches.realm(watcher.held)
        try:
            return await meets(connection, realm, watcher.linked, entity, self._clock.now())
        except ExchangeError as error:
            _logger.warning(
                "subscription id=%s entity=%s undecided: %s",
                watcher.subscription.id,
                entity.id,
                error,
            )
            return False

    async def _keep(self, connection: Connection, tellings: Sequence["_Telling"]) -> None:
        """Write what is to be sent; throttling goes by the order of the log."""
        throttling = await _Throttling.read(connection, tellings)
        due: list[Due] = []
        told: list[tuple[_Telling, Sequence[HeldSubscription]]] = []
        for one in tellings:
            wanted = throttling.allowed(one.watchers, one.moment.at)
            if wanted:
                due.append(_due(one.moment, one.shown, wanted))
                told.append((one, wanted))
        if due:
            await throttling.write(connection)
            await add_deliveries(connection, due)
            await self._guard.note_told(connection, _told(told))


class _Telling(msgspec.Struct, frozen=True):
    """What is to be told of a change, as those who want it may see it."""

    moment: Moment
    shown: Shown
    watchers: Sequence[Watcher]


class _Deciding:
    """Decides who wants a change as it is shown: once for those who ask the same."""

    def __init__(self, moment: Moment, shown: Shown) -> None:
        self.moment = moment
        self.shown = shown

    def wanted(self, watchers: Iterable[Watcher]) -> list[Watcher]:
        """Return who is to be told, but for what linked entities have to be."""
        at = self.moment.at
        known: dict[tuple[int, int], bool] = {}
        found = []
        for one in watchers:
            if not one.is_served(at):
                continue
            asked = id(one.interest), id(one.question)
            is_met = known.get(asked)
            if is_met is None:
                is_met = known[asked] = self._meets(one.interest, one.question)
            if is_met:
                found.append(one)
        return found

    def _meets(self, interest: Interest, question: Question) -> bool:
        return interest.triggered(self.moment.kind, self.shown.changes) and question.wanted(
            self.shown.entity
        )


def _due(moment: Moment, shown: Shown, wanted: Sequence[HeldSubscription]) -> Due:
    occasion = Occasion(
        entities=(shown.entity,),
        changes=tuple(shown.changes),
        deleted=moment.kind is ChangeKind.DELETED,
        given=shown.given,
    )
    return Due(moment.at, occasion, wanted)


def _told(
    kept: Iterable[tuple[_Telling, Sequence[HeldSubscription]]],
) -> Iterator[ToldOfPersons]:
    for one, wanted in kept:
        moment, entity = one.moment, one.shown.entity
        for held in wanted:
            subscription = held.document.get("id", "")
            yield ToldOfPersons(
                subscription, held.organisation, moment.tenant, moment.organisation, entity
            )


class _Throttling:
    """When subscriptions were told last, by the clock of the log."""

    def __init__(self, last: dict[int, datetime | None]) -> None:
        self._last = last
        self._changed: dict[int, datetime] = {}

    @classmethod
    async def read(cls, connection: Connection, tellings: Sequence[_Telling]) -> "_Throttling":
        throttled = {
            watcher.held.number
            for one in tellings
            for watcher in one.watchers
            if watcher.subscription.throttling is not None
        }
        return cls(await store.last_notified(connection, sorted(throttled)) if throttled else {})

    def allowed(self, watchers: Sequence[Watcher], at: datetime) -> Sequence[HeldSubscription]:
        """Return who may be told of a change; they count as told."""
        if not self._last:
            return [one.held for one in watchers]
        return [one.held for one in watchers if self._allows(one, at)]

    def _allows(self, watcher: Watcher, at: datetime) -> bool:
        pause_s = watcher.subscription.throttling
        if pause_s is None:
            return True
        number = watcher.held.number
        last = self._last.get(number)
        # Either way: a clock that was set back holds nobody up for longer than the pause.
        if last is not None and abs(at - last) < timedelta(seconds=pause_s):
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
