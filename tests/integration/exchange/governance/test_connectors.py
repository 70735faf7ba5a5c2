"""What connectors carry of other organisations' entities: what policies give, and it is noted."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from itertools import count
from typing import Any, Final

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from beffroi.exchange.declarations import GivenDeclarations
from beffroi.exchange.declared import ExchangeFile
from beffroi.exchange.flows.model import RefusedItem
from beffroi.exchange.governance.rule_store import RuleKind
from beffroi.kernel.secrets import Secret
from tests.integration.exchange.governance.conftest import Town, actor
from tests.integration.exchange.governance.test_journal import PEOPLE, journal
from tests.integration.exchange.governance.test_policies import (
    ANNE,
    AREA,
    BOB,
    INSIDE,
    OUTSIDE,
    person,
)
from tests.support.waiting import eventually
from tests.support.webhook_receiver import WebhookReceiver, webhook_receiver

FIELDS: Final = {
    "code": {"attribute": "id"},
    "name": {"attribute": "name"},
    "age": {"attribute": "age"},
}
END: Final = "urn:ngsi-ld:Bus:end"
Row = tuple[object, object, object]
_NUMBERS: Final = count()


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    async with webhook_receiver() as made:
        yield made


async def connect(town: Town, receiver: WebhookReceiver, path: str = "/hook", **of: Any) -> None:
    """Have lens declare a connector of people and buses."""
    one = {"name": "out", "types": ["Person", "Bus"], "fields": FIELDS, "deletions": True, **of}
    one["webhook"] = {"url": receiver.url(path), "secret": "key"}
    declared = msgspec.convert({"connectors": {"out": one}}, ExchangeFile)
    parts = town.services.flow_parts
    await parts.vault.put(actor("lens"), "lens", "key", Secret("said by nobody"))
    given_ = GivenDeclarations(source="lens.yaml", declared=declared)
    await parts.declarations.apply(actor("lens"), given_)


async def finish(
    town: Town, receiver: WebhookReceiver, tenant: str = "", path: str = "/hook"
) -> None:
    """Wait until all that happened before now has been carried."""
    headers = {"NGSILD-Tenant": tenant} if tenant else {}
    end = {"id": END, "type": "Bus", "name": {"type": "Property", "value": "end"}}
    answer = await town.ask("lens", "POST", "entities", end, headers)
    assert answer.status_code == 201, answer.text
    await eventually(lambda: any(one["id"] == END for one in receiver.changes(path)))


async def refused(town: Town) -> list[RefusedItem]:
    await town.services.flow_parts.journal.write()
    return list(await town.services.flow_parts.flows.refused(actor("lens"), "lens", "out"))


async def test_a_connector_carries_what_is_given_for_its_purpose(
    town: Town, receiver: WebhookReceiver
) -> None:
    await town.give("arras", attributes=["name"], area=AREA, purposes=["study"])
    await connect(town, receiver, purpose="study")
    await town.add("arras", person(ANNE, 31), person(BOB, 2, OUTSIDE))
    await town.add("arras", {"id": "urn:ngsi-ld:Bus:1", "type": "Bus"})
    change = {"type": "Property", "value": 32}
    await town.ask("arras", "PATCH", f"entities/{ANNE}/attrs/age", change)
    await finish(town, receiver)
    told = [one for one in receiver.fields() if one["code"] != END]
    assert told == [{"code": ANNE, "name": "Anne", "age": None}]


async def test_without_the_purpose_nothing_is_carried(
    town: Town, receiver: WebhookReceiver
) -> None:
    await town.give("arras", purposes=["study"])
    await connect(town, receiver)
    await town.add("arras", person(ANNE, 31))
    await finish(town, receiver)
    assert [one["id"] for one in receiver.changes()] == [END]


async def test_what_is_carried_of_persons_is_noted_before(
    town: Town, receiver: WebhookReceiver
) -> None:
    await town.put("arras", PEOPLE)
    await town.give("arras", attributes=["name", "location"])
    await connect(town, receiver, purpose="study")
    await town.add("arras", person(ANNE, 31))
    await eventually(receiver.changes)
    (noted,) = await journal(town)
    assert (noted.actor, noted.actor_organisation, noted.verb) == ("flow out", "lens", "connector")
    assert (noted.purpose, noted.ids) == ("study", (ANNE,))
    assert [one.rpartition("/")[2] for one in noted.attributes] == ["name"]


async def test_the_own_persons_that_are_carried_are_noted_too(
    town: Town, receiver: WebhookReceiver
) -> None:
    await town.put("lens", PEOPLE)
    await connect(town, receiver)
    await town.add("lens", person(ANNE, 31))
    await eventually(receiver.changes)
    (noted,) = await town.services.governance.governance.accesses(actor("lens"))
    assert (noted.actor_organisation, noted.verb, noted.ids) == ("lens", "connector", (ANNE,))


async def test_a_policy_that_is_withdrawn_stops_what_waits_and_dead_letters(
    town: Town, receiver: WebhookReceiver
) -> None:
    await town.give("arras")
    receiver.receiver.statuses["/hook"] = 400
    await connect(town, receiver)
    await town.add("arras", person(ANNE, 31))
    await eventually(lambda: refused(town))
    receiver.receiver.statuses["/hook"] = 500
    await town.add("arras", person(BOB, 2))
    governance = town.services.governance.governance
    await governance.remove(actor("arras"), RuleKind.POLICY, "given")
    assert await town.services.flow_parts.flows.send_again(actor("lens"), "lens", "out") == 1
    del receiver.receiver.statuses["/hook"]
    await finish(town, receiver)
    assert [one["id"] for one in receiver.changes()] == [END]
    assert await refused(town) == []


async def test_what_became_anothers_is_not_told_as_ones_own(
    town: Town, receiver: WebhookReceiver
) -> None:
    """An id that was one's own and is another's now tells nothing of the other's values."""
    await connect(town, receiver)
    flows = town.services.flow_parts.flows
    await flows.pause(actor("lens"), "lens", "out")
    await town.add("lens", {"id": ANNE, "type": "Person"})
    path = f"entities/{ANNE}/attrs"
    await asyncio.gather(
        *(town.ask("lens", "POST", path, {"dog": {"value": one}}) for one in range(501))
    )
    await town.ask("lens", "DELETE", f"entities/{ANNE}")
    await town.add("arras", person(ANNE, 31))
    await flows.resume(actor("lens"), "lens", "out")
    await finish(town, receiver)
    assert {one["name"] for one in receiver.fields() if one["code"] != END} == {None}


