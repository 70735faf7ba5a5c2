"""Receivers that fail, and what they cost the others: nothing."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from beffroi.exchange.subscriptions.model import DeadLetter
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from tests.support.exchange_process import ExchangeProcess, exchange_process, started_process
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


async def test_a_receiver_that_hangs_delays_nobody(
    platform: ExchangeProcess, receiver: NotificationReceiver
) -> None:
    receiver.hanging.add("/hang")
    clock = SystemClock()
    for number in range(20):
        await subscribe(platform, subscription(receiver.url("/hang"), number))
    await subscribe(platform, subscription(receiver.url(), 100))
    begun = clock.monotonic_s()
    for number in range(20):
        await create(platform, building(number, level=number))
    await eventually(lambda: len(receiver.at("/notify")) == 20, within_s=8)
    assert clock.monotonic_s() - begun < 8


async def test_why_a_receiver_is_not_reached_is_told_while_it_waits(
    platform: ExchangeProcess, receiver: NotificationReceiver
) -> None:
    receiver.statuses["/later"] = 500
    key = await subscribe(platform, subscription(receiver.url("/later")))
    await create(platform, building(level=1))

    async def reason() -> str:
        return await platform.subscriptions.reason_to_wait(NIMES, "", key)

    assert await eventually(reason, within_s=10) == "HTTP 500"


@pytest.mark.parametrize("status", [302, 500])
async def test_what_a_receiver_will_not_take_becomes_a_dead_letter_and_can_be_sent_again(
    platform: ExchangeProcess, receiver: NotificationReceiver, status: int
) -> None:
    receiver.statuses["/bad"] = status
    key = await subscribe(platform, subscription(receiver.url("/bad")))
    await create(platform, building(level=1))

    async def dead() -> list[DeadLetter]:
        return list(await platform.subscriptions.dead_letters(NIMES, "", key))

    (letter,) = await eventually(dead, within_s=10)
    assert (letter.attempts, letter.reason) == (3, f"HTTP {status}")
    assert len(receiver.refused) == 3
    assert not receiver.received
    assert len({one.body["id"] for one in receiver.refused}) == 1
    held = await platform.subscriptions.subscription(NIMES, "", key)
    assert (held.told.times_sent, held.told.times_failed) == (3, 3)
    assert held.told.last_success is None
    del receiver.statuses["/bad"]
    assert await platform.subscriptions.replay(NIMES, "", key) == 1
    await eventually(lambda: receiver.at("/bad"), within_s=10)
    assert receiver.received[0].body["id"] == receiver.refused[0].body["id"]
    assert not await dead()


async def test_one_notification_that_is_refused_does_not_hold_up_the_next(
    platform: ExchangeProcess, receiver: NotificationReceiver
) -> None:
    receiver.statuses["/picky"] = 400
    await subscribe(platform, subscription(receiver.url("/picky")))
    await create(platform, building(level=1))
    await eventually(lambda: receiver.refused)
    del receiver.statuses["/picky"]
    await update(platform, B1, {"level": 2})
    await eventually(lambda: len(receiver.received) == 2)
    assert {one.data[0]["level"]["value"] for one in receiver.received} == {1, 2}


async def test_counts_are_kept_of_every_attempt(
    platform: ExchangeProcess, receiver: NotificationReceiver
) -> None:
    key = await subscribe(platform, subscription(receiver.url()))
    await create(platform, building(level=1))
    for level in range(30):
        await update(platform, B1, {"level": level})

    async def counted() -> bool:
        held = await platform.subscriptions.subscription(NIMES, "", key)
        return held.told.times_sent == 31

    await eventually(counted)
    held = await platform.subscriptions.subscription(NIMES, "", key)
    assert held.told.times_failed == 0
    assert held.told.last_success == held.told.last_notification


async def test_nothing_is_left_behind_once_all_is_told(
    platform: ExchangeProcess, receiver: NotificationReceiver, database: Database
) -> None:
    for number in range(3):
        await subscribe(platform, subscription(receiver.url(f"/{number}"), number))
    for number in range(20):
        await create(platform, building(number, level=1))
    await eventually(lambda: len(receiver.received) == 60)

    async def empty() -> bool:
        async with database.transaction(EVERYTHING) as connection:
            cursor = await connection.execute(
                "select (select count(*) from exchange.occasion) "
                "+ (select count(*) from exchange.delivery)"
            )
            return await cursor.fetchone() == (0,)

    await eventually(empty)
    assert len(receiver.received) == 60


async def test_a_second_process_takes_over(
    database: Database, receiver: NotificationReceiver
) -> None:
    async with exchange_process(database) as second:
        async with exchange_process(database) as first:
            await subscribe(first, subscription(receiver.url()))
            await create(first, building(level=1))
            await eventually(lambda: receiver.received)
        await update(second, B1, {"level": 2})
        await eventually(lambda: _levels(receiver)[-1] == 2, within_s=10)
    assert set(_levels(receiver)) == {1, 2}


@pytest.mark.timeout(120)
async def test_a_process_that_is_killed_again_and_again_loses_nothing(
    database: Database, receiver: NotificationReceiver
) -> None:
    """Five times kill -9 under load: every change is told at least once."""
    async with exchange_process(database) as writer:
        await subscribe(writer, subscription(receiver.url()))
        await create(writer, building(level=0))
    # From here on only the process that is killed tells; the writer writes.
    told = {0}
    async with _writing(database) as writer:
        level = 0
        for _ in range(5):
            victim = await started_process(database)
            before = len(receiver.received)
            for _ in range(60):
                level += 1
                told.add(level)
                await update(writer, B1, {"level": level})
            await eventually(lambda: len(receiver.received) > before + 5, within_s=20)  # noqa: B023
            os.kill(victim.pid, signal.SIGKILL)
            await victim.wait()
        last = await started_process(database)
        await eventually(lambda: set(_levels(receiver)) >= told, within_s=30)
        os.kill(last.pid, signal.SIGKILL)
        await last.wait()
    ids = [one.body["id"] for one in receiver.received]
    assert len(set(ids)) == len(told)
    assert len(ids) - len(set(ids)) <= 5 * 64


def _levels(receiver: NotificationReceiver) -> list[int]:
    return [one.data[0]["level"]["value"] for one in receiver.received]


@asynccontextmanager
async def _writing(database: Database) -> AsyncIterator[ExchangeProcess]:
    """Run a process whose subscriptions are not served."""
    async with exchange_process(database, serving=False) as made:
        yield made


async def test_subscriptions_can_be_deleted_while_their_receivers_are_told(
    platform: ExchangeProcess, receiver: NotificationReceiver
) -> None:
    for number in range(40):
        await subscribe(platform, subscription(receiver.url(f"/{number % 4}"), number))

    async def write() -> None:
        for number in range(40):
            await create(platform, building(number, level=1))

    async def delete_all() -> None:
        for number in range(39):
            await platform.subscriptions.delete(NIMES, "", f"urn:ngsi-ld:Subscription:{number}")

    await asyncio.gather(write(), delete_all())
    last = "urn:ngsi-ld:Subscription:39"

    def told() -> bool:
        mine = [one for one in receiver.received if one.body["subscriptionId"] == last]
        return len({one.data[0]["id"] for one in mine}) == 40

    await eventually(told, within_s=10)
    left = await platform.subscriptions.subscription(NIMES, "", last)
    assert left.told.times_failed == 0
