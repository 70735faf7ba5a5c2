"""What is told where processes, receivers and the database end in between: all of it, in order."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from importlib.resources import files
from random import Random

import msgspec
import pytest

from beffroi.exchange.asking.reach import OwnDataGuard, Reach
from beffroi.exchange.subscriptions.model import CONTEXT_LINK, DeadLetter, Occasion
from beffroi.exchange.subscriptions.sending import Patience
from beffroi.kernel.database import Database, Scope, execute
from beffroi.kernel.database.migrations import migrate
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import UnavailableError
from tests.conftest import MakeDatabase
from tests.support.exchange_process import ExchangeProcess, exchange_process, started_process
from tests.support.notification_receiver import NotificationReceiver
from tests.support.town_subscriptions import (
    NIMES,
    building,
    create,
    held,
    read,
    subscribe,
    subscription,
    update,
)
from tests.support.waiting import eventually

B1 = "urn:ngsi-ld:Building:1"
PATIENT = Patience(attempts_most=10, first_s=20.0)
"""A second attempt is later than a test ends."""
CORE_LINK = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld"
OLD_FORM = "0018_deliveries.sql"
AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class _OnceAwayGuard(OwnDataGuard):
    """The first time that somebody asks what a subscription reaches, nothing answers."""

    def __init__(self) -> None:
        self.asked = 0

    async def subscribed(self, scope: Scope, tenant: str) -> Reach:
        self.asked += 1
        if self.asked == 1:
            raise UnavailableError("kernel.database_unreachable")
        return await super().subscribed(scope, tenant)


class _BrokenGuard(OwnDataGuard):
    """Fails as only a mistake in the platform does."""

    async def subscribed(self, scope: Scope, tenant: str) -> Reach:
        raise ZeroDivisionError(scope, tenant)


@asynccontextmanager
async def _writing(database: Database) -> AsyncIterator[ExchangeProcess]:
    async with exchange_process(database, serving=False) as made:
        yield made


async def test_what_failed_before_a_restart_is_told_before_what_came_since(
    database: Database, receiver: NotificationReceiver
) -> None:
    receiver.statuses["/notify"] = 500
    async with exchange_process(database, PATIENT) as first:
        key = await subscribe(first, subscription(receiver.url()))
        await create(first, building(level=1))

        async def is_counted() -> bool:
            held = await first.subscriptions.subscription(NIMES, "", key)
            return held.told.times_failed == 1

        await eventually(is_counted, within_s=10)
    del receiver.statuses["/notify"]
    async with _writing(database) as writer:
        await update(writer, B1, {"level": 2})
    async with exchange_process(database, PATIENT):
        await eventually(lambda: len(receiver.received) == 2, within_s=10)
    assert _levels(receiver) == [1, 2]


async def test_what_cannot_be_written_for_now_has_nothing_else_told_twice(
    database: Database, receiver: NotificationReceiver
) -> None:
    guard = _OnceAwayGuard()
    async with exchange_process(database, guard=guard) as platform:
        await subscribe(platform, subscription(receiver.url()))
        joining = subscription(receiver.url(), 2, notification={"join": "flat"})
        joining["entities"] = [{"type": "Shed"}]
        await subscribe(platform, joining)
        for number in range(100, 108):
            await create(platform, building(number, level=1))
        await eventually(lambda: len(receiver.received) == 8, within_s=10)
        shed = building(1, level=1) | {"type": "Shed"}
        many = [shed, *(building(number, level=1) for number in range(2, 40))]
        await asyncio.gather(*(create(platform, one) for one in many))
        await eventually(lambda: len(receiver.received) >= 47, within_s=10)
    assert guard.asked >= 2
    ids = [one.body["id"] for one in receiver.received]
    assert len(ids) == len(set(ids)) == 47


async def test_what_can_never_be_written_becomes_a_dead_letter_and_holds_up_no_other(
    database: Database, receiver: NotificationReceiver
) -> None:
    async with exchange_process(database, guard=_BrokenGuard()) as platform:
        joining = subscription(receiver.url(), 1, notification={"join": "flat"})
        key = await subscribe(platform, joining)
        await subscribe(platform, subscription(receiver.url(), 2))
        for number in range(3):
            await create(platform, building(number, level=1))
        await eventually(lambda: len(receiver.received) == 3, within_s=10)

        async def dead() -> set[str]:
            letters = await platform.subscriptions.dead_letters(NIMES, "", key)
            return {one.reason for one in letters} if len(letters) == 3 else set()

        assert await eventually(dead, within_s=10) == {"ZeroDivisionError"}


@pytest.mark.timeout(120)
async def test_processes_killed_at_any_moment_lose_nothing_and_keep_the_order(
    database: Database, receiver: NotificationReceiver
) -> None:
    """Kill -9 at random moments, with a receiver that fails now and then."""
    chance = Random(8)  # noqa: S311 - no secret
    paths = ["/a", "/b", "/c"]
    async with exchange_process(database) as first:
        for number, path in enumerate(paths, start=1):
            await subscribe(first, subscription(receiver.url(path), number))
        await create(first, building(level=0))
        await eventually(lambda: len(receiver.received) == len(paths), within_s=10)
    level = 0
    async with _writing(database) as writer:
        for _ in range(4):
            victim = await started_process(database)
            seen = len(receiver.received)
            for _ in range(40):
                level += 1
                await update(writer, B1, {"level": level})
            await eventually(lambda: len(receiver.received) > seen, within_s=20)  # noqa: B023
            receiver.statuses["/b"] = 500
            await asyncio.sleep(chance.random() * 0.02)
            receiver.statuses.clear()
            await asyncio.sleep(chance.random() * 0.1)
            os.kill(victim.pid, signal.SIGKILL)
            await victim.wait()
    async with exchange_process(database, PATIENT):
        whole = set(range(level + 1))
        await eventually(
            lambda: all(set(_levels(receiver, path)) == whole for path in paths), within_s=30
        )
    for path in paths:
        assert list(dict.fromkeys(_levels(receiver, path))) == list(range(level + 1))


async def test_what_waited_before_the_upgrade_goes_out_after_it(
    make_database: MakeDatabase, receiver: NotificationReceiver
) -> None:
    database = await make_database("kernel")
    await _migrate_before(database, OLD_FORM)
    await _add_old_rows(database, receiver.url())
    await migrate(database, ("exchange",))
    async with exchange_process(database) as platform:
        await eventually(lambda: len(receiver.received) == 6, within_s=10)
        assert _levels(receiver) == [1, 1, 2, 2, 3, 3]
        key = "urn:ngsi-ld:Subscription:1"

        async def dead() -> list[DeadLetter]:
            return list(await platform.subscriptions.dead_letters(NIMES, "", key))

        assert [(one.attempts, one.occurred_at) for one in await dead()] == [(10, AT)]
        assert await platform.subscriptions.replay(NIMES, "", key) == 1
        await eventually(lambda: len(receiver.received) == 7, within_s=10)
        assert _levels(receiver)[6] == 4
        assert not await dead()


def _levels(receiver: NotificationReceiver, path: str = "/notify") -> list[int]:
    return [one.data[0]["level"]["value"] for one in receiver.at(path)]


async def _migrate_before(database: Database, name: str) -> None:
    """Leave the exchange's tables as they were before a migration."""
    folder = files("beffroi.exchange").joinpath("migrations")
    async with database.transaction(EVERYTHING) as connection:
        for file in sorted(folder.iterdir(), key=lambda one: one.name):
            if file.name.endswith(".sql") and file.name < name:
                text = file.read_text(encoding="utf-8")
                await execute(connection, text, None)
                await execute(
                    connection,
                    "insert into kernel.migration (domain, name, digest) values (%s, %s, %s)",
                    ("exchange", file.name, sha256(text.encode()).hexdigest()),
                )