async def test_conditions_on_linked_entities_hold_for_connectors(
    town: Town, receiver: WebhookReceiver
) -> None:
    await connect(town, receiver, types=["Person"], q="boss{age}>40")
    for number, age in ((1, 30), (2, 50)):
        boss = f"urn:ngsi-ld:Bus:{number}"
        await town.add(
            "lens",
            {"id": boss, "type": "Bus", "age": {"type": "Property", "value": age}},
            {
                "id": f"urn:ngsi-ld:Person:{number}",
                "type": "Person",
                "boss": {"type": "Relationship", "object": boss},
            },
        )
    await eventually(receiver.changes)
    assert [one["id"] for one in receiver.changes()] == ["urn:ngsi-ld:Person:2"]


_TYPES = ("Person", "Bus")
_NAMES = ("name", "age", "location")
_some = st.lists(st.sampled_from(_NAMES), max_size=2, unique=True)
_policies = st.lists(
    st.fixed_dictionaries(
        {
            "types": st.lists(st.sampled_from(_TYPES), min_size=1, max_size=2, unique=True),
            "attributes": _some,
            "area": st.sampled_from((None, AREA)),
            "purposes": st.sampled_from(([], ["study"])),
            "as": st.sampled_from(("plain", "plain", "pseudonyms", "counts")),
        }
    ),
    min_size=1,
    max_size=3,
)
_entities = st.lists(
    st.tuples(
        st.sampled_from(("arras", "arras", "lens")),
        st.sampled_from(_TYPES),
        st.sampled_from((INSIDE, OUTSIDE)),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


@pytest.mark.timeout(120)
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(some=_entities, rules=_policies, purpose=st.sampled_from(("", "study")))
async def test_a_connector_carries_nothing_that_its_organisation_may_not_ask_for(
    town: Town,
    receiver: WebhookReceiver,
    some: list[tuple[str, str, Any, bool]],
    rules: list[dict[str, Any]],
    purpose: str,
) -> None:
    """Random policies over random entities, some of which move: each example is a tenant."""
    number = next(_NUMBERS)
    tenant, path = f"town{number}", f"/{number}"
    for place, rule in enumerate(rules):
        pseudonymised = ["name"] if rule["as"] == "pseudonyms" else []
        named = {**rule, "name": f"p{number}-{place}", "tenant": tenant}
        await town.give("arras", **named, pseudonymised=pseudonymised)
    await connect(town, receiver, path, tenant=tenant, purpose=purpose)
    headers = {"NGSILD-Tenant": tenant, "Beffroi-Purpose": purpose}
    askable: set[Row] = set()
    for place, (owner, kind, where, moves) in enumerate(some):
        one = person(f"urn:ngsi-ld:{kind}:{place}", place, where) | {"type": kind}
        assert (await town.ask(owner, "POST", "entities", one, headers)).status_code == 201
        askable |= await _asked(town, headers)
        if moves:
            there = {"location": {"type": "GeoProperty", "value": OUTSIDE}}
            await town.ask(owner, "PATCH", f"entities/{one['id']}", there, headers)
    last = await _asked(town, headers)
    await finish(town, receiver, tenant, path)
    carried = {
        (one["code"], one["name"], one["age"])
        for one in receiver.fields(path)
        if one["code"] != END
    }
    assert carried <= askable | last
    assert last <= carried


async def _asked(town: Town, headers: Mapping[str, str]) -> set[Row]:
    found = await town.found("lens", "entities?type=Person,Bus&options=keyValues", headers)
    return {(one["id"], one.get("name"), one.get("age")) for one in found}
