"""What a survey finds in the reports of real car parks, with their real defects."""

from collections.abc import Sequence
from random import Random

import pytest

from beffroi.exchange.errors import ResourceNotFoundError
from beffroi.exchange.models.catalogue import FeedingKind
from beffroi.exchange.models.quality import Component, Finding
from beffroi.exchange.models.service import TypeQuality
from beffroi.exchange.models.survey import Surveyor
from tests.integration.exchange.models.conftest import NEGATIVE, SENSORS, START, STUCK, Town
from tests.support.car_parks import OCCUPANCY, TAKEN, TYPE

NORTH = "urn:ngsi-ld:OffStreetParking:NIA-North"
EUROPA = "urn:ngsi-ld:OffStreetParking:BHMEURBRD02"


async def surveyed(town: Town) -> TypeQuality:
    """Survey, and return what came out."""
    await Surveyor(town.database, town.clock, Random(1)).survey()  # noqa: S311 - a sample
    return await town.models.quality(SENSORS, "", TYPE)


def found(quality: TypeQuality, kind: Component) -> Sequence[Finding]:
    return [one for one in quality.findings if one.kind is kind]


async def test_a_car_park_that_stopped_and_a_count_that_sticks_are_found_and_explained(
    town: Town,
) -> None:
    await town.report(START, STUCK)
    quality = await surveyed(town)
    (silent,) = found(quality, Component.SPEAKING)
    assert silent.entity == NORTH
    assert silent.since is not None
    assert f"{silent.since:%d.%m %H}" == "07.11 16"
    stuck = found(quality, Component.VARYING)
    assert {(one.entity, one.attribute) for one in stuck} == {(EUROPA, TAKEN), (EUROPA, OCCUPANCY)}
    assert (stuck[0].value, stuck[0].bound) in {(19, 14), (19 / 220, 14)}
    components = quality.summary.components
    assert components[Component.COMPLETE] == components[Component.CONFORMING] == 1
    assert components[Component.SPEAKING] == 6 / 7


async def test_a_negative_count_is_out_of_range_and_does_not_fit_the_model(town: Town) -> None:
    await town.report(START, STUCK)
    await town.report(STUCK, NEGATIVE)
    quality = await surveyed(town)
    out_of_range = [one for one in found(quality, Component.IN_RANGE) if one.entity == NORTH]
    assert [(one.attribute, one.bound) for one in out_of_range] == [(OCCUPANCY, 0)]
    unfit = {one.entity: one.told for one in found(quality, Component.CONFORMING)}
    assert unfit[NORTH].startswith("/occupancy: -0.0")
    assert not found(quality, Component.VARYING)


async def test_the_quality_of_each_hour_is_kept_for_its_course(town: Town) -> None:
    await town.report(START, STUCK)
    first = (await surveyed(town)).summary.score
    await town.report(STUCK, NEGATIVE)
    again = await surveyed(town)
    assert [f"{one.at:%d %H}" for one in again.course] == ["09 14", "10 16"]
    assert [one.score for one in again.course] == pytest.approx([first, again.summary.score])
    assert first != pytest.approx(again.summary.score)


async def test_a_type_is_explained_by_who_feeds_it_its_model_and_its_freshness(
    town: Town,
) -> None:
    await town.report(START, STUCK)
    await town.models.keep_feeders()
    await surveyed(town)
    (told,) = await town.models.catalogue(SENSORS, "")
    assert (told.name, told.entities) == ("OffStreetParking", 7)
    assert [one.name for one in told.models] == ["OffStreetParking"]
    assert told.observed_at is not None
    assert told.observed_at.date() == STUCK.date()
    assert told.period_s is not None
    assert 1_500 < told.period_s < 2_100
    (fed,) = told.fed_by
    assert (fed.kind, fed.name, fed.writes > 1_000) == (FeedingKind.ACCOUNT, "sensors", True)
    assert "occupancy" in told.attributes


async def test_the_types_of_an_organisation_are_told_to_no_other(town: Town) -> None:
    await town.report(START, STUCK)
    await town.models.keep_feeders()
    await surveyed(town)
    assert await town.models.catalogue(town.others, "") == []
    with pytest.raises(ResourceNotFoundError) as refused:
        await town.models.quality(town.others, "", TYPE)
    assert refused.value.code == "exchange.type_not_surveyed"
