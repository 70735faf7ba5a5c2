"""What policies give is reached by no way around them."""

from typing import Final

import msgspec
import pytest

from beffroi.exchange.declarations import GivenDeclarations
from beffroi.exchange.declared import ExchangeFile
from beffroi.exchange.governance.rule_store import RuleKind
from beffroi.kernel.database import fetch_tuples
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import ForbiddenError
from beffroi.kernel.rights.model import Actor, Role
from tests.integration.exchange.governance.conftest import Town, actor
from tests.integration.exchange.governance.test_policies import ANNE, AREA, BOB, OUTSIDE, person
from tests.support.notification_receiver import notification_receiver
from tests.support.waiting import eventually

ZONE: Final = "urn:ngsi-ld:Zone:1"
PARTNER: Final = Actor("paul", Role.PARTNER, "arras")


async def test_an_outline_that_the_giver_may_not_see_gives_nothing(town: Town) -> None:
    outline = {"type": "GeoProperty", "value": AREA}
    await town.add("arras", {"id": ZONE, "type": "Zone", "location": outline})
    await town.add("lens", person(ANNE, 31), person(BOB, 2, OUTSIDE))
    await town.give("lens", to=["public"], outline_of=ZONE)
    assert await town.found("", "entities?type=Person") == []
    await town.give("arras", types=["Zone"])
    seen = await town.found("", "entities?type=Person")
    assert [one["id"] for one in seen] == [ANNE]
    await town.give("arras", types=["Zone"], attributes=["name"])
    assert await town.found("", "entities?type=Person") == []


async def test_what_the_platform_gives_to_everybody_is_seen_by_everybody(town: Town) -> None:
    await town.add("olga", person(ANNE, 31))
    await town.give("olga", to=["public"], attributes=["name"])
    for who in ("", "lens"):
        seen = await town.found(who, "entities?type=Person&options=keyValues")
        assert [(one["id"], "age" in one) for one in seen] == [(ANNE, False)], who


async def waiting(town: Town) -> int:
    async with town.database.transaction(EVERYTHING) as connection:
        rows = await fetch_tuples(connection, "select count(*) from exchange.delivery")
    return int(rows[0][0])


@pytest.mark.parametrize("showing", ["plain", "pseudonyms"])
async def test_what_waits_to_be_told_is_dropped_with_its_policy(town: Town, showing: str) -> None:
    async with notification_receiver() as receiver:
        receiver.statuses["/notify"] = 500
        subscription = {
            "id": "urn:ngsi-ld:Subscription:1",
            "type": "Subscription",
            "entities": [{"type": "Person"}],
            "notification": {"endpoint": {"uri": receiver.url()}},
        }
        assert (await town.ask("lens", "POST", "subscriptions", subscription)).status_code == 201
        await town.give("arras", **{"as": showing})
        await town.add("arras", person(ANNE, 31))
        await eventually(lambda: len(receiver.refused) >= 1)
        await town.give("arras", name="other", types=["Bus"])
        governance = town.services.governance.governance
        await governance.remove(actor("arras"), RuleKind.POLICY, "given")
        del receiver.statuses["/notify"]

        async def nothing_waits() -> bool:
            return await waiting(town) == 0

        await eventually(nothing_waits)
    assert receiver.received == []


async def test_what_waits_to_be_told_stays_while_its_policy_does(town: Town) -> None:
    async with notification_receiver() as receiver:
        receiver.statuses["/notify"] = 500
        subscription = {
            "id": "urn:ngsi-ld:Subscription:1",
            "type": "Subscription",
            "entities": [{"type": "Person"}],
            "notification": {"endpoint": {"uri": receiver.url()}},
        }
        assert (await town.ask("lens", "POST", "subscriptions", subscription)).status_code == 201
        await town.give("arras", attributes=["age"], area=AREA)
        await town.add("arras", person(ANNE, 31))
        await eventually(lambda: len(receiver.refused) >= 1)
        await town.give("arras", name="other", types=["Bus"])
        await town.give("arras", attributes=["age"], area=AREA)
        del receiver.statuses["/notify"]
        await eventually(lambda: len(receiver.received) == 1)
    assert receiver.received[0].data[0]["age"]["value"] == 31


async def test_a_partner_gives_nothing_by_a_declared_file(town: Town) -> None:
    policy = {"name": "all", "to": ["public"], "types": ["Person"]}
    section = {"policies": {"all": policy}}
    file = GivenDeclarations(source="town.yaml", declared=msgspec.convert(section, ExchangeFile))
    empty = GivenDeclarations(source="town.yaml", declared=ExchangeFile())
    declarations = town.services.flow_parts.declarations
    with pytest.raises(ForbiddenError):
        await declarations.apply(PARTNER, file)
    await declarations.apply(actor("arras"), file)
    with pytest.raises(ForbiddenError):
        await declarations.apply(PARTNER, empty)
    governance = town.services.governance.governance
    assert [one.name for one in await governance.policies(actor("arras"))] == ["all"]
