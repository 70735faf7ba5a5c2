"""Notifications at intervals, whether anything changed or not.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.2.12 and 5.8.6.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from beffroi.exchange.asking import finding
from beffroi.exchange.asking.reach import OWN_DATA, DataGuard, Realm, ToldOfPersons
from beffroi.exchange.errors import ExchangeError
from beffroi.exchange.store import HeldEntity
from beffroi.exchange.subscriptions import delivery_store, store
from beffroi.exchange.subscriptions.delivery_store import Due, add_deliveries
from beffroi.exchange.subscriptions.linking import meets
from beffroi.exchange.subscriptions.matching import SUBSCRIPTION_CHANGED
from beffroi.exchange.subscriptions.model import (
    INTERVAL_LEAST_S,
    HeldSubscription,
    Occasion,
    Status,
)
from beffroi.exchange.subscriptions.watching import Watcher, watcher_of
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Connection, Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError
from beffroi.kernel.log import LogWatch

_logger = logging.getLogger(__name__)
_AT_ONCE: Final = 16
_ENTITIES_MOST: Final = 500
_LOOKS_S: Final = 300.0
_RETRY_S: Final = 5.0


class Periodic:
    """Makes periodic notifications when they are due."""

    def __init__(
        self, database: Database, watch: LogWatch, clock: Clock, guard: DataGuard = OWN_DATA
    ) -> None:
        self._database = database
        self._watch = watch
        self._clock = clock
        self._guard = guard
        self._looked_at = datetime.max.replace(tzinfo=UTC)

    async def run(self) -> None:
        """Make them until cancelled; look again when the log tells that a subscription changed."""
        async with self._watch.waiter((SUBSCRIPTION_CHANGED,)) as changed:
            await self._keep_making(changed)

    async def _keep_making(self, changed: asyncio.Event) -> None:
        while True:
            changed.clear()
            try:
                pause_s = await self._make_due()
            except BeffroiError as error:
                _logger.warning("periodic state=failing %s", error)
                pause_s = _RETRY_S
            except Exception:
                _logger.exception("BUG in periodic notifications")
                pause_s = _RETRY_S
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await changed.wait()

    async def _make_due(self) -> float:
        """Make those that are due; return how long to wait for the next."""
        while True:
            async with self._database.transaction(EVERYTHING, by_key=True) as connection:
                now = self._clock.now()
                if now < self._looked_at:
                    await store.bring_forward(connection, now)
                self._looked_at = now
                due = await store.due_subscriptions(connection, now, _AT_ONCE)
                if not due:
                    next_at = await store.next_due(connection)
                    if next_at is None:
                        return _LOOKS_S
                    return min(_LOOKS_S, max(0.01, (next_at - now).total_seconds()))
                next_due: list[tuple[int, datetime | None]] = []
                for held in due:
                    watcher = watcher_of(held)
                    interval_s = watcher.subscription.time_interval
                    if interval_s is None or watcher.subscription.status(now) is not Status.ACTIVE:
                        next_due.append((held.number, None))
                        continue
                    next_due.append((held.number, now + _pause(interval_s)))
                    await self._make(connection, watcher, now)
                await store.postpone(connection, next_due)

    async def _make(self, connection: Connection, watcher: Watcher, now: datetime) -> None:
        """Tell of every entity that a subscription is about; of none: nothing.

        Where the receiver has not taken what was made before, nothing is made beside it.
        """
        if await delivery_store.are_waiting(connection, watcher.held):
            return
        gathered: list[HeldEntity] = []
        try:
            async for entity in self._entities(connection, watcher, now):
                gathered.append(entity)
                if len(gathered) == _ENTITIES_MOST:
                    await self._keep(connection, watcher.held, gathered, now)
                    gathered = []
        except ExchangeError as error:
            _logger.warning("subscription id=%s undecided: %s", watcher.subscription.id, error)
        if gathered:
            await self._keep(connection, watcher.held, gathered, now)

    async def _entities(
        self, connection: Connection, watcher: Watcher, now: datetime
    ) -> AsyncIterator[HeldEntity]:
        held = watcher.held
        realm = Realm(held.tenant, await self._guard.subscribed(held.scope, held.tenant))
        asked = finding.answers(connection, realm, watcher.question, now)
        async for one in asked:
            entity = one.entity
            watched = watcher.interest.watched
            if watched and watched.isdisjoint(entity.attributes):
                continue
            linked = watcher.linked
            if linked is None or await meets(connection, realm, linked, entity, now):
                yield one

    async def _keep(
        self,
        connection: Connection,
        held: HeldSubscription,
        found: Sequence[HeldEntity],
        now: datetime,
    ) -> None:
        reach = await self._guard.subscribed(held.scope, held.tenant)
        given = reach.marks({one.organisation for one in found})
        occasion = Occasion(entities=tuple(one.entity for one in found), given=tuple(sorted(given)))
        await add_deliveries(connection, [Due(now, occasion, (held,))])
        subscription = held.document.get("id", "")
        told = [
            ToldOfPersons(
                subscription, held.organisation, held.tenant, one.organisation, one.entity
            )
            for one in found
        ]
        await self._guard.note_told(connection, told)


def _pause(interval_s: float) -> timedelta:
    return timedelta(seconds=max(INTERVAL_LEAST_S, interval_s))
