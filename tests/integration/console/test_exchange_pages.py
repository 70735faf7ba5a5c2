"""The pages of the exchange: what each organisation sees of its entities, and how fast."""

import re
from asyncio import create_task
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.model import Entity, Json
from beffroi.exchange.representation.changing import replaced
from beffroi.exchange.representation.reading import read_entity
from beffroi.exchange.service import Wish
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.rights.model import Actor, Role
from tests.integration.console.house import House
from tests.integration.console.markup import Markup
from tests.integration.console.statements import statements_told

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
GASTON = Actor("gaston", Role.MANAGER, "mairie")
EDITH = Actor("edith", Role.MANAGER, "ecole")
PARKING = "https://data.example/Off/Street#Parking"
SENSOR = "urn:ngsi-ld:Sensor:7"
PAGE_BYTES = 24 * 1024
STATEMENTS = {
    "/exchange": 15,
    "/exchange/types/Sensor": 8,
    f"/exchange/entities/{SENSOR}": 6,
    f"/exchange/entities/{SENSOR}/pointing": 6,
    "/exchange/search?name=bourg": 7,
    f"/exchange/entities/{SENSOR}/history?of=temperature&span=month": 5,
    "/exchange/map": 7,
    "/exchange/map?at=0.2,48&z=12": 6,
    "/exchange/subscriptions": 5,
}