async def _add_old_rows(database: Database, uri: str) -> None:
    """Three occasions that two subscriptions wait for, and a dead letter of a fourth."""
    async with database.transaction(EVERYTHING) as connection:
        for number in (1, 2):
            document = held(subscription(uri, number)).document | {CONTEXT_LINK: CORE_LINK}
            await execute(
                connection,
                "insert into exchange.subscription (tenant, id, organisation, everything, "
                "document, created_at, modified_at) "
                "values ('', %s, 'nimes', false, %s, now(), now())",
                (document["id"], msgspec.json.encode(document).decode()),
            )
        for level in (1, 2, 3, 4):
            occasion = Occasion(entities=(read(building(level=level)),), changes=(), deleted=False)
            await execute(
                connection,
                "insert into exchange.occasion (at, content) values (%s, %s)",
                (AT, msgspec.json.encode(occasion).decode()),
            )
        await execute(
            connection,
            "insert into exchange.delivery (subscription, occasion, organisation, endpoint, lane) "
            "select s.number, o.number, s.organisation, %s, 1 from exchange.subscription s, "
            "exchange.occasion o where o.number < 4 order by o.number, s.number",
            (uri,),
        )
        await execute(
            connection,
            "insert into exchange.delivery (subscription, occasion, organisation, endpoint, lane, "
            "attempts, dead_at) values (1, 4, 'nimes', %s, 1, 10, now())",
            (uri,),
        )
