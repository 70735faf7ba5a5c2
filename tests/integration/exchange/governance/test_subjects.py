"""What is held about a person is handed over whole, and erased from everywhere."""

import io
import json
import zipfile
from typing import Any, Final

import msgspec
import pytest

from beffroi.exchange.declarations import GivenDeclarations
from beffroi.exchange.declared import ExchangeFile
from beffroi.exchange.governance import subject_store
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import ForbiddenError
from beffroi.kernel.rights.model import Actor, Role
from tests.integration.exchange.governance.conftest import Town, actor
from tests.integration.exchange.governance.test_journal import PEOPLE
from tests.integration.exchange.governance.test_policies import ANNE, BOB, person
from tests.support.notification_receiver import notification_receiver
from tests.support.waiting import eventually

HOUSE: Final = "urn:ngsi-ld:House:1"
ANNEMARIE: Final = ANNE + "-marie"


async def settle(town: Town) -> None:
    """Let Anne live in a house, be read, be told of and be corrected."""
    await town.put("arras", PEOPLE)
    house = {
        "id": HOUSE,
        "type": "House",
        "tenants": {"type": "Relationship", "object": [ANNE, BOB]},
        "owner": {"type": "Relationship", "object": ANNE},
        "note": {"type": "Property", "value": f"ask {ANNE}, after six"},
        "rooms": {"type": "Property", "value": 4},
    }
    friend = person(BOB, 2) | {"knows": {"type": "Relationship", "object": ANNE}}
    await town.add("arras", person(ANNE, 31), friend, person(ANNEMARIE, 7), house)
    age = {"type": "Property", "value": 32}
    await town.ask("arras", "PATCH", f"entities/{ANNE}/attrs/age", age)
    told = {"Beffroi-Purpose": f"asked by {ANNE}, and {ANNEMARIE}"}
    await town.found("arras", f"entities/{ANNE}", told)


async def tables_with(town: Town, text: str) -> list[str]:
    async with town.database.transaction(EVERYTHING) as connection:
        return await subject_store.tables_with(connection, text)


async def test_an_export_holds_the_person_their_past_and_who_read_it(town: Town) -> None:
    await settle(town)
    content = await town.services.governance.subjects.export(actor("arras"), ANNE)
    files: dict[str, Any] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: json.loads(archive.read(name)) for name in archive.namelist()}
    assert {one["id"] for one in files["entities.json"]} == {ANNE, BOB}
    ages = [one["value"] for one in files["history.json"] if one["attribute"] == "age"]
    assert ages == [31, 32]
    assert [one["verb"] for one in files["accesses.json"]] == ["retrieve"]
    assert [one["name"] for one in files["register.json"]] == ["people"]


async def test_an_erased_person_is_left_nowhere_in_the_database(town: Town) -> None:
    subscription = {
        "id": "urn:ngsi-ld:Subscription:1",
        "type": "Subscription",
        "entities": [{"type": "Person"}, {"type": "House", "id": HOUSE}],
        "notification": {"endpoint": {"uri": "http://127.0.0.1:9/nobody"}},
    }
    assert (await town.ask("arras", "POST", "subscriptions", subscription)).status_code == 201
    await settle(town)

    async def told() -> bool:
        return "exchange.occasion" in await tables_with(town, ANNE)

    await eventually(told)
    erasure = await town.services.governance.subjects.erase(actor("arras"), ANNE)
    assert [one for one in await tables_with(town, f'{ANNE}"') if one] == []
    left = await tables_with(town, ANNE)
    assert erasure.counts["entities"] == 3
    assert (await town.ask("arras", "GET", f"entities/{ANNE}")).status_code == 404
    assert (await town.ask("arras", "GET", f"temporal/entities/{ANNE}")).status_code == 404
    house = await town.found("arras", f"entities/{HOUSE}?options=keyValues")
    assert house["tenants"] == BOB or house["tenants"] == [BOB]
    assert (house["rooms"], "owner" in house, "note" in house) == (4, False, False)
    assert (await town.found("arras", f"entities/{ANNEMARIE}?options=keyValues"))["age"] == 7
    await town.ask("arras", "DELETE", f"entities/{ANNEMARIE}")
    journal = await town.services.governance.governance.accesses(actor("arras"))
    purposes = {one.purpose for one in journal if one.purpose}
    assert purposes == {f"asked by {erasure.mark}, and {ANNEMARIE}"}
    again = await town.services.governance.subjects.erase(actor("arras"), ANNEMARIE)
    assert await tables_with(town, ANNE) == []
    assert left != []
    assert again.mark != erasure.mark


async def test_a_model_that_asks_for_a_person_holds_up_no_erasure(town: Town) -> None:
    await settle(town)
    section = {"models": {"House": {"schema": "house.json", "mode": "refuse"}}}
    given = GivenDeclarations(
        source="models.yaml",
        declared=msgspec.convert(section, ExchangeFile),
        files={"house.json": b'{"type": "object", "required": ["owner"]}'},
    )
    await town.services.flow_parts.declarations.apply(actor("arras"), given)
    await town.services.models.renew()
    await town.services.governance.subjects.erase(actor("arras"), ANNE)
    house = await town.found("arras", f"entities/{HOUSE}?options=keyValues")
    assert (house["rooms"], "owner" in house) == (4, False)


async def test_those_who_follow_the_log_read_on_after_an_erasure(town: Town) -> None:
    async with notification_receiver() as receiver:
        subscription = {
            "id": "urn:ngsi-ld:Subscription:1",
            "type": "Subscription",
            "entities": [{"type": "House"}],
            "notification": {"endpoint": {"uri": receiver.url()}},
        }
        await settle(town)
        await town.services.governance.subjects.erase(actor("arras"), ANNE)
        assert (await town.ask("arras", "POST", "subscriptions", subscription)).status_code == 201
        rooms = {"type": "Property", "value": 5}
        await town.ask("arras", "PATCH", f"entities/{HOUSE}/attrs/rooms", rooms)
        await eventually(lambda: len(receiver.received) == 1)
    assert receiver.received[0].data[0]["rooms"]["value"] == 5


async def test_only_those_who_answer_for_the_data_may_export_or_erase(town: Town) -> None:
    await settle(town)
    subjects = town.services.governance.subjects
    for one in (Actor("m", Role.MEMBER, "arras"), Actor("p", Role.PARTNER, "arras")):
        with pytest.raises(ForbiddenError):
            await subjects.export(one, ANNE)
        with pytest.raises(ForbiddenError):
            await subjects.erase(one, ANNE)
    erasure = await subjects.erase(actor("lens"), ANNE)
    assert (sum(erasure.counts.values()), list(erasure.left)) == (0, [])
    assert (await town.found("arras", f"entities/{ANNE}"))["id"] == ANNE
