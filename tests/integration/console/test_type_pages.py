"""The pages of types and their quality: what each organisation sees, and how fast."""

import re
from asyncio import create_task
from collections.abc import Callable
from datetime import timedelta

import pytest

from beffroi.exchange.declarations import GivenDeclarations
from beffroi.exchange.declared import ExchangeFile
from beffroi.exchange.model import Entity
from beffroi.exchange.models.declared import DeclaredModel
from beffroi.exchange.service import Wish
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import execute
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.rights.model import Actor, Role
from tests.integration.console.house import House
from tests.integration.console.markup import Markup
from tests.integration.console.statements import statements_told
from tests.support.car_parks import car_park

GASTON = Actor("gaston", Role.MANAGER, "mairie")
CATALOGUE = "/exchange/types"
QUALITY = "/exchange/types/OffStreetParking/quality"
STATEMENTS = {CATALOGUE: 7, QUALITY: 9}


@pytest.fixture
async def surveyed(house: House) -> House:
    """A console whose exchange holds forty car parks of the town hall, two of them with defects."""
    services = house.platform.services.exchange
    running = create_task(services.exchange.run())
    declared = ExchangeFile(models={"OffStreetParking": DeclaredModel(model="OffStreetParking")})
    given = GivenDeclarations(source="town.yaml", declared=declared)
    async with house.platform.foundation.database.transaction(EVERYTHING) as connection:
        await services.models.keep(connection, "mairie", given)
    await services.models.renew()
    now = SystemClock().now()
    for minutes in range(80, 0, -10):
        at = now - timedelta(minutes=minutes)
        parks = [
            car_park(f"<b>{number}</b>" if number == 1 else str(number), at, number * 3, 100)
            for number in range(40)
            if number != 2 or minutes > 70
        ]
        wishes = [Wish(one.id, _becomes(one)) for one in parks]
        assert set(await services.exchange.carry_out(GASTON, "", wishes)) == {None}
    await services.models.keep_feeders()
    await services.surveyor.survey()
    running.cancel()
    return house


def _becomes(entity: Entity) -> Callable[[Entity | None], Entity]:
    return lambda _: entity


async def test_the_pages_are_well_formed_light_and_ask_few_questions(surveyed: House) -> None:
    for language in ("fr", "en"):
        client = await surveyed.signed_in("olga", language)
        for page, statements in STATEMENTS.items():
            with statements_told(surveyed.server, surveyed.platform.foundation.database) as told:
                answer = await client.get(page)
            assert answer.status_code == 200, page
            assert Markup(answer.text).mistakes == [], page
            assert len(answer.content) < 24 * 1024, page
            assert len(told) == statements, told


async def test_the_pages_tell_models_feeders_quality_and_what_lowers_it(surveyed: House) -> None:
    client = await surveyed.signed_in("olga", "en")
    page = (await client.get(CATALOGUE)).text
    row = re.search(r"<tr><th[^>]*><a[^>]*>OffStreetParking</a>.*?</tr>", page, re.DOTALL)
    assert row is not None
    assert 'class="number">40</td>' in row[0]
    assert "gaston" in row[0]
    assert "OffStreetParking <span" in row[0]
    assert re.search(r"\d+%</a>", row[0])
    page = (await client.get(QUALITY)).text
    rows = dict(re.findall(r'<a href="[^"]*" title="[^"]*">([^<]*)</a></th><td[^>]*>([^<]*)', page))
    assert "occupancy is 1.17, beyond 1" in rows["39"]
    assert "does not fit: /occupancy: 1.17 (&lt;= 1)" in rows["39"]
    assert "<b>1</b>" not in page


async def test_the_course_is_drawn_once_there_are_two_hours_of_it(surveyed: House) -> None:
    client = await surveyed.signed_in("olga", "en")
    assert 'class="course"' not in (await client.get(QUALITY)).text
    async with surveyed.platform.foundation.database.transaction(EVERYTHING) as connection:
        await execute(
            connection,
            "insert into exchange.quality_course (tenant, organisation, type, at, entities, score, "
            "components) select tenant, organisation, type, at - interval '1 hour', entities, 0.5, "
            "components from exchange.quality_course",
            (),
        )
    page = (await client.get(QUALITY)).text
    assert 'class="course"' in page
    assert "Mairie" in page


async def test_another_organisation_sees_nothing_of_it(surveyed: House) -> None:
    edith = await surveyed.signed_in("edith", "en")
    assert "OffStreetParking" not in (await edith.get(CATALOGUE)).text
    assert (await edith.get(QUALITY)).status_code == 404
    assert (await edith.get("/api/exchange/types")).json() == []
    validated = await edith.get("/api/exchange/types/OffStreetParking/validation")
    assert validated.json()["checked"] == 0


async def test_the_api_explains_types_quality_models_and_validates(surveyed: House) -> None:
    client = await surveyed.signed_in("gaston", "en")
    (told,) = (await client.get("/api/exchange/types")).json()
    assert (told["name"], told["entities"]) == ("OffStreetParking", 40)
    quality = (await client.get("/api/exchange/types/OffStreetParking/quality")).json()
    assert quality["summary"]["score"] == told["score"]
    assert {one["kind"] for one in quality["findings"]} >= {"in_range", "conforming"}
    found = (await client.get("/api/exchange/types/OffStreetParking/validation")).json()
    assert (found["checked"], found["unfit"]) == (40, 6)
    models = {one["name"]: one for one in (await client.get("/api/exchange/models")).json()}
    assert "location" in models["OffStreetParking"]["required"]
