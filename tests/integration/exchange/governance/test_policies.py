"""Nothing of another organisation is seen but what its policies give, by whatever route."""

from typing import Any, Final

import pytest

from beffroi.exchange.governance.rule_store import RuleKind
from tests.integration.exchange.governance.conftest import DOOR, Town, actor
from tests.support.notification_receiver import notification_receiver
from tests.support.waiting import eventually

ANNE: Final = "urn:ngsi-ld:Person:anne"
BOB: Final = "urn:ngsi-ld:Person:bob"
INSIDE: Final = {"type": "Point", "coordinates": [2.8, 50.4]}
OUTSIDE: Final = {"type": "Point", "coordinates": [4.4, 43.8]}
WITHIN: Final = (
    "georel=within&geometry=Polygon"
    "&coordinates=%5B%5B%5B2,50%5D,%5B3,50%5D,%5B3,51%5D,%5B2,51%5D,%5B2,50%5D%5D%5D"
)
NEAR: Final = (
    "entities?type=Person&georel=near;maxDistance==100000&geometry=Point&coordinates=%5B2.8,50.4%5D"
)
AREA: Final = {
    "type": "Polygon",
    "coordinates": [[[2, 50], [3, 50], [3, 51], [2, 51], [2, 50]]],
}


def person(entity_id: str, age: int, place: dict[str, Any] = INSIDE) -> dict[str, Any]:
    return {
        "id": entity_id,
        "type": "Person",
        "age": {"type": "Property", "value": age},
        "name": {"type": "Property", "value": "Anne"},
        "location": {"type": "GeoProperty", "value": place},
    }


WAYS: Final = (
    "entities?type=Person",
    f"entities/{ANNE}",
    f"entities?id={ANNE}",
    "entities?type=Person&q=age%3E3",
    "entities?type=Person&orderBy=age",
    NEAR,
    "types/Person",
    "attributes/age",
    f"temporal/entities/{ANNE}",
    "temporal/entities?type=Person&timerel=after&timeAt=2020-01-01T00:00:00Z",
    "entities?type=Place&q=mayor%7Bage%7D%3E3&join=inline&joinLevel=1",
)


async def test_without_a_policy_all_is_as_if_nothing_were_there(town: Town) -> None:
    before = {path: await town.ask("lens", "GET", path) for path in WAYS}
    await town.add("arras", person(ANNE, 31))
    for path, was in before.items():
        after = await town.ask("lens", "GET", path)
        assert (after.status_code, after.text) == (was.status_code, was.text), path
        assert (await town.ask("", "GET", path)).status_code == 401, path


async def test_a_policy_gives_the_attributes_that_it_names(town: Town) -> None:
    await town.add("arras", person(ANNE, 31))
    await town.give("arras", attributes=["name"])
    shown = await town.found("lens", f"entities/{ANNE}?options=keyValues")
    assert (shown["id"], shown["name"], "age" in shown) == (ANNE, "Anne", False)
    history = await town.found("lens", f"temporal/entities/{ANNE}")
    assert "name" in history
    assert "age" not in history
    assert "location" not in history
    named = set((await town.found("lens", "attributes"))["attributeList"])
    assert named == {"name"}
    assert (await town.ask("lens", "GET", "attributes/age")).status_code == 404


GUESSES: Final[dict[str, list[str]]] = {
    "q=age%3E3": [],
    "q=age%3C3": [],
    "q=age": [],
    "q=%21age": [ANNE, BOB],
    "q=age==31": [],
    "attrs=age": [],
    "pick=age": [],
    "orderBy=age;desc": [ANNE, BOB],
    WITHIN: [],
    "q=name==%22Anne%22": [ANNE, BOB],
}


async def test_what_may_not_be_seen_cannot_be_guessed(town: Town) -> None:
    await town.add("arras", person(ANNE, 31), person(BOB, 2))
    await town.give("arras", attributes=["name"])
    for asked, ids in GUESSES.items():
        answer = await town.ask("lens", "GET", f"entities?type=Person&count=true&{asked}")
        assert answer.status_code == 200, asked
        assert [one["id"] for one in answer.json()] == ids, asked
        assert answer.headers["ngsild-results-count"] == str(len(ids)), asked


async def test_a_policy_ends_at_its_area_its_purpose_and_its_type(town: Town) -> None:
    await town.add("arras", person(ANNE, 31), person(BOB, 2, OUTSIDE))
    await town.add("arras", {"id": "urn:ngsi-ld:Bus:1", "type": "Bus"})
    await town.give("arras", area=AREA, purposes=["study"])
    assert await town.found("lens", "entities?type=Person,Bus") == []
    study = {"Beffroi-Purpose": "study"}
    seen = await town.found("lens", "entities?type=Person,Bus", study)
    assert [one["id"] for one in seen] == [ANNE]
    assert (await town.ask("lens", "GET", f"entities/{BOB}", headers=study)).status_code == 404


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
async def test_a_purpose_has_its_accents(town: Town, encoding: str) -> None:
    await town.add("arras", person(ANNE, 31))
    await town.give("arras", purposes=["étude"])
    token = town.tokens["lens"]
    headers = {b"Authorization": f"Bearer {token}".encode()}
    headers[b"Beffroi-Purpose"] = "étude".encode(encoding)
    answer = await town.client.get(f"{DOOR}/entities?type=Person", headers=headers)
    assert [one["id"] for one in answer.json()] == [ANNE]


