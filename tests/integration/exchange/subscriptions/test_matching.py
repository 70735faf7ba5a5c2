"""Matching a batch of the log keeps what each subscription wants, and no more."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest

from beffroi.exchange.subscriptions import delivery_store
from beffroi.exchange.subscriptions.matching import Matcher
from beffroi.exchange.subscriptions.model import Occasion
from beffroi.exchange.subscriptions.windows import Windows
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database, fetch_tuples
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import Follower, LogWatch
from tests.support.endings import ended
from tests.support.exchange_process import ExchangeProcess, exchange_process
from tests.support.town_subscriptions import (
    ALES,
    NIMES,
    OPERATOR,
    building,
    create,
    delete,
    subscribe,
    subscription,
    update,
)

B1 = "urn:ngsi-ld:Building:1"
URI = "http://127.0.0.1:1/notify"
LEVEL = "https://uri.etsi.org/ngsi-ld/default-context/level"


@pytest.fixture
async def writing(database: Database) -> AsyncIterator[ExchangeProcess]:
    """A process that keeps entities and subscriptions, and matches nothing."""
    async with exchange_process(database, serving=False) as made:
        yield made


@pytest.fixture
def follower(database: Database) -> Follower:
    """Matches when it is told to, all that the log has by then in one batch."""
    matcher = Matcher(SystemClock())
    return Follower("matcher", database, LogWatch(database), matcher.handle, matcher)


async def _told(database: Database) -> list[tuple[str, int]]:
    """Return which subscription is to be told of which level, in the order of the log."""
    async with database.transaction(EVERYTHING) as connection:
        rows = await fetch_tuples(
            connection,
            "select s.id, o.content::text from exchange.delivery d join exchange.occasion o "
            "on o.number = d.number >> 20 join exchange.subscription s "
            "on s.number = d.subscription order by d.number",
        )
    found = []
    for subscription_id, content in rows:
        (entity,) = msgspec.json.decode(content, type=Occasion).entities
        found.append((subscription_id.rpartition(":")[2], entity.attributes[LEVEL][0].value))
    return found


async def _matched(follower: Follower) -> None:
    while await follower.advance():
        pass


async def test_of_many_that_ask_for_values_those_are_told_that_want_what_was_written(
    writing: ExchangeProcess, follower: Follower, database: Database
) -> None:
    for number in range(30):
        await subscribe(writing, subscription(number=number, q=f"level=={number}"))
    await subscribe(writing, subscription(number=50, q="level>7"), OPERATOR)
    await subscribe(writing, subscription(number=51, q="level>7"), ALES)
    await subscribe(writing, subscription(number=52, watchedAttributes=["name"], q="level==7"))
    await create(writing, building(level=7))
    for level in (8, 99, 8):
        await update(writing, B1, {"level": level})
    await _matched(follower)
    of_eight = [("8", 8), ("50", 8)]
    assert await _told(database) == [("7", 7), *of_eight, ("50", 99), *of_eight]


async def test_subscriptions_that_come_change_and_go_within_a_batch_are_told_what_is_theirs(
    writing: ExchangeProcess, follower: Follower, database: Database
) -> None:
    await subscribe(writing, subscription(number=9, entities=[{"type": "Bus"}]))
    await create(writing, building(level=1))
    await _matched(follower)
    await update(writing, B1, {"level": 2})
    first, second, gone = (subscription(number=number) for number in (1, 2, 3))
    await subscribe(writing, first)
    await subscribe(writing, gone)
    await update(writing, B1, {"level": 3})
    await subscribe(writing, second)
    await update(writing, B1, {"level": 4})
    await writing.subscriptions.delete(NIMES, "", gone["id"])
    await delete(writing, B1)
    await create(writing, building(level=5))
    await _matched(follower)
    assert await _told(database) == [("1", 3), ("1", 4), ("2", 4), ("1", 5), ("2", 5)]


async def test_a_window_tells_whether_more_waits_and_when(
    writing: ExchangeProcess, follower: Follower, database: Database
) -> None:
    await subscribe(writing, subscription(URI))
    await create(writing, building(level=1))
    await update(writing, B1, {"level": 2})
    await _matched(follower)
    clock = SystemClock()
    windows = Windows(database, clock)
    serving = asyncio.create_task(windows.run())
    try:
        assert [len((await windows.of(URI, most)).waiting) for most in (1, 2, 3)] == [1, 2, 2]
        assert [(await windows.of(URI, most)).is_all for most in (1, 2, 3)] == [False, True, True]
        nothing = await windows.of("http://127.0.0.1:1/other", 1)
        assert (list(nothing.waiting), nothing.is_all, nothing.due_at) == ([], True, None)
        first, second = (await windows.of(URI, 2)).waiting
        later = clock.now() + timedelta(minutes=10)
        async with database.transaction(EVERYTHING) as connection:
            await delivery_store.retry_later(connection, [(first.number, later, None, "HTTP 503")])
        after = await windows.of(URI, 2)
        assert [one.number for one in after.waiting] == [second.number]
        assert (after.is_all, after.due_at) == (True, later)
    finally:
        await ended(serving)
