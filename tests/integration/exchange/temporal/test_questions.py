"""Entities are found by what they were in the time asked for."""

import pytest

from beffroi.exchange.asking.question import Window
from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import Json
from beffroi.exchange.query.parameters import asked_of
from beffroi.exchange.representation.writing import Form
from beffroi.exchange.temporal.model import Evolutions, Selection
from beffroi.exchange.temporal.parameters import read_times
from beffroi.exchange.temporal.questions import read_question
from beffroi.exchange.temporal.writing import EvolutionWriting, Shape, TemporalForm
from tests.integration.exchange.temporal.conftest import TOWN, TownHistory

_NOON_TO_ONE = {
    "timerel": "between",
    "timeAt": "2026-03-01T12:00:00Z",
    "endTimeAt": "2026-03-01T13:00:00Z",
}


async def _asked(town: TownHistory, window: Window | None = None, **parameters: str) -> Evolutions:
    question = read_question(asked_of({"type": "Bus", **parameters}), CORE)
    selection = Selection(times=read_times(_NOON_TO_ONE))
    return await town.history.evolutions(
        TOWN, "", question, selection, window or Window(0, 20, count=True)
    )


def _ids(found: Evolutions) -> list[str]:
    return [one.entity.id.rpartition(":")[2] for one in found.found]


async def _remember(town: TownHistory, name: str, **attributes: list[tuple[Json, str]]) -> None:
    document: dict[str, Json] = {"id": f"urn:ngsi-ld:Bus:{name}", "type": "Bus"}
    for attribute, told in attributes.items():
        kind = "GeoProperty" if attribute == "location" else "Property"
        document[attribute] = [
            {"type": kind, "value": value, "observedAt": f"2026-03-01T{time}:00Z"}
            for value, time in told
        ]
    await town.record(document)


async def test_a_filter_looks_at_the_time_asked_for_alone(town: TownHistory) -> None:
    await _remember(town, "fast", speed=[(30, "12:10"), (5, "14:00")])
    await _remember(town, "slow", speed=[(5, "12:10"), (90, "14:00")])
    await _remember(town, "away", speed=[(90, "14:00")])

    found = await _asked(town, q="speed>25")

    assert (_ids(found), found.count) == (["fast"], 1)


async def test_a_place_is_one_that_the_entity_was_at_in_that_time(town: TownHistory) -> None:
    lille = {"type": "Point", "coordinates": [3.06, 50.63]}
    paris = {"type": "Point", "coordinates": [2.35, 48.86]}
    await _remember(town, "here", location=[(paris, "12:05"), (lille, "12:10")])
    await _remember(town, "later", location=[(paris, "12:05"), (lille, "14:00")])

    found = await _asked(
        town, georel="near;maxDistance==2000", geometry="Point", coordinates="[3.06,50.63]"
    )

    assert _ids(found) == ["here"]


async def test_a_scope_counts_while_it_is_in_force(town: TownHistory) -> None:
    await _remember(
        town,
        "moved",
        scope=[("/north", "10:00"), ("/south", "12:30")],
        speed=[(1, "12:15"), (2, "12:45")],
    )

    north, south = await _asked(town, scopeQ="/north"), await _asked(town, scopeQ="/south")

    def speeds(found: Evolutions) -> list[Json]:
        return [
            one.value.value
            for one in found.found[0].instances
            if one.attribute == CORE.expand("speed")
        ]

    assert (speeds(north), speeds(south)) == ([1], [2])
    form = TemporalForm(shape=Shape.NORMALIZED, members=Form())
    shown = EvolutionWriting(CORE, form).written(north.found[0])
    assert [one["value"] for one in shown["scope"]] == ["/north"]


async def test_pages_of_entities_follow_each_other_by_id(town: TownHistory) -> None:
    for name in "abcde":
        await _remember(town, name, speed=[(1, "12:10")])

    first = await _asked(town, Window(0, 2, count=True))
    last = await _asked(town, Window(4, 2, count=False))
    backwards = await _asked(town, Window(0, 2, count=False), orderBy="id;desc")
    filtered = await _asked(town, Window(1, 2, count=True), q="speed==1")

    assert (_ids(first), first.more, first.count) == (["a", "b"], True, 5)
    assert (_ids(last), last.more) == (["e"], False)
    assert _ids(backwards) == ["e", "d"]
    assert (_ids(filtered), filtered.more, filtered.count) == (["b", "c"], True, 5)


async def test_deleted_entities_are_found_too(town: TownHistory) -> None:
    speed = {"type": "Property", "value": 1, "observedAt": "2026-03-01T12:10:00Z"}
    await town.create({"id": "urn:ngsi-ld:Bus:gone", "type": "Bus", "speed": speed})
    await town.exchange.delete(TOWN, "", "urn:ngsi-ld:Bus:gone", lambda _: None)

    assert _ids(await _asked(town)) == ["gone"]


@pytest.mark.parametrize("order", ["name", "createdAt", "id,name"])
async def test_history_has_no_other_order_than_that_of_ids(order: str) -> None:
    with pytest.raises(BadRequestDataError):
        read_question(asked_of({"type": "Bus", "orderBy": order}), CORE)
