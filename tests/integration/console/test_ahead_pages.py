"""The years ahead in the console and over the API."""

import httpx
import pytest

from beffroi.kernel.operations import OperationState
from tests.integration.console.house import House
from tests.integration.console.markup import Markup
from tests.integration.console.statements import statements_told
from tests.support.growing_town import NEWCOMERS, keep_the_plan

TERMS = {"percent": "20", "years": "2", "cores": "4", "memory_gib": "8", "disk_gib": "100"}
PAGE_MOST_BYTES = 24_000


@pytest.fixture
async def olga(house: House) -> httpx.AsyncClient:
    return await house.signed_in("olga")


@pytest.fixture
async def plan(house: House) -> str:
    """A plan that is kept: its path."""
    return f"/plans/{await keep_the_plan(house.platform.foundation.database)}"


async def led_to_success(house: House, answer: httpx.Response) -> None:
    assert answer.status_code == 303, answer.text
    ended = await house.ended(answer.headers["location"].rpartition("/")[2])
    assert ended.state is OperationState.SUCCEEDED, ended.outcome


async def changed(client: httpx.AsyncClient, plan: str, **fields: str) -> httpx.Response:
    parts = [(name, (None, value)) for name, value in fields.items()]
    return await client.post(f"{plan}/what-if", files=parts)


async def test_the_page_asks_then_shows_what_was_foreseen(
    house: House, olga: httpx.AsyncClient, plan: str
) -> None:
    assert f'href="{plan}/ahead"' in (await olga.get(plan)).text
    empty = await olga.get(f"{plan}/ahead")
    assert Markup(empty.text).mistakes == []
    assert '<svg viewBox="0 0 100 60"' not in empty.text

    await led_to_success(house, await olga.post(f"{plan}/ahead", data=TERMS))
    with statements_told(house.server, house.platform.foundation.database) as told:
        seen = await olga.get(f"{plan}/ahead")

    assert Markup(seen.text).mistakes == []
    assert "À 20 % par an, elle suffit 16 mois" in seen.text
    assert '<svg viewBox="0 0 100 60"' in seen.text
    assert 'value="20"' in seen.text
    assert len(seen.content) < PAGE_MOST_BYTES
    assert len(told) == 4, told
    assert "elle suffit" not in (await olga.get(f"{plan}/ahead?start=today")).text


async def test_a_number_out_of_bounds_keeps_what_was_written(
    olga: httpx.AsyncClient, plan: str
) -> None:
    answer = await olga.post(f"{plan}/ahead", data=TERMS | {"percent": "<b>"})

    assert answer.status_code == 422
    assert "«&lt;b&gt;» n&#39;est pas un nombre" in answer.text
    assert 'value="&lt;b&gt;"' in answer.text
    assert 'value="100"' in answer.text
    assert Markup(answer.text).mistakes == []


async def test_what_ifs_of_the_page_make_plans(
    house: House, olga: httpx.AsyncClient, plan: str
) -> None:
    files = {"kind": (None, b"organisation_joins"), "files": ("bobigny.csv", NEWCOMERS)}
    await led_to_success(house, await olga.post(f"{plan}/what-if", files=files))
    await led_to_success(house, await changed(olga, plan, kind="host_dies", host="blade-lille-1"))
    await led_to_success(house, await changed(olga, plan, kind="everything_grows", percent="50"))

    titles = [one["title"] for one in (await olga.get("/api/plans")).json()]

    assert titles == [
        "Lille : tout croît de 50 % par an pendant 12 mois",
        "Lille : «blade-lille-1» est perdue",
        "Lille : arrivée de bobigny.csv",
        "Lille",
    ]


async def test_a_refused_what_if_is_told_on_the_page(olga: httpx.AsyncClient, plan: str) -> None:
    unknown = await changed(olga, plan, kind="host_dies", host="blade-lille-9")
    without = await changed(olga, plan, kind="organisation_joins")

    assert (unknown.status_code, without.status_code) == (422, 422)
    assert "«blade-lille-9»" in unknown.text
    assert "1 à 20 fichiers" in without.text


async def test_the_api_looks_ahead_and_plans_anew(
    house: House, olga: httpx.AsyncClient, plan: str
) -> None:
    assert (await olga.get(f"/api{plan}/foresight")).status_code == 404
    begun = await olga.post(f"/api{plan}/foresight", json={"per_year": 0.2, "years": 2})
    assert begun.status_code == 202
    assert (await house.ended(begun.json()["id"])).state is OperationState.SUCCEEDED

    found = (await olga.get(f"/api{plan}/foresight")).json()
    assert found["found"]["runway"]["full_after_months"] == 16

    change = {"what_if": {"type": "site_closes", "site": "roubaix"}, "start": "today"}
    begun = await olga.post(f"/api{plan}/what-if", json=change)
    assert begun.status_code == 202
    assert (await house.ended(begun.json()["id"])).state is OperationState.SUCCEEDED
    too_far = await olga.post(f"/api{plan}/foresight", json={"years": 99})
    assert too_far.status_code in {400, 422}


async def test_the_years_ahead_are_not_for_members(house: House, plan: str) -> None:
    mireille = await house.signed_in("mireille")

    assert (await mireille.get(f"{plan}/ahead")).status_code == 403
    assert (await mireille.post(f"{plan}/ahead", data=TERMS)).status_code == 403
    assert (await mireille.get(f"/api{plan}/foresight")).status_code == 403
