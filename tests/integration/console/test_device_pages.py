"""The page of an uplink's devices: who sees it, what it tells, how light it is."""

import msgspec
import pytest

from beffroi.exchange.declarations import GivenDeclarations
from beffroi.exchange.declared import ExchangeFile
from beffroi.exchange.uplinks.message import Reading
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.rights.model import Actor, Role
from tests.integration.console.house import House
from tests.integration.console.markup import Markup
from tests.integration.console.statements import statements_told

GASTON = Actor("gaston", Role.MANAGER, "mairie")
PAGE_BYTES = 24 * 1024
DEVICES = "/exchange/devices?uplink=air&organisation=mairie"
FLOW = "/exchange/flows/air?organisation=mairie"
STATEMENTS = 7
MANY = 45
AIR = {
    "name": "air",
    "lorawan": {"network": "chirpstack"},
    "id": "urn:ngsi-ld:Device:{device}",
    "type": "AirQualityObserved",
    "attributes": {"co2": {"field": "object.co2", "measured": True}},
}


@pytest.fixture
async def sensing(house: House) -> House:
    """A console whose town hall has an uplink with many devices."""
    declared = msgspec.convert({"uplinks": {"air": AIR}}, ExchangeFile)
    services = house.platform.services
    await services.declarations.apply(GASTON, GivenDeclarations(source="f.yaml", declared=declared))
    devices, now = services.exchange.uplinks.devices, SystemClock().now()
    for number in range(MANY):
        name = f"<b>24e124710b4225{number:02}</b>"
        told = {
            "radio": {"rssi": -100 - number, "snr": -7.5, "gateways": 3},
            "status": {"battery": 41.0 + number},
        }
        reading = Reading(device=name, at=now, told=told)
        devices.heard(("mairie", "air"), reading, f"urn:ngsi-ld:Device:{name}", now)
    devices.ignored(("mairie", "air"), "<b>24e124710b422500</b>", now)
    await devices.write()
    return house


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_page_is_well_formed_light_and_hostile_names_stay_text(
    sensing: House, language: str
) -> None:
    client = await sensing.signed_in("olga", language)
    for page in (DEVICES, f"{DEVICES}&offset=30", f"{DEVICES}&offset=900", FLOW):
        answer = await client.get(page)
        assert answer.status_code == 200, page
        assert Markup(answer.text).mistakes == [], page
        assert len(answer.content) < PAGE_BYTES, (page, len(answer.content))
        assert "<b>24e" not in answer.text


async def test_a_device_tells_its_battery_its_radio_and_what_it_sent(sensing: House) -> None:
    page = (await (await sensing.signed_in("gaston", "en")).get(DEVICES)).text
    for told in ("45 devices", "41%", "-100", "-7.5", "24e124710b422500"):
        assert told in page, told
    assert 'href="/exchange/devices?' in (await (await sensing.signed_in("gaston")).get(FLOW)).text


async def test_only_the_own_organisation_sees_its_devices(sensing: House) -> None:
    edith = await sensing.signed_in("edith")
    assert (await edith.get(DEVICES)).status_code == 404
    assert (await edith.get(DEVICES.partition("&")[0])).status_code == 404


async def test_the_statements_of_the_page_are_few_and_fixed(sensing: House) -> None:
    client = await sensing.signed_in("olga")
    with statements_told(sensing.server, sensing.platform.foundation.database) as told:
        assert (await client.get(DEVICES)).status_code == 200
    assert len(told) == STATEMENTS, told
