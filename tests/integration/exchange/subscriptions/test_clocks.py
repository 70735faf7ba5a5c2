"""Clocks that are set back, and receivers that are away, hold up and pile up nothing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from beffroi.exchange.subscriptions import delivery_store
from beffroi.exchange.subscriptions.matching import Matcher
from beffroi.exchange.subscriptions.periodic import Periodic
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database, execute, fetch_tuples, fetch_value
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import Follower, LogWatch
from tests.support.clocks import ManualClock
from tests.support.endings import ended
from tests.support.exchange_process import ExchangeProcess, exchange_process
from tests.support.notification_receiver import NotificationReceiver
from tests.support.town_subscriptions import (
    NIMES,
    building,
    create,
    subscribe,
    subscription,
    update,
)
from tests.support.waiting import eventually

B1 = "urn:ngsi-ld:Building:1"
AWAY = "http://127.0.0.1:1/notify"


@pytest.fixture
async def writing(database: Database) -> AsyncIterator[ExchangeProcess]:
    """A process that keeps entities and subscriptions, and matches nothing."""
    async with exchange_process(database, serving=False) as made:
        yield made


async def _waiting(database: Database) -> int:
    async with database.transaction(EVERYTHING) as connection:
        return int(await fetch_value(connection, "select count(*) from exchange.delivery"))


async def test_a_periodic_notification_comes_in_its_time_though_the_clock_was_set_back(
    writing: ExchangeProcess, database: Database
) -> None:
    await create(writing, building(level=1))
    await subscribe(writing, subscription(AWAY, timeInterval=60))
    clock = ManualClock(SystemClock().now() + timedelta(seconds=61))
    watch = LogWatch(database)
    loops = [asyncio.create_task(one) for one in (watch.run(), _run(database, watch, clock))]
    try:
        assert await eventually(lambda: _waiting(database))
        async with database.transaction(EVERYTHING) as connection:
            await execute(connection, "delete from exchange.delivery")
        clock.move(-3_600)
        await subscribe(writing, subscription(AWAY, 2, isActive=False))
        assert await eventually(lambda: _waiting(database))
    finally:
        for one in loops:
            await ended(one)


async def _run(database: Database, watch: LogWatch, clock: ManualClock) -> None:
    await Periodic(database, watch, clock).run()


async def test_what_is_made_at_intervals_does_not_pile_up_for_a_receiver_that_is_away(
    platform: ExchangeProcess, receiver: NotificationReceiver, database: Database
) -> None:
    receiver.hanging.add("/notify")
    await create(platform, building(level=1))
    await subscribe(platform, subscription(receiver.url(), timeInterval=0.1))
    await eventually(lambda: receiver.connections)
    await asyncio.sleep(1)
    assert await _waiting(database) == 1


async def test_throttling_holds_nobody_up_for_longer_when_the_clock_was_set_back(
    writing: ExchangeProcess, database: Database
) -> None:
    await subscribe(writing, subscription(AWAY, throttling=30))
    matcher = Matcher(SystemClock())
    follower = Follower("matcher", database, LogWatch(database), matcher.handle, matcher)
    await create(writing, building(level=1))
    while await follower.advance():
        pass
    async with database.transaction(EVERYTHING) as connection:
        await execute(
            connection, "update exchange.subscription set notified_at = now() + interval '1 hour'"
        )
    await update(writing, B1, {"level": 2})
    while await follower.advance():
        pass
    assert await _waiting(database) == 2


async def test_a_retry_is_not_put_off_by_a_clock_that_was_set_back(
    writing: ExchangeProcess, database: Database
) -> None:
    await subscribe(writing, subscription(AWAY))
    matcher = Matcher(SystemClock())
    follower = Follower("matcher", database, LogWatch(database), matcher.handle, matcher)
    await create(writing, building(level=1))
    while await follower.advance():
        pass
    now = SystemClock().now()
    async with database.transaction(EVERYTHING) as connection:
        found = await delivery_store.waiting_for(connection, {AWAY: 1}, now)
        failed = [(found[AWAY][0].number, now + timedelta(seconds=4), None, "HTTP 503")]
        await delivery_store.retry_later(connection, failed)
        assert not await delivery_store.waiting_for(connection, {AWAY: 1}, now)
        earlier = now - timedelta(hours=1)
        assert await delivery_store.waiting_for(connection, {AWAY: 1}, earlier)


async def test_what_waits_for_a_subscription_that_is_no_more_is_forgotten(
    platform: ExchangeProcess, receiver: NotificationReceiver, database: Database
) -> None:
    receiver.statuses["/notify"] = 500
    key = await subscribe(platform, subscription(receiver.url()))
    await create(platform, building(level=1))
    await eventually(lambda: receiver.refused)
    await platform.subscriptions.delete(NIMES, "", key)
    del receiver.statuses["/notify"]

    async def is_empty() -> bool:
        async with database.transaction(EVERYTHING) as connection:
            rows = await fetch_tuples(
                connection,
                "select from exchange.delivery union all select from exchange.occasion",
            )
        return not rows

    assert await eventually(is_empty)
    assert not receiver.received
