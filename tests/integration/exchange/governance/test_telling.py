"""What notifications tell of others' entities: by the policies that hold when it is matched."""

import os
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from beffroi.exchange.governance.declared import Policy
from beffroi.exchange.governance.guarding import PolicyGuard
from beffroi.exchange.governance.journal import AccessJournal
from beffroi.exchange.governance.rule_store import RuleKind
from beffroi.exchange.governance.rules import Rules
from beffroi.exchange.governance.service import Governance
from beffroi.exchange.subscriptions.matching import Matcher
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database, fetch_tuples
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import Follower, LogWatch
from beffroi.kernel.rights.model import Actor, Role
from beffroi.kernel.secrets import SealingKey
from tests.conftest import MakeDatabase
from tests.integration.exchange.governance.conftest import Town
from tests.integration.exchange.governance.test_journal import PEOPLE, journal
from tests.integration.exchange.governance.test_policies import (
    ANNE,
    AREA,
    BOB,
    INSIDE,
    OUTSIDE,
    person,
)
from tests.support.exchange_process import ExchangeProcess, exchange_process
from tests.support.notification_receiver import notification_receiver
from tests.support.town_subscriptions import ALES, NIMES, create, subscribe, subscription, update
from tests.support.waiting import eventually

GIVER = Actor("dpo", Role.MANAGER, "nimes")


@pytest.mark.parametrize("join", ["flat", "inline"])
async def test_persons_joined_to_a_notification_are_journalled_before_it_is_sent(
    town: Town, join: str
) -> None:
    await town.put("arras", PEOPLE)
    await town.give("arras", attributes=["name"])
    await town.add("arras", person(ANNE, 31), person(BOB, 2))
    async with notification_receiver() as receiver:
        notification = {"endpoint": {"uri": receiver.url()}, "join": join}
        watching = {
            "id": "urn:ngsi-ld:Subscription:1",
            "type": "Subscription",
            "entities": [{"type": "Bus"}],
            "notification": notification,
        }
        assert (await town.ask("lens", "POST", "subscriptions", watching)).status_code == 201
        driver = {"type": "Relationship", "object": ANNE}
        await town.add("lens", {"id": "urn:ngsi-ld:Bus:1", "type": "Bus", "driver": driver})
        await eventually(lambda: receiver.received)
        assert "Anne" in str(receiver.received[0].data)
    (noted,) = await journal(town)
    assert (noted.actor, noted.actor_organisation, noted.verb) == (
        "urn:ngsi-ld:Subscription:1",
        "lens",
        "notification",
    )
    assert noted.ids == (ANNE,)
    assert [one.rpartition("/")[2] for one in noted.attributes] == ["name"]


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    return await make_database("kernel", "exchange")


@pytest.fixture
async def writing(database: Database) -> AsyncIterator[ExchangeProcess]:
    """A process that keeps entities and subscriptions, and matches nothing."""
    async with exchange_process(database, serving=False) as made:
        await subscribe(made, subscription(entities=[{"type": "Person"}]), ALES)
        yield made


@pytest.fixture
def follower(database: Database) -> Follower:
    """Matches when it is told to; nobody tells it that another process changed a policy."""
    clock = SystemClock()
    rules = Rules(database, clock)
    guard = PolicyGuard(rules, AccessJournal(database, rules), SealingKey(os.urandom(32)))
    matcher = Matcher(clock, guard)
    return Follower("matcher", database, LogWatch(database), matcher.handle, matcher)


@pytest.fixture
def elsewhere(database: Database) -> Governance:
    """Where policies are declared: another process than the one that matches."""
    return Governance(database, Rules(database, SystemClock()))


async def give(governance: Governance, **said: Any) -> None:
    policy = {"name": "given", "to": ["ales"], "types": ["Person"], **said}
    await governance.put(GIVER, msgspec.convert(policy, Policy))


async def told(database: Database, follower: Follower) -> int:
    """Match what the log has; return how much waits to be told since the first time."""
    while await follower.advance():
        pass
    async with database.transaction(EVERYTHING) as connection:
        rows = await fetch_tuples(connection, "select count(*) from exchange.delivery")
    return int(rows[0][0])


async def test_what_is_written_after_a_policy_was_taken_back_elsewhere_is_not_told(
    database: Database, writing: ExchangeProcess, follower: Follower, elsewhere: Governance
) -> None:
    await give(elsewhere)
    await create(writing, person(ANNE, 31), NIMES)
    assert await told(database, follower) == 1
    await elsewhere.remove(GIVER, RuleKind.POLICY, "given")
    await create(writing, person(BOB, 2), NIMES)
    assert await told(database, follower) == 1


async def test_a_policy_opens_what_was_written_before_it_as_it_does_for_questions(
    database: Database, writing: ExchangeProcess, follower: Follower, elsewhere: Governance
) -> None:
    await create(writing, person(ANNE, 31), NIMES)
    await give(elsewhere)
    assert await told(database, follower) == 1


async def test_an_entity_that_has_left_an_area_by_then_is_not_told(
    database: Database, writing: ExchangeProcess, follower: Follower, elsewhere: Governance
) -> None:
    await give(elsewhere, area=AREA)
    await create(writing, person(ANNE, 31, INSIDE), NIMES)
    await create(writing, person(BOB, 2, INSIDE), NIMES)
    await update(writing, ANNE, {"age": 32})
    await update(writing, ANNE, {"location": OUTSIDE})
    assert await told(database, follower) == 1
