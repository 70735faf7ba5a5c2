"""The pages of flows: what each organisation sees of them, and what their buttons do."""

import re

import msgspec
import pytest

from beffroi.exchange.declarations import GivenDeclarations
from beffroi.exchange.declared import ExchangeFile
from beffroi.exchange.flows.errors import FlowFailedError
from beffroi.kernel.rights.model import Actor, Role
from tests.integration.console.house import House
from tests.integration.console.markup import Markup
from tests.integration.console.statements import statements_told

GASTON = Actor("gaston", Role.MANAGER, "mairie")
PAGE_BYTES = 24 * 1024
FLOW = "/exchange/flows/sensors-to-erp?organisation=mairie"
STATEMENTS = {"/exchange/flows": 5, FLOW: 7}
MANY = 45


def _hook(name: str) -> dict[str, object]:
    return {
        "name": name,
        "types": ["Sensor"],
        "fields": {"code": {"attribute": "id"}, "heat": {"attribute": "temperature"}},
        "webhook": {"url": "https://erp.example/hook", "secret": "erp"},
    }


@pytest.fixture
async def flowing(house: House) -> House:
    """A console whose town hall has many flows, one of which fails and has refused much."""
    names = ["sensors-to-erp", *(f"sensors-to-{number:02}" for number in range(MANY))]
    declared = msgspec.convert({"connectors": {name: _hook(name) for name in names}}, ExchangeFile)
    services = house.platform.services
    await services.declarations.apply(GASTON, GivenDeclarations(source="f.yaml", declared=declared))
    journal = services.exchange.flow_parts.journal
    failed = FlowFailedError("exchange.connector_away", host="<b>erp</b>", reason="it sleeps")
    for name in names:
        journal.carried("mairie", name, 1_234)
        journal.lagging("mairie", name, 754.0)
    for number in range(40):
        excerpt = f'{{"heat":"<i>{number}</i>", "told": "{"x" * 600}"}}'
        journal.refused("mairie", "sensors-to-erp", failed, told=excerpt)
    journal.failed("mairie", "sensors-to-erp", failed)
    await journal.write()
    return house


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_pages_are_well_formed_light_and_hostile_values_stay_text(
    flowing: House, language: str
) -> None:
    client = await flowing.signed_in("olga", language)
    for page in (*STATEMENTS, "/exchange/flows?after=25"):
        answer = await client.get(page)
        assert answer.status_code == 200, page
        assert Markup(answer.text).mistakes == [], page
        assert len(answer.content) < PAGE_BYTES, (page, len(answer.content))
        assert "<b>erp</b>" not in answer.text
        assert "<i>" not in answer.text


async def test_the_statements_of_the_pages_are_few_and_fixed(flowing: House) -> None:
    client = await flowing.signed_in("olga")
    found = {}
    for page in STATEMENTS:
        with statements_told(flowing.server, flowing.platform.foundation.database) as told:
            assert (await client.get(page)).status_code == 200
        found[page] = told
    assert {page: len(told) for page, told in found.items()} == STATEMENTS, found


async def test_a_flow_tells_how_it_fares_in_words(flowing: House) -> None:
    page = (await (await flowing.signed_in("gaston", "en")).get(FLOW)).text
    for told in (
        "failing",
        "1,234",
        "12\N{NO-BREAK SPACE}min\N{NO-BREAK SPACE}34\N{NO-BREAK SPACE}s",
        "it sleeps",
        "the platform tries again",
    ):
        assert told in page, told
    assert page.count("<code>") == 20
    assert "Replay from a moment" in page


async def test_only_the_own_organisation_sees_a_flow(flowing: House) -> None:
    edith = await flowing.signed_in("edith")
    assert "sensors-to" not in (await edith.get("/exchange/flows")).text
    assert (await edith.get(FLOW)).status_code == 404
    pausing = FLOW.replace("?", "/pause?")
    assert (await edith.post(pausing)).status_code == 403
    gaston = await flowing.signed_in("gaston", "en")
    assert (await gaston.post(pausing)).status_code == 303
    assert "paused" in (await gaston.get(FLOW)).text


async def test_a_moment_that_is_none_is_told_beside_the_form(flowing: House) -> None:
    gaston = await flowing.signed_in("gaston", "en")
    replaying = FLOW.replace("?", "/replay?")
    wrong = await gaston.post(replaying, data={"since": "yesterday"})
    assert wrong.status_code == 422
    assert "«yesterday» is no moment" in wrong.text
    right = await gaston.post(replaying, data={"since": "2026-11-22T08:00"})
    assert right.status_code == 303


async def test_a_long_list_goes_on_where_it_stopped(flowing: House) -> None:
    gaston = await flowing.signed_in("gaston")
    pages = [(await gaston.get(f"/exchange/flows?after={start}")).text for start in (0, 25)]
    names = [one for page in pages for one in re.findall(r'">(sensors-to-\w+)</a>', page)]
    assert len(names) == len(set(names)) == MANY + 1