def _sensor(number: int, at: datetime = NOON, degrees: float = 8.5) -> Json:
    return {
        "id": f"urn:ngsi-ld:Sensor:{number}",
        "type": "Sensor",
        "temperature": {
            "type": "Property",
            "value": degrees,
            "unitCode": "CEL",
            "observedAt": at.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "accuracy": {"type": "Property", "value": 0.5},
        },
        "on": {"type": "Relationship", "object": "urn:ngsi-ld:Town:1"},
        "location": {
            "type": "GeoProperty",
            "value": {
                "type": "Point",
                "coordinates": [0.1 + number % 10 * 0.02, 47.9 + number // 10 * 0.02],
            },
        },
    }


def _town() -> Json:
    ring = [[0.0, 47.8], [0.4, 47.8], [0.4, 48.2], [0.0, 48.2], [0.0, 47.8]]
    return {
        "id": "urn:ngsi-ld:Town:1",
        "type": "Town",
        "name": {"type": "Property", "value": "<b>Petit</b> & Bourg"},
        "location": {"type": "GeoProperty", "value": {"type": "Polygon", "coordinates": [ring]}},
    }


@asynccontextmanager
async def _writing(house: House) -> AsyncIterator[None]:
    running = create_task(house.platform.services.exchange.exchange.run())
    yield
    running.cancel()


async def _kept(house: House, actor: Actor, documents: Sequence[Json], tenant: str = "") -> None:
    now = SystemClock().now()
    entities = [read_entity(one, CORE, now) for one in documents]
    wishes = [Wish(one.id, partial(_instead, one)) for one in entities]
    outcomes = await house.platform.services.exchange.exchange.carry_out(actor, tenant, wishes)
    assert [one for one in outcomes if one is not None] == []


def _instead(given: Entity, held: Entity | None) -> Entity:
    return given if held is None else replaced(held, given, SystemClock().now())


@pytest.fixture
async def furnished(house: House) -> House:
    """A console whose exchange holds sensors of the town hall and a car park of the school."""
    async with _writing(house):
        await _kept(house, GASTON, [_town(), *(_sensor(number) for number in range(70))])
        for hour in range(1, 4):
            later = NOON + timedelta(hours=hour)
            await _kept(house, GASTON, [_sensor(7, later, 8.5 + hour)])
        spots = {"type": "Property", "value": 12}
        park = {"id": "urn:ngsi-ld:Parking:1", "type": PARKING, "spots": spots}
        await _kept(house, EDITH, [park])
    return house


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_pages_are_well_formed_and_light(furnished: House, language: str) -> None:
    client = await furnished.signed_in("olga", language)
    for page in (*STATEMENTS, "/exchange/types/Sensor?q=temperature%3E%3E3"):
        answer = await client.get(page)
        assert answer.status_code == (400 if "%3E%3E" in page else 200), page
        assert Markup(answer.text).mistakes == [], page
        assert len(answer.content) < PAGE_BYTES, page


async def test_the_statements_of_the_pages_are_few_and_fixed(furnished: House) -> None:
    client = await furnished.signed_in("olga")
    await furnished.platform.services.exchange.governance.rules.renew()
    found = {}
    for page in STATEMENTS:
        with statements_told(furnished.server, furnished.platform.foundation.database) as told:
            assert (await client.get(page)).status_code == 200
        found[page] = told
    assert {page: len(told) for page, told in found.items()} == STATEMENTS, found


async def test_types_tell_their_entities_and_who_feeds_them(furnished: House) -> None:
    page = (await (await furnished.signed_in("olga", "en")).get("/exchange")).text
    sensor = re.search(r"<tr><th[^>]*><a[^>]*>Sensor</a>.*?</tr>", page)
    assert sensor is not None
    assert '<td data-label="Entities" class="number">70</td>' in sensor[0]
    assert "Mairie" in sensor[0]
    assert "temperature" in sensor[0]
    assert f'title="{PARKING}">Parking</a>' in page


async def test_an_organisation_sees_its_own_entities_alone(furnished: House) -> None:
    edith = await furnished.signed_in("edith")
    held = (await edith.get("/exchange")).text
    assert "Sensor" not in held
    assert "Parking" in held
    assert SENSOR not in (await edith.get("/exchange/types/Sensor")).text
    assert (await edith.get(f"/exchange/entities/{SENSOR}")).status_code == 404
    assert "<circle" not in (await edith.get("/exchange/map?at=0.2,48&z=8")).text


async def test_a_type_whose_name_has_slashes_has_its_page(furnished: House) -> None:
    client = await furnished.signed_in("edith")
    link = re.search(r'href="(/exchange/types/[^"]+)"', (await client.get("/exchange")).text)
    assert link is not None
    assert "urn:ngsi-ld:Parking:1" in (await client.get(link[1])).text


async def test_a_list_goes_on_where_it_stopped(furnished: House) -> None:
    client = await furnished.signed_in("gaston")
    seen: list[str] = []
    address = "/exchange/types/Sensor"
    while address:
        page = (await client.get(address)).text
        seen += re.findall(r"<th scope=\"row\"><a[^>]*>([^<]+)</a>", page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        address = following[1].replace("&amp;", "&") if following else ""
    assert seen == [f"Sensor {number}" for number in range(70)]


async def test_a_filter_narrows_and_its_mistake_is_told_beside_it(furnished: House) -> None:
    client = await furnished.signed_in("gaston", "en")
    narrowed = (await client.get("/exchange/types/Sensor", params={"q": "temperature>11"})).text
    assert re.findall(r"<th scope=\"row\"><a[^>]*>([^<]+)</a>", narrowed) == ["Sensor 7"]
    wrong = await client.get("/exchange/types/Sensor", params={"q": "temperature>>11"})
    assert wrong.status_code == 400
    told = re.search(r'id="q-mistake"[^>]*>([^<]+)<', wrong.text)
    assert told is not None
    assert "column 13" in told[1]
    assert 'value="temperature&gt;&gt;11"' in wrong.text


async def test_an_entity_shows_its_values_their_course_and_its_links(furnished: House) -> None:
    page = (
        await (await furnished.signed_in("gaston", "en")).get(f"/exchange/entities/{SENSOR}")
    ).text
    assert "11.5\N{NO-BREAK SPACE}°C" in page
    assert "accuracy</small> 0.5" in page
    assert 'href="/exchange/entities/urn:ngsi-ld:Town:1"' in page
    assert f'href="/ngsi-ld/v1/entities/{SENSOR}"' in page
    assert "from 8.5\N{NO-BREAK SPACE}°C to 11.5\N{NO-BREAK SPACE}°C over 4 readings" in page
    assert page.count("<td>temperature</td>") == 4


async def test_hostile_values_stay_text(furnished: House) -> None:
    page = (
        await (await furnished.signed_in("olga")).get("/exchange/entities/urn:ngsi-ld:Town:1")
    ).text
    assert "&lt;b&gt;Petit&lt;/b&gt; &amp; Bourg" in page


async def test_a_map_counts_each_entity_once_and_leads_closer(furnished: House) -> None:
    client = await furnished.signed_in("gaston", "en")
    address, steps = "/exchange/map?at=0.2,48&z=6", 0
    first = (await client.get(address)).text
    assert "71 entities in" in first
    assert 'class="outline" d="M' in first
    while "/entities/" not in address:
        page = (await client.get(address)).text
        leading = re.search(r'<td><a href="(/exchange/[^"]+)"', page)
        assert leading is not None, page
        address, steps = leading[1].replace("&amp;", "&"), steps + 1
        assert steps < 12
    assert (await client.get(address)).status_code == 200, address


async def test_a_map_shows_one_type_where_asked(furnished: House) -> None:
    client = await furnished.signed_in("gaston", "en")
    page = (await client.get("/exchange/map?at=0.2,48&z=6&kind=Town")).text
    assert "1 entities in 1 places" in page
    assert "urn:ngsi-ld:Town:1" in page


async def test_tenants_are_apart(furnished: House) -> None:
    async with _writing(furnished):
        await _kept(furnished, GASTON, [_sensor(7)], "essai")
    gaston, edith = await furnished.signed_in("gaston"), await furnished.signed_in("edith")
    assert 'href="/exchange?tenant=essai"' in (await gaston.get("/exchange")).text
    assert "essai" not in (await edith.get("/exchange")).text
    assert (await edith.get("/exchange?tenant=essai")).status_code == 404
    listed = (await gaston.get("/exchange/types/Sensor?tenant=essai")).text
    assert listed.count(f'/entities/{SENSOR}?tenant=essai"') == 1


async def test_an_attribute_has_a_table_of_its_course(furnished: House) -> None:
    client = await furnished.signed_in("gaston", "en")
    entity = f"/exchange/entities/{SENSOR}"
    page = (await client.get(f"{entity}/history?of=temperature&span=week")).text
    assert "Mean (°C)" in page
    assert re.findall(r"</th><td>([^<]+)</td><td>([^<]+)</td><td>([^<]+)</td><td>(\d+)</td>", page)
    assert "timerel=between" in page
    earlier = (await client.get(f"{entity}?span=week&until=2026-11-01T00:00Z")).text
    assert "No reading in this time" in earlier
    for until in ("0001-01-01T00:00Z", "9999-12-31T23:59Z", "yesterday", "2026-11-01"):
        assert (await client.get(f"{entity}?span=year&until={until}")).status_code == 200, until
    assert (await client.get(f"{entity}/history?of=on")).status_code == 404
    neighbour = await furnished.signed_in("edith")
    assert (await neighbour.get(f"{entity}/history?of=temperature")).status_code == 404


async def test_a_map_tells_what_is_alone_and_how_fresh_it_is(furnished: House) -> None:
    async with _writing(furnished):
        now = SystemClock().now()
        await _kept(furnished, EDITH, [_sensor(500, now), _sensor(501, now - timedelta(days=3))])
    client = await furnished.signed_in("edith", "en")
    page = (await client.get("/exchange/map?kind=Sensor")).text
    assert page.count('class="one is-hour"') == 1
    assert page.count('class="one is-older"') == 1
    assert "<title>Sensor 500, temperature 8.5" in page


async def test_a_subscription_tells_its_receiver_without_its_secrets(furnished: House) -> None:
    given = {
        "type": "Subscription",
        "subscriptionName": "heat",
        "entities": [{"type": "Sensor"}],
        "notification": {"endpoint": {"uri": "https://me:w0rd@receiver.example/hook?key=k3y"}},
    }
    service = furnished.platform.services.exchange.subscriptions
    key = await service.create(GASTON, "", given, CORE)
    client = await furnished.signed_in("gaston", "en")
    listed = (await client.get("/exchange/subscriptions")).text
    assert Markup(listed).mistakes == []
    page = (await client.get(f"/exchange/subscriptions/{key}")).text
    assert Markup(page).mistakes == []
    for told in (listed, page):
        assert "https://receiver.example/hook" in told
        assert not {"w0rd", "k3y"} & set(re.findall(r"\w+", told))
    neighbour = await furnished.signed_in("edith")
    assert (await neighbour.get(f"/exchange/subscriptions/{key}")).status_code == 404
    assert "heat" not in (await neighbour.get("/exchange/subscriptions")).text


async def test_a_type_tells_programs_where_its_entities_are(furnished: House) -> None:
    client = await furnished.signed_in("gaston", "en")
    page = (await client.get("/exchange/types/Sensor?q=temperature%3E11")).text
    assert "/ngsi-ld/v1/entities?type=Sensor&amp;q=temperature%3E11" in page
    assert f"/ngsi-ld/v1/temporal/entities/{SENSOR}?lastN=10" in page


async def test_each_organisation_has_one_name_on_the_register(furnished: House) -> None:
    page = (await (await furnished.signed_in("olga", "en")).get("/exchange/register")).text
    names = re.findall(r"<li><a href=\"/exchange/register[^>]*>([^<]+)</a>", page)
    assert names.count("The platform") == 1
    assert len(names) == len(set(names))
