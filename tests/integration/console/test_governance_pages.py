"""The pages of governance, and what everybody reads without an account."""

import io
from asyncio import create_task
from collections.abc import AsyncIterator
from functools import partial
from http import HTTPStatus

import pytest
from python_calamine import CalamineWorkbook
from rdflib import DCAT, RDF, Graph

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.governance.declared import LegalBasis, Policy, Showing, Treatment
from beffroi.exchange.representation.reading import read_entity
from beffroi.exchange.service import Wish
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.rights.model import Actor, Role
from tests.integration.console.house import House

GASTON = Actor("gaston", Role.MANAGER, "mairie")
PAGE_BYTES = 24 * 1024
PEOPLE = Treatment(
    name="people",
    title="<b>État civil</b>",
    types=("Person",),
    owner="Population",
    purpose="=Tenir l'état civil",
    legal_basis=LegalBasis.PUBLIC_TASK,
    personal=True,
    retention_days=30,
)
SENSORS = Policy(
    name="sensors",
    title="Capteurs",
    to=("public",),
    types=("Sensor",),
    attributes=("temperature", "location"),
)
COUNTED = Policy(
    name="counted",
    to=("ecole",),
    types=("Person",),
    showing=Showing.COUNTS,
    purposes=("carte scolaire",),
)


def _part(number: int) -> str:
    return "/east" if number < 8 else "/north" if number < 20 else "/south"


@pytest.fixture
async def governed(house: House) -> AsyncIterator[House]:
    services = house.platform.services
    loops = [
        create_task(services.exchange.exchange.run()),
        create_task(services.exchange.governance.journal.run()),
    ]
    now = SystemClock().now()
    documents = [
        {
            "id": f"urn:ngsi-ld:Sensor:{number}",
            "type": "Sensor",
            "temperature": {"type": "Property", "value": number},
            "secret": {"type": "Property", "value": "under the bridge"},
            "location": {
                "type": "GeoProperty",
                "value": {"type": "Point", "coordinates": [0.2, 48.0 + number / 100]},
            },
        }
        for number in range(3)
    ]
    documents += [
        {"id": f"urn:ngsi-ld:Person:{number}", "type": "Person", "scope": _part(number)}
        | {"age": {"type": "Property", "value": 4}}
        for number in range(40)
    ]
    wishes = [
        Wish(one.id, partial(lambda entity, _: entity, one))
        for one in (read_entity(document, CORE, now) for document in documents)
    ]
    await services.exchange.exchange.carry_out(GASTON, "", wishes)
    for rule in (PEOPLE, SENSORS, COUNTED):
        await services.governance.put(GASTON, rule)
    yield house
    for loop in loops:
        loop.cancel()


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_register_shows_treatments_and_what_has_none(
    governed: House, language: str
) -> None:
    visitor = await governed.signed_in("gaston")
    answer = await visitor.get("/exchange/register", headers={"Accept-Language": language})
    assert answer.status_code == HTTPStatus.OK
    assert len(answer.content) < PAGE_BYTES
    assert "&lt;b&gt;État civil" in answer.text
    assert ">Sensor</a>" in answer.text
    assert "<b>État" not in answer.text


async def test_the_journal_shows_who_read_it_and_members_do_not_see_it(
    governed: House,
) -> None:
    visitor = await governed.signed_in("gaston")
    await visitor.get("/exchange/entities/urn:ngsi-ld:Person:7")
    answer = await visitor.get("/exchange/journal")
    assert "urn:ngsi-ld:Person:7" in answer.text
    assert len(answer.content) < PAGE_BYTES
    member = await governed.signed_in("mireille")
    assert (await member.get("/exchange/journal")).status_code == HTTPStatus.FORBIDDEN
    assert (await member.get("/exchange/policies")).status_code == HTTPStatus.OK
    other = await governed.signed_in("edith")
    refused = await other.get("/exchange/register?organisation=mairie")
    assert refused.status_code == HTTPStatus.FORBIDDEN


async def test_the_register_is_a_spreadsheet_that_runs_nothing(governed: House) -> None:
    visitor = await governed.signed_in("gaston")
    ods = await visitor.get("/api/exchange/register.ods")
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(ods.content)).get_sheet_by_index(0)
    titles, row = sheet.to_python()
    told = dict(zip(titles, row, strict=True))
    assert told["Base légale"] == "Mission d'intérêt public"
    assert told["Finalités"] == "=Tenir l'état civil"
    assert told["Durée de conservation"] == "30 jours"
    csv = (await visitor.get("/api/exchange/register.csv")).text
    assert ";'=Tenir" in csv


async def test_the_catalogue_and_its_files_need_no_account(governed: House) -> None:
    stranger = governed.visitor()
    turtle = (await stranger.get("/catalogue.ttl")).text
    graph = Graph().parse(data=turtle, format="turtle")
    assert len(list(graph.subjects(RDF.type, DCAT.Dataset))) == 1
    assert (await stranger.get("/catalogue.jsonld")).json()["@graph"][0]["dcat:dataset"]
    files = sorted(str(one) for one in graph.objects(None, DCAT.downloadURL))
    table, features = [
        await stranger.get(one.partition("/open")[1] + one.partition("/open")[2]) for one in files
    ]
    lines = table.text.splitlines()
    assert lines[0] == "id,type,longitude,latitude,temperature,location"
    assert lines[2].startswith("urn:ngsi-ld:Sensor:1,Sensor,0.2,48.01,1,")
    assert len(features.json()["features"]) == 3
    assert "bridge" not in table.text + features.text
    assert (await stranger.get("/open/mairie/counted/Person.csv")).status_code == 404


async def test_counts_leave_small_groups_out(governed: House) -> None:
    visitor = await governed.signed_in("edith")
    assert (await visitor.get("/api/exchange/counts")).json() == []
    purpose = {"Beffroi-Purpose": "carte scolaire"}
    groups = (await visitor.get("/api/exchange/counts", headers=purpose)).json()
    told = [(one["scope"], one["entities"]) for one in groups]
    assert told == [("/east", None), ("/north", None), ("/south", 20)]
    listed = await governed.platform.services.exchange.inventory.uses(
        Actor("edith", Role.MANAGER, "ecole"), ""
    )
    assert {one.type for one in listed} == {CORE.expand("Sensor")}
