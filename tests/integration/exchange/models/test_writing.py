"""Writes that do not fit what is declared of their type: refused, or let in and counted."""

import pytest

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.model import Attribute, AttributeKind, Entity
from beffroi.exchange.models.declared import DeclaredModel, Mode
from beffroi.exchange.models.guard import UnfitError
from beffroi.kernel.database import execute
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import InvalidInputError
from tests.integration.exchange.models.conftest import SENSORS, STUCK, Town
from tests.support.car_parks import OCCUPANCY, TYPE, car_park

REFUSED = DeclaredModel(model="OffStreetParking", mode=Mode.REFUSE)


async def test_what_does_not_fit_is_refused_with_its_place_value_and_what_is_expected(
    town: Town,
) -> None:
    await town.declare({"OffStreetParking": REFUSED})
    full = car_park("Station", STUCK, 104, 100)
    with pytest.raises(UnfitError) as refused:
        await town.exchange.create(SENSORS, "", full)
    assert refused.value.status == 400
    assert refused.value.values == {
        "id": full.id,
        "pointer": "/occupancy",
        "value": "1.04",
        "expected": "<= 1",
        "model": "OffStreetParking",
    }
    await town.exchange.create(SENSORS, "", car_park("Station", STUCK, 99, 100))
    held = await town.exchange.entity(SENSORS, "", full.id)
    assert held.attributes[OCCUPANCY][0].value == 0.99


async def test_what_is_missing_is_named(town: Town) -> None:
    await town.declare({"OffStreetParking": REFUSED})
    with pytest.raises(UnfitError) as refused:
        await town.exchange.create(SENSORS, "", Entity(id="urn:x:1", types=(TYPE,)))
    assert refused.value.code == "exchange.model_lacks"
    assert refused.value.values["pointer"] == "/location"


async def test_what_does_not_fit_is_let_in_and_counted_where_the_owner_wants_that(
    town: Town,
) -> None:
    await town.exchange.create(SENSORS, "", car_park("Station", STUCK, 104, 100))
    await town.exchange.create(SENSORS, "", car_park("Market", STUCK, 5, 100))
    await town.models.keep_feeders()
    (told,) = await town.models.catalogue(SENSORS, "")
    assert [(one.writes, one.unfit, one.refused) for one in told.fed_by] == [(2, 1, 0)]


async def test_another_organisation_is_not_held_to_what_the_first_declares(town: Town) -> None:
    await town.declare({"OffStreetParking": REFUSED})
    full = car_park("Station", STUCK, 104, 100)
    await town.exchange.create(town.others, "", full)
    assert (await town.exchange.entity(town.others, "", full.id)).id == full.id


async def test_a_schema_of_ones_own_holds_until_its_file_declares_it_no_more(town: Town) -> None:
    own = {"Bench": DeclaredModel(schema="bench.json", mode=Mode.REFUSE)}
    schema = b'{"required":["seats"],"properties":{"seats":{"type":"integer","minimum":1}}}'
    await town.declare(own, {"bench.json": schema})
    bench = Entity(
        id="urn:x:bench",
        types=("https://uri.etsi.org/ngsi-ld/default-context/Bench",),
        attributes={
            "https://uri.etsi.org/ngsi-ld/default-context/seats": (
                Attribute(kind=AttributeKind.PROPERTY, value=0),
            )
        },
        created_at=STUCK,
        modified_at=STUCK,
    )
    with pytest.raises(UnfitError, match="/seats is 0, expected is >= 1"):
        await town.exchange.create(SENSORS, "", bench)
    await town.declare({})
    await town.exchange.create(SENSORS, "", bench)
    assert (await town.exchange.entity(SENSORS, "", bench.id)).id == bench.id


async def test_a_schema_that_leads_elsewhere_is_not_kept(town: Town) -> None:
    own = {"Bench": DeclaredModel(schema="bench.json")}
    leading = b'{"$ref": "http://169.254.169.254/latest/meta-data"}'
    with pytest.raises(InvalidInputError, match="lies outside the schema"):
        await town.declare(own, {"bench.json": leading})
    assert {one.name for one in await town.models.catalogue(SENSORS, "")} == {"OffStreetParking"}


async def test_entities_that_are_held_are_validated_on_demand(town: Town) -> None:
    for number in range(3):
        taken = 104 if number == 1 else 50
        await town.exchange.create(SENSORS, "", car_park(f"P{number}", STUCK, taken, 100))
    found = await town.models.validated(SENSORS, "", TYPE)
    assert (found.checked, found.unfit, found.model) == (3, 1, "OffStreetParking")
    (one,) = found.entities
    assert (one.id, one.unfit[0].told) == (
        "urn:ngsi-ld:OffStreetParking:P1",
        "/occupancy: 1.04 (<= 1)",
    )
    assert (await town.models.validated(town.others, "", TYPE)).checked == 0


async def test_a_model_that_is_of_no_use_any_more_judges_nothing_and_leaves_the_others(
    town: Town,
) -> None:
    await town.declare({"OffStreetParking": REFUSED, "Road": DeclaredModel(model="Road")})
    async with town.database.transaction(EVERYTHING) as connection:
        changed = """update exchange.model set declared = '{"model": "Carriageway"}'
            where type = 'Road'"""
        await execute(connection, changed, ())
    await town.models.renew()
    road = Entity(
        id="urn:x:road", types=(CORE.expand("Road"),), created_at=STUCK, modified_at=STUCK
    )
    await town.exchange.create(SENSORS, "", road)
    with pytest.raises(UnfitError):
        await town.exchange.create(SENSORS, "", car_park("Station", STUCK, 104, 100))