async def test_what_is_given_is_read_and_never_written(town: Town) -> None:
    await town.add("arras", person(ANNE, 31))
    await town.give("arras")
    age = {"type": "Property", "value": 1}
    denied = [
        await town.ask("lens", "PATCH", f"entities/{ANNE}/attrs/age", age),
        await town.ask("lens", "DELETE", f"entities/{ANNE}"),
        await town.ask("lens", "DELETE", "entities?type=Person"),
    ]
    assert [one.status_code for one in denied] == [404, 404, 204]
    kept = await town.found("arras", f"entities/{ANNE}?options=keyValues")
    assert kept["age"] == 31


async def test_a_policy_that_is_withdrawn_shows_nothing_at_once(town: Town) -> None:
    await town.add("arras", person(ANNE, 31))
    await town.give("arras")
    assert len(await town.found("lens", "entities?type=Person")) == 1
    governance = town.services.governance.governance
    await governance.remove(actor("arras"), RuleKind.POLICY, "given")
    assert await town.found("lens", "entities?type=Person") == []


async def test_everybody_reads_what_is_public_and_nothing_else(town: Town) -> None:
    await town.add("arras", person(ANNE, 31), {"id": "urn:ngsi-ld:Bus:1", "type": "Bus"})
    await town.give("arras", to=["public"], attributes=["name"])
    seen = await town.found("", "entities?type=Person,Bus&options=keyValues")
    assert [(one["id"], "age" in one) for one in seen] == [(ANNE, False)]
    assert (await town.ask("", "GET", "subscriptions")).status_code == 401
    assert (await town.ask("", "DELETE", f"entities/{ANNE}")).status_code == 401


async def test_pseudonyms_stand_for_ids_and_stay_the_same_for_one_recipient(town: Town) -> None:
    await town.add("arras", person(ANNE, 31))
    await town.give("arras", **{"as": "pseudonyms", "pseudonymised": ["name"]})
    (seen,) = await town.found("lens", "entities?type=Person&options=keyValues")
    assert seen["id"].startswith("urn:beffroi:pseudonym:")
    assert seen["name"].startswith("urn:beffroi:pseudonym:")
    assert seen["age"] == 31
    again = await town.found("lens", f"entities/{seen['id']}?options=keyValues")
    assert again["id"] == seen["id"]
    assert (await town.ask("lens", "GET", f"entities/{ANNE}")).status_code == 404
    assert (await town.ask("lens", "GET", f"temporal/entities/{ANNE}")).status_code == 404
    assert await town.found("lens", "entities?type=Person&q=name==%22Anne%22") == []


async def test_subscriptions_are_told_what_may_be_seen(town: Town) -> None:
    async with notification_receiver() as receiver:
        subscription = {
            "id": "urn:ngsi-ld:Subscription:1",
            "type": "Subscription",
            "entities": [{"type": "Person"}],
            "notification": {"endpoint": {"uri": receiver.url()}, "showChanges": True},
        }
        assert (await town.ask("lens", "POST", "subscriptions", subscription)).status_code == 201
        await town.add("arras", person(BOB, 2))
        await town.matched()
        await town.give("arras", attributes=["name"])
        await town.add("arras", person(ANNE, 31))
        await eventually(lambda: len(receiver.received) == 1)
        path = f"entities/{ANNE}/attrs"
        for name, value in (("age", 32), ("name", "Annie")):
            change = {"type": "Property", "value": value}
            answer = await town.ask("arras", "PATCH", f"{path}/{name}", change)
            assert answer.status_code == 204
        await eventually(lambda: len(receiver.received) == 2)
    told = [one.data[0] for one in receiver.received]
    assert [one["name"]["value"] for one in told] == ["Anne", "Annie"]
    assert all("age" not in one and "location" not in one for one in told)


async def test_an_outline_of_an_entity_is_an_area(town: Town) -> None:
    outline = {"type": "GeoProperty", "value": AREA}
    await town.add("arras", {"id": "urn:ngsi-ld:Ward:1", "type": "Ward", "location": outline})
    await town.add("arras", person(ANNE, 31), person(BOB, 2, OUTSIDE))
    await town.give("arras", outline_of="urn:ngsi-ld:Ward:1")
    seen = await town.found("lens", "entities?type=Person")
    assert [one["id"] for one in seen] == [ANNE]
    await town.give("arras", outline_of="urn:ngsi-ld:Ward:gone")
    assert await town.found("lens", "entities?type=Person") == []
