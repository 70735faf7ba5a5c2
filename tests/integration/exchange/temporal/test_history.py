"""What was so is remembered, and told again."""

import pytest

from beffroi.exchange.errors import NonexistentTenantError, ResourceNotFoundError
from beffroi.exchange.temporal.model import Selection, TimeProperty, Times
from beffroi.exchange.temporal.parameters import read_times
from beffroi.exchange.temporal.service import History
from beffroi.exchange.temporal.writing import Shape
from tests.integration.exchange.temporal.conftest import NEIGHBOUR, TOWN, TownHistory

BUS = "urn:ngsi-ld:Bus:7"


def _speed(value: float, minute: int) -> dict[str, object]:
    return {
        "type": "Property",
        "value": value,
        "observedAt": f"2026-03-01T12:{minute:02}:00Z",
    }


def _bus(*speeds: dict[str, object], **others: object) -> dict[str, object]:
    return {"id": BUS, "type": "Bus", "speed": list(speeds), **others}


def _within(start: int, end: int) -> Times:
    return read_times(
        {
            "timerel": "between",
            "timeAt": f"2026-03-01T12:{start:02}:00Z",
            "endTimeAt": f"2026-03-01T12:{end:02}:00Z",
        }
    )


async def test_each_patch_leaves_an_instance_behind(town: TownHistory) -> None:
    await town.create({"id": BUS, "type": "Bus", "speed": _speed(30, 0)})
    for minute in (1, 2):
        town.clock.move(60)
        await town.patch(BUS, {"speed": _speed(30 + minute, minute)})

    shown = await town.shown(BUS)

    assert [one["value"] for one in shown["speed"]] == [30, 31, 32]
    assert len({one["instanceId"] for one in shown["speed"]}) == 3


async def test_a_deleted_entity_keeps_its_type_and_its_history(town: TownHistory) -> None:
    await town.create({"id": BUS, "type": "Bus", "scope": "/depot", "speed": _speed(30, 0)})
    town.clock.move(60)
    await town.exchange.delete(TOWN, "", BUS, lambda _: None)

    shown = await town.shown(BUS, sys_attrs=True)
    deleted = await town.shown(BUS, Selection(times=Times(property=TimeProperty.DELETED_AT)))

    assert shown["type"] == "Bus"
    assert shown["deletedAt"] == "2026-03-02T08:01:00Z"
    assert [one["value"] for one in shown["speed"]] == [30]
    assert deleted["speed"][0]["value"] == "urn:ngsi-ld:null"
    assert deleted["speed"][0]["deletedAt"] == "2026-03-02T08:01:00Z"
    assert deleted["scope"] == [
        {**deleted["scope"][0], "value": [], "deletedAt": "2026-03-02T08:01:00Z"}
    ]


async def test_an_entity_made_and_deleted_in_one_group_is_remembered(town: TownHistory) -> None:
    await town.create({"id": BUS, "type": "Bus", "speed": 30})
    await town.exchange.delete(TOWN, "", BUS, lambda _: None)
    await town.create({"id": BUS, "type": "Coach", "speed": 31})

    shown = await town.shown(BUS)

    assert shown["type"] == "Coach"
    assert [one["value"] for one in shown["speed"]] == [30, 31]


async def test_a_scope_has_a_history_of_its_own(town: TownHistory) -> None:
    await town.create({"id": BUS, "type": "Bus", "scope": "/old", "speed": 1})
    town.clock.move(60)
    await town.patch(BUS, {"scope": ["/new", "/newer"]})

    shown = await town.shown(BUS, sys_attrs=True)

    assert [one["value"] for one in shown["scope"]] == ["/old", ["/new", "/newer"]]
    assert shown["scope"][1]["observedAt"] == shown["scope"][1]["modifiedAt"]


