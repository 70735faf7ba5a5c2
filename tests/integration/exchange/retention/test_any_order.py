"""Figures that are kept are those of raw history, whatever is told and corrected, in any order."""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from beffroi.exchange.model import Json
from beffroi.exchange.representation.instants import written_instant
from beffroi.exchange.retention.rollup_store import RECKONED
from beffroi.exchange.retention.service import Retentions
from beffroi.exchange.temporal.instance_ids import InstanceKey
from beffroi.kernel.database import fetch_tuples
from beffroi.kernel.database.pool import EVERYTHING
from tests.integration.exchange.retention.test_correcting import (
    _HOUR,
    _METER,
    _POWER,
    _WRITTEN,
    town,
)
from tests.integration.exchange.temporal.conftest import TOWN, TownHistory

__all__ = ["town"]
_STEPS = 30
_COLUMNS = "attribute, dataset_id, hours, at, instances, numbers, low, high"
_SUMS = "total, squares, deviations"
_REST = (60.0, 400.0, 3_600.0, 86_400.0)
_RAW = RECKONED.format(which="h.written_at < (select at from exchange.rolled_until)")


async def _compare(town: TownHistory) -> None:
    kept, raw = [await _figures(town, one) for one in ("exchange.rollup", f"({_RAW})")]
    assert [one[:8] for one in kept] == [one[:8] for one in raw]
    for one, other in zip(kept, raw, strict=True):
        assert [each is None for each in one[8:]] == [each is None for each in other[8:]]
        told = [each for each in one[8:] if each is not None]
        assert told == pytest.approx([each for each in other[8:] if each is not None], abs=1e-6)


async def _figures(town: TownHistory, table: str) -> Sequence[tuple[Any, ...]]:
    statement = f"select {_COLUMNS}, {_SUMS} from {table} as f order by 1, 2, 3, 4"  # noqa: S608
    async with town.database.transaction(EVERYTHING) as connection:
        return await fetch_tuples(connection, statement)


async def _tell(town: TownHistory, chance: Random) -> None:
    """Tell some instances, of times that may have been told of already."""
    told: dict[tuple[int, str], Json] = {}
    for _ in range(chance.randint(1, 4)):
        half_hours, dataset_id = chance.randint(-20, 20), chance.choice(("", "urn:d:1"))
        at = written_instant(_WRITTEN + half_hours * _HOUR / 2)
        one = {"type": "Property", "value": chance.choice((1, 2.5, -7, "out")), "observedAt": at}
        if dataset_id:
            one["datasetId"] = dataset_id
        told[half_hours, dataset_id] = one
    await town.record({"id": _METER, "type": "Meter", "power": list(told.values())})


async def _delete_one(town: TownHistory, chance: Random) -> None:
    statement = "select written_at, number from exchange.history order by written_at, number"
    async with town.database.transaction(EVERYTHING) as connection:
        rows = await fetch_tuples(connection, statement)
    if rows:
        written_at, number = chance.choice(rows)
        day = written_at.replace(hour=0, minute=0, second=0, microsecond=0)
        instance = InstanceKey(day, number)
        await town.recorder.delete_instance(TOWN, ("", _METER), _POWER, instance)


@pytest.mark.parametrize("seed", [1, 2, 5])
async def test_figures_are_those_of_history_whatever_is_corrected_when(
    town: TownHistory, seed: int
) -> None:
    chance = Random(seed)  # noqa: S311 - it decides what is tried
    for _ in range(_STEPS):
        match chance.choice(("tell", "tell", "delete", "rest", "roll up")):
            case "tell":
                await _tell(town, chance)
            case "delete":
                await _delete_one(town, chance)
            case "rest":
                await town.clock.advance(chance.choice(_REST))
            case _:
                await Retentions(town.database, town.clock).roll_up()
        await _compare(town)
