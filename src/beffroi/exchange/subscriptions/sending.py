"""Notifications sent: one line for each endpoint, so that a dead receiver delays nobody else.

What waits is in the database: in memory are those that are being sent, and nothing more. What was
sent is forgotten after the receiver's answer: a process that dies in between sends it again.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.2.15 and 5.8.6.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import msgspec

from beffroi.exchange.asking.reach import OWN_DATA, DataGuard, Realm, ToldOfPersons
from beffroi.exchange.contexts.service import Contexts
from beffroi.exchange.errors import ExchangeError
from beffroi.exchange.model import Entity
from beffroi.exchange.outgoing import Outgoing
from beffroi.exchange.subscriptions import delivery_store, store
from beffroi.exchange.subscriptions.attempts import Attempt, counted, told_of
from beffroi.exchange.subscriptions.delivery_store import Subscriber
from beffroi.exchange.subscriptions.lanes import ToTell, in_lanes
from beffroi.exchange.subscriptions.linking import linked_entities
from beffroi.exchange.subscriptions.model import (
    HeldSubscription,
    Status,
    Told,
)
from beffroi.exchange.subscriptions.notifications import notification_body, notification_headers
from beffroi.exchange.subscriptions.receivers import Receivers, told_uri
from beffroi.exchange.subscriptions.windows import Window, Windows
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Connection, Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError
from beffroi.kernel.log import GroupCommit, Written

_logger = logging.getLogger(__name__)
_WINDOW_MOST: Final = 64
_TRUSTED_MOST, _SUSPECTED_MOST = 128, 32
_LOADING_MOST: Final = 3
_KNOWN_MOST: Final = 4_096
_SCAN_S: Final = 30.0
_SWEEP_S: Final = 600.0
_KEPT_DEAD: Final = timedelta(days=7)


class Patience(msgspec.Struct, frozen=True):
    """How long to try.

    Attributes:
        attempts_most: After that many, a notification is a dead letter.
        first_s: Before the second attempt; each pause is twice the one before.
        most_s: Never longer than that.
        given_up_s: What has waited so long for an endpoint that never answered goes with it.
    """

    attempts_most: int = 10
    first_s: float = 1.0
    most_s: float = 300.0
    given_up_s: float = 300.0

    def pause_s(self, failures: int) -> float:
        """Return how long to wait after so many failures in a row."""
        return float(min(self.most_s, self.first_s * 2 ** min(failures - 1, 30)))


class _Line:
    """An endpoint, and how it has answered of late: the better, the more it gets at once."""

    def __init__(self, endpoint: str, window: int) -> None:
        self.endpoint = endpoint
        self.window = window
        self.failures = 0
        self.pause_s = 0.0
        self.woken = asyncio.Event()


class Sender:
    """Sends what waits; one process at a time runs it."""

    def __init__(
        self,
        database: Database,
        outgoing: Outgoing,
        contexts: Contexts,
        clock: Clock,
        patience: Patience,
        guard: DataGuard = OWN_DATA,
    ) -> None:
        self._guard = guard
        self._database = database
        self._receivers = Receivers(outgoing)
        self._contexts = contexts
        self._clock = clock
        self._patience = patience
        self._settling = GroupCommit(database, EVERYTHING, self._settle)
        self._windows = Windows(database, clock)
        self._trusted = asyncio.Semaphore(_TRUSTED_MOST)
        self._suspected = asyncio.Semaphore(_SUSPECTED_MOST)
        self._loading = asyncio.Semaphore(_LOADING_MOST)
        self._lines: dict[str, _Line] = {}
        self._known: dict[str, int] = {}
        self._unwritten: dict[int, list[Attempt]] = {}

    def told(self, held: HeldSubscription) -> Told:
        """Return what became of a subscription's notifications, with what is not written yet."""
        told = held.told
        last = told.last_notification
        attempts = self._unwritten.get(held.number, ())
        for one in sorted(attempts, key=lambda attempt: attempt.at):
            if last is None or last < one.at:
                told = counted(told, one)
        return told

    async def run(self, woken: asyncio.Event) -> None:
        """Send until cancelled.

        Args:
            woken: Set where something may have come to wait.
        """
        self._lines.clear()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._settling.run())
            tasks.create_task(self._windows.run())
            tasks.create_task(self._receivers.run())
            tasks.create_task(self._sweep())
            tasks.create_task(self._dispatch(woken, tasks))

    async def _dispatch(self, woken: asyncio.Event, tasks: asyncio.TaskGroup) -> None:
        """Open a line for each endpoint that something waits for."""
        seen, scan_at = 0, 0.0
        while True:
            woken.clear()
            try:
                async with self._database.transaction(EVERYTHING, by_key=True) as connection:
                    found, seen = await delivery_store.endpoints_after(connection, seen)
                    # What is told of, and is not new, was revived, or came later than newer ones.
                    if not found or self._clock.monotonic_s() >= scan_at:
                        found = await delivery_store.endpoints_waiting(connection)
                        scan_at = self._clock.monotonic_s() + _SCAN_S
            except BeffroiError as error:
                _logger.warning("sender state=failing %s", error)
                found = []
            for endpoint in found:
                line = self._lines.get(endpoint)
                if line is None:
                    line = self._lines[endpoint] = _Line(endpoint, self._known.pop(endpoint, 1))
                    tasks.create_task(self._serve(line))
                line.woken.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(_SCAN_S):
                    await woken.wait()

    async def _serve(self, line: _Line) -> None:
        """Send what waits for an endpoint until nothing does."""
        while True:
            line.woken.clear()
            pause_s: float | None
            try:
                async with self._suspected if line.failures else self._trusted:
                    pause_s = await self._round(line)
            except BeffroiError as error:
                _logger.warning(
                    "sender endpoint=%s state=waiting %s", told_uri(line.endpoint), error
                )
                pause_s = line.pause_s = self._patience.first_s
            except Exception:
                _logger.exception("BUG in sender endpoint=%s", told_uri(line.endpoint))
                pause_s = line.pause_s = self._patience.most_s
            if pause_s is None:
                if line.woken.is_set():
                    continue
                self._close(line)
                return
            if line.failures or line.pause_s:
                await self._clock.sleep(pause_s)
                line.pause_s = 0.0
            elif pause_s:
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await line.woken.wait()

    def _close(self, line: _Line) -> None:
        """Forget a line that nothing waits for, but for how much its endpoint takes at once."""
        del self._lines[line.endpoint]
        if not line.failures:
            self._known[line.endpoint] = line.window
            if len(self._known) > _KNOWN_MOST:
                del self._known[next(iter(self._known))]

    async def _round(self, line: _Line) -> float | None:
        """Send some of what waits; a suspected or new endpoint is asked one thing.

        Returns:
            How long to pause; None: nothing waits.
        """
        window = await self._windows.of(line.endpoint, line.window)
        if not window.waiting:
            return self._idle_s(window)
        lanes, left = in_lanes(window.waiting)
        attempts = [Attempt(one, self._clock.now(), dropped=True) for one in left]
        try:
            # What one lane meets ends no other: what was sent would be sent again.
            ended = await asyncio.gather(
                *(self._lane(one, attempts) for one in lanes.values()), return_exceptions=True
            )
            await self._settling.submit(attempts)
            for error in ended:
                if error is not None:
                    raise error
        finally:
            for attempt in attempts:
                self._unwritten.pop(attempt.waiting.subscription, None)
        pause_s = await self._judge(line, attempts)
        if window.is_all and not any(one.reason for one in attempts):
            return self._idle_s(window)
        return pause_s

    def _idle_s(self, window: Window) -> float | None:
        """Return how long there is nothing to send; None: nothing waits."""
        if window.due_at is None:
            return None
        away_s = (window.due_at - self._clock.now()).total_seconds()
        return min(_SCAN_S, max(0.05, away_s))

    async def _judge(self, line: _Line, attempts: Sequence[Attempt]) -> float:
        """Trust an endpoint, or suspect it."""
        down = [one for one in attempts if one.unreachable]
        answered = [one for one in attempts if not one.unreachable and not one.dropped]
        if not down:
            line.window = min(_WINDOW_MOST, 2 * line.window)
            if line.failures and answered:
                _logger.info("endpoint uri=%s state=answering", told_uri(line.endpoint))
                line.failures = 0
            return 0.0
        if answered:
            line.failures = 0
        line.window = 1
        line.failures += 1
        if line.failures == 1:
            _logger.warning(
                "endpoint uri=%s state=failing %s", told_uri(line.endpoint), down[0].reason
            )
        if line.failures >= self._patience.attempts_most:
            await self._give_up(line, down[0].reason)
        line.pause_s = max(self._patience.pause_s(line.failures), *(one.cooldown_s for one in down))
        return line.pause_s

    async def _give_up(self, line: _Line, reason: str) -> None:
        now = self._clock.now()
        before = now - timedelta(seconds=self._patience.given_up_s)
        async with self._database.transaction(EVERYTHING, by_key=True) as connection:
            count = await delivery_store.give_up_endpoint(
                connection, line.endpoint, before, now, reason
            )
        if count:
            _logger.warning("endpoint uri=%s dead_letters=%s", told_uri(line.endpoint), count)

    async def _lane(self, told: Sequence[ToTell], attempts: list[Attempt]) -> None:
        """Send one after another, until the endpoint fails."""
        for one in told:
            attempt = await self._attempt(one)
            attempts.append(attempt)
            if not attempt.dropped:
                self._unwritten.setdefault(one.waiting.subscription, []).append(attempt)
            if attempt.unreachable:
                return

    async def _attempt(self, told: ToTell) -> Attempt:
        waiting, subscription = told.waiting, told.subscription
        now = self._clock.now()
        if subscription.status(now) is not Status.ACTIVE or not await self._is_given(told):
            return Attempt(waiting, now, dropped=True)
        endpoint = subscription.notification.endpoint
        try:
            body, headers = await self._written(told)
        except ExchangeError as error:
            return Attempt(waiting, now, reason=error.code)
        except BeffroiError:
            raise
        except Exception as error:
            # It is tried as often as any other, and holds up none for good.
            _logger.exception("BUG in notification number=%s", waiting.number)
            return Attempt(waiting, now, reason=type(error).__name__)
        verdict = await self._receivers.tell(endpoint, body, headers)
        return Attempt(
            waiting,
            self._clock.now(),
            reason=verdict.reason,
            unreachable=verdict.unreachable,
            cooldown_s=endpoint.cooldown / 1_000 if verdict.reason else 0.0,
        )

    async def _is_given(self, told: ToTell) -> bool:
        """Tell whether the policies by which others' entities are told still hold."""
        given = told.occasion.given
        if not given:
            return True
        realm = await self._realm(told.subscriber)
        return realm.reach.marks().issuperset(given)

    async def _written(self, told: ToTell) -> tuple[bytes, dict[str, str]]:
        subscription, tenant = told.subscription, told.subscriber.tenant
        link = subscription.jsonld_context or subscription.context_link
        context = await self._contexts.resolved(tenant, link)
        linked = {}
        if subscription.notification.join != "@none" and not told.occasion.deleted:
            linked = await self._joined(told)
        waiting = told.waiting
        body = notification_body(
            subscription, told.occasion, waiting.at, waiting.number, context, linked
        )
        return body, notification_headers(subscription, tenant, link)

    async def _joined(self, told: ToTell) -> dict[str, Entity]:
        """Return what relationships lead to; what that tells of persons is noted before."""
        subscriber, subscription = told.subscriber, told.subscription
        realm = await self._realm(subscriber)
        levels = subscription.notification.join_level
        async with self._loading, self._database.transaction(EVERYTHING) as connection:
            found = await linked_entities(
                connection, realm, told.occasion.entities, levels, self._clock.now()
            )
            noted = [
                ToldOfPersons(
                    subscription.id,
                    subscriber.organisation,
                    subscriber.tenant,
                    one.organisation,
                    one.entity,
                )
                for one in found.values()
            ]
            await self._guard.note_told(connection, noted)
        return {key: one.entity for key, one in found.items()}

    async def _realm(self, subscriber: Subscriber) -> Realm:
        reach = await self._guard.subscribed(subscriber.scope, subscriber.tenant)
        return Realm(subscriber.tenant, reach)

    async def _settle(
        self, connection: Connection, groups: Sequence[Sequence[Attempt]]
    ) -> Written[None]:
        """Write what became of attempts: a row for each subscription, however many they are."""
        attempts = [one for group in groups for one in group]
        told = told_of(one for one in attempts if not one.dropped)
        if told:
            await store.add_told(connection, told)
        done = [one for one in attempts if not one.reason]
        failed = [one for one in attempts if one.reason]
        if done:
            await delivery_store.forget_deliveries(connection, [one.waiting for one in done])
        if failed:
            await delivery_store.retry_later(connection, [self._later(one) for one in failed])
        return Written([None] * len(groups), [])

    def _later(self, attempt: Attempt) -> tuple[int, datetime | None, datetime | None, str]:
        attempts = attempt.waiting.attempts + 1
        pause = timedelta(seconds=self._patience.pause_s(attempts))
        # Where the endpoint failed, the line pauses: whoever sends next begins with the oldest.
        due_at = None if attempt.unreachable else attempt.at + pause
        dead_at = attempt.at if attempts >= self._patience.attempts_most else None
        return attempt.waiting.number, due_at, dead_at, attempt.reason

    async def _sweep(self) -> None:
        """Forget what nobody will ask for."""
        while True:
            with suppress(BeffroiError):
                async with self._database.transaction(EVERYTHING) as connection:
                    await delivery_store.sweep(connection, self._clock.now() - _KEPT_DEAD)
            await self._clock.sleep(_SWEEP_S)