async def test_bounds_are_inclusive_at_the_start_and_exclusive_at_the_end(
    town: TownHistory,
) -> None:
    await town.record(_bus(_speed(1, 3), _speed(2, 5), _speed(3, 7)))

    between = await town.shown(BUS, Selection(times=_within(3, 7)))
    after = await town.shown(
        BUS, Selection(times=read_times({"timerel": "after", "timeAt": "2026-03-01T12:05:00.000Z"}))
    )
    before = await town.shown(
        BUS, Selection(times=read_times({"timerel": "before", "timeAt": "2026-03-01T12:05:00Z"}))
    )

    assert [one["value"] for one in between["speed"]] == [1, 2]
    assert [one["value"] for one in after["speed"]] == [2, 3]
    assert [one["value"] for one in before["speed"]] == [1]


async def test_what_was_never_observed_is_in_no_time_of_observation(town: TownHistory) -> None:
    await town.create({"id": BUS, "type": "Bus", "speed": 30})
    always = {"timerel": "after", "timeAt": "1970-01-01T00:00:00Z"}

    observed = await town.shown(BUS, Selection(times=read_times(always)))
    created = await town.shown(
        BUS, Selection(times=read_times({**always, "timeproperty": "createdAt"}))
    )

    assert "speed" not in observed
    assert [one["value"] for one in created["speed"]] == [30]


async def test_the_last_of_each_attribute_are_told_in_order(town: TownHistory) -> None:
    await town.record(
        _bus(*(_speed(one, one) for one in range(9)), doors=[_speed(1, 1), _speed(2, 50)])
    )

    shown = await town.shown(BUS, Selection(times=Times(), last=2))

    assert [one["value"] for one in shown["speed"]] == [7, 8]
    assert [one["value"] for one in shown["doors"]] == [1, 2]


async def test_values_of_one_data_set_stand_together(town: TownHistory) -> None:
    left = {"datasetId": "urn:d:left"}
    await town.record(_bus(_speed(1, 1), {**_speed(2, 2), **left}, {**_speed(3, 3), **left}))

    shown = await town.shown(BUS, shape=Shape.VALUES)
    of_left = await town.shown(
        BUS, Selection(times=Times(), dataset_ids=frozenset({"urn:d:left"})), Shape.VALUES
    )

    assert shown["speed"] == [
        {"type": "Property", "values": [[1, "2026-03-01T12:01:00Z"]]},
        of_left["speed"],
    ]
    assert of_left["speed"] == {
        "type": "Property",
        "datasetId": "urn:d:left",
        "values": [[2, "2026-03-01T12:02:00Z"], [3, "2026-03-01T12:03:00Z"]],
    }


async def test_pages_join_without_gap_or_repetition(town: TownHistory) -> None:
    await town.record(
        _bus(*(_speed(one, one) for one in range(10)), doors=[_speed(1, 9), _speed(2, 30)])
    )
    history = History(town.database, most=6)
    found = await history.evolution(TOWN, "", BUS, Selection(times=_within(0, 59)))

    assert found.cut is not None
    assert [one.value.value for one in found.found[0].instances] == [0, 1, 2, 3, 4, 5]
    assert [name.rpartition("/")[2] for name in found.cut.emptied[BUS]] == ["doors"]
    assert found.cut.end == found.found[0].instances[-1].at

    rest = await history.evolution(TOWN, "", BUS, Selection(times=_within(6, 59)))
    assert rest.cut is None
    assert len(rest.found[0].instances) == 6


async def test_another_organisation_sees_no_history(town: TownHistory) -> None:
    await town.record(_bus(_speed(1, 1)))

    with pytest.raises(ResourceNotFoundError):
        await town.shown(BUS, actor=NEIGHBOUR)


async def test_an_unknown_tenant_is_told(town: TownHistory) -> None:
    with pytest.raises(NonexistentTenantError):
        await town.history.evolution(TOWN, "nowhere", BUS, Selection(times=Times()))


async def test_an_attribute_that_never_was_is_not_found(town: TownHistory) -> None:
    await town.record(_bus(_speed(1, 1)))

    with pytest.raises(ResourceNotFoundError):
        await town.shown(BUS, Selection(times=Times(), having=frozenset({"urn:x:never"})))
