"""History is told later, corrected and deleted, by those who may."""

import pytest

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.errors import (
    AlreadyExistsError,
    BadRequestDataError,
    ResourceNotFoundError,
)
from beffroi.exchange.temporal.documents import read_correction, read_record
from beffroi.exchange.temporal.instance_ids import read_instance_id
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import read_after
from tests.integration.exchange.temporal.conftest import NEIGHBOUR, OPERATOR, TOWN, TownHistory

BUS = "urn:ngsi-ld:Bus:7"
SPEED = CORE.expand("speed")
KEY = ("", BUS)
_AT = "2026-03-01T12:01:00Z"


def _bus(*speeds: tuple[float | str, int], kind: object = "Bus") -> dict[str, object]:
    instances = [
        {"type": "Property", "value": value, "observedAt": f"2026-03-01T12:{minute:02}:00Z"}
        for value, minute in speeds
    ]
    return {"id": BUS, "type": kind, "speed": instances}


async def test_what_is_told_again_adds_instances_and_types(town: TownHistory) -> None:
    assert await town.record(_bus((1, 1)))
    assert not await town.record(_bus(("urn:ngsi-ld:null", 2), kind=["Bus", "Coach"]))

    shown = await town.shown(BUS)

    assert shown["type"] == ["Bus", "Coach"]
    assert [one["value"] for one in shown["speed"]] == [1, "urn:ngsi-ld:null"]
    assert "deletedAt" in shown["speed"][1]


async def test_what_is_told_twice_is_there_once(town: TownHistory) -> None:
    await town.record(_bus((1, 1), (2, 2)))
    town.clock.move(60)
    await town.record(_bus((9, 1), (2, 2), (3, 3)))

    shown = await town.shown(BUS)

    assert [one["value"] for one in shown["speed"]] == [9, 2, 3]


async def test_history_can_be_added_to_what_is_there_now(town: TownHistory) -> None:
    await town.create({"id": BUS, "type": "Bus", "speed": 9})
    part = {"speed": [{"type": "Property", "value": 1, "observedAt": "2026-01-01T00:00:00Z"}]}
    record = read_record(part, CORE, town.clock.now(), address=BUS)
    await town.recorder.add(TOWN, "", record)

    shown = await town.shown(BUS)
    now = await town.exchange.entity(TOWN, "", BUS)

    assert [one["value"] for one in shown["speed"]] == [1, 9]
    assert now.attributes[SPEED][0].value == 9


async def test_a_corrected_instance_keeps_its_id(town: TownHistory) -> None:
    await town.record(_bus((1, 1), (2, 2)))
    name = (await town.shown(BUS))["speed"][0]["instanceId"]
    iri, part = read_correction("speed", {"type": "Property", "value": 7, "observedAt": _AT}, CORE)
    town.clock.move(60)
    await town.recorder.correct(TOWN, KEY, iri, read_instance_id(name), part)

    corrected = (await town.shown(BUS, sys_attrs=True))["speed"][0]

    assert (corrected["value"], corrected["instanceId"]) == (7, name)
    assert corrected["createdAt"] == "2026-03-02T08:00:00Z"
    assert corrected["modifiedAt"] == "2026-03-02T08:01:00Z"


async def test_a_part_without_a_value_leaves_the_rest(town: TownHistory) -> None:
    await town.record(_bus((1, 1)))
    name = (await town.shown(BUS))["speed"][0]["instanceId"]
    iri, part = read_correction("speed", {"unitCode": "KMH"}, CORE)
    await town.recorder.correct(TOWN, KEY, iri, read_instance_id(name), part)

    corrected = (await town.shown(BUS))["speed"][0]

    assert corrected == {
        "type": "Property",
        "value": 1,
        "observedAt": _AT,
        "unitCode": "KMH",
        "instanceId": name,
    }


async def test_one_instance_one_attribute_or_all_can_be_deleted(town: TownHistory) -> None:
    await town.record({**_bus((1, 1), (2, 2)), "doors": 2})
    name = (await town.shown(BUS))["speed"][0]["instanceId"]

    await town.recorder.delete_instance(TOWN, KEY, SPEED, read_instance_id(name))
    assert [one["value"] for one in (await town.shown(BUS))["speed"]] == [2]

    await town.recorder.delete_attribute(TOWN, KEY, SPEED, "")
    assert "speed" not in await town.shown(BUS)

    await town.recorder.delete(TOWN, KEY)
    with pytest.raises(ResourceNotFoundError):
        await town.shown(BUS)


async def test_nobody_changes_the_history_of_others(town: TownHistory) -> None:
    await town.record(_bus((1, 1)))
    name = (await town.shown(BUS))["speed"][0]["instanceId"]

    with pytest.raises(AlreadyExistsError):
        await town.record(_bus((2, 2)), NEIGHBOUR)
    with pytest.raises(ResourceNotFoundError):
        await town.recorder.delete(NEIGHBOUR, KEY)
    with pytest.raises(ResourceNotFoundError):
        await town.recorder.delete_instance(NEIGHBOUR, KEY, SPEED, read_instance_id(name))

    assert [one["value"] for one in (await town.shown(BUS, actor=OPERATOR))["speed"]] == [1]


async def test_the_log_tells_that_history_changed(town: TownHistory) -> None:
    await town.record(_bus((1, 1)))
    await town.recorder.delete(TOWN, KEY)

    async with town.database.transaction(EVERYTHING) as connection:
        told = await read_after(connection, 0, 100)

    assert [(one.kind, one.subject) for one in told][-2:] == [
        ("exchange.history_added", BUS),
        ("exchange.history_deleted", BUS),
    ]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("nothing", BadRequestDataError),
        ("urn:ngsi-ld:01234567890123456789", ResourceNotFoundError),
        ("urn:ngsi-ld:Instance:20269999-1", ResourceNotFoundError),
    ],
)
async def test_an_instance_is_called_by_the_name_that_an_answer_gave(
    town: TownHistory, name: str, kind: type[Exception]
) -> None:
    await town.record(_bus((1, 1)))

    with pytest.raises(kind):
        await town.recorder.delete_instance(TOWN, KEY, SPEED, read_instance_id(name))
