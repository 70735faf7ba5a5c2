"""Feeds sent through the door that programs use."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from beffroi.exchange.feeds.gathering import Gathered
from beffroi.exchange.feeds.pacing import Pace
from beffroi.exchange.feeds.sending import Tally, send
from beffroi.exchange.feeds.spool import Spool
from beffroi.exchange.loading import load_declarations
from tests.integration.exchange.api.conftest import DOOR, Asker, Askers

DECLARED = """\
feeds:
  levels:
    file: levels.csv
    id: urn:ngsi-ld:Sensor:{sensor}
    type: Sensor
    observed_at: {column: at}
    attributes:
      name: {column: name}
      level: {column: level, kind: number, measured: true}
"""
HEADING = "sensor,name,at,level\n"
DAY = "a,Pont,2026-03-01T00:00,1\nb,Lac,2026-03-01T00:00,7\na,Pont,2026-03-01T01:00,2\n"
SENSOR = "urn:ngsi-ld:Sensor:a"


class _OverTheDoor:
    """Asks from a thread what the loop of the test answers."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._loop = asyncio.get_running_loop()

    def ask(
        self,
        method: str,
        path: str,
        kind: Any,
        body: object = None,
        *,
        media_type: str = "application/json",
    ) -> Any:
        asking = self._asker.ask(
            method,
            path.removeprefix("/ngsi-ld/v1/"),
            headers={"Content-Type": media_type},
            content=msgspec.json.encode(body),
        )
        answer = asyncio.run_coroutine_threadsafe(asking, self._loop).result(30)
        assert answer.is_success, answer.text
        return msgspec.json.decode(answer.content or b"null", type=kind)


async def sent(asker: Asker, folder: Path, table: str, declared: str = DECLARED) -> Tally:
    file = folder / "feeds.yaml"
    file.write_text(declared)
    (folder / "levels.csv").write_text(table)
    (feed,) = load_declarations(file).feeds.values()
    platform = _OverTheDoor(asker)

    def gather_and_send() -> Tally:
        with Spool() as spool:
            gathered = Gathered(feed, spool)
            gathered.gather(folder)
            assert gathered.refused == 0
            return send(spool, platform, lambda _: None)

    return await asyncio.to_thread(gather_and_send)


async def levels(asker: Asker, attribute: str = "level") -> list[Any]:
    path = f"temporal/entities/{SENSOR}?attrs={attribute}&options=temporalValues"
    answer = await asker.ask("GET", path)
    return sorted(answer.json()[attribute]["values"], key=lambda one: str(one[1]))


async def test_a_series_becomes_the_history_of_its_sensor(askers: Askers, tmp_path: Path) -> None:
    tally = await sent(askers.arras, tmp_path, HEADING + DAY)
    assert (tally.created, tally.updated, tally.known) == (2, 1, 0)
    assert await levels(askers.arras) == [
        [1, "2026-03-01T00:00:00Z"],
        [2, "2026-03-01T01:00:00Z"],
    ]
    assert len(await levels(askers.arras, "name")) == 1


async def test_what_is_there_already_is_not_written_again(askers: Askers, tmp_path: Path) -> None:
    await sent(askers.arras, tmp_path, HEADING + DAY)
    more = "a,Pont Neuf,2026-03-01T02:00,3\n"

    again = await sent(askers.arras, tmp_path, HEADING + DAY)
    longer = await sent(askers.arras, tmp_path, HEADING + DAY + more)
    longer_again = await sent(askers.arras, tmp_path, HEADING + DAY + more)

    assert (again.created, again.updated, again.known) == (0, 0, 3)
    assert (longer.updated, longer.known) == (1, 3)
    assert (longer_again.updated, longer_again.known) == (0, 4)
    assert [value for value, _ in await levels(askers.arras)] == [1, 2, 3]
    assert len(await levels(askers.arras, "name")) == 2


async def test_rows_of_another_organisations_entities_are_refused_and_told_by_their_lines(
    askers: Askers, tmp_path: Path
) -> None:
    await sent(askers.arras, tmp_path, HEADING + DAY)
    tally = await sent(askers.lens, tmp_path, HEADING + DAY + "c,Mer,2026-03-01T00:00,9\n")
    assert tally.created == 1
    assert {(one.line, one.id[-1]) for one in tally.refused} == {(2, "a"), (3, "b")}
    assert all("there already" in one.why for one in tally.refused)


async def test_names_of_an_own_context_are_found_again(askers: Askers, tmp_path: Path) -> None:
    context = {
        "@context": {"level": "https://example.org/level", "Sensor": "https://example.org/S"}
    }
    hosted = await askers.arras.ask("POST", "jsonldContexts", context)
    url = DOOR.removesuffix("/ngsi-ld/v1") + hosted.headers["location"]
    declared = DECLARED + f"    context: ['{url}']\n"
    assert hosted.status_code == 201
    first = await sent(askers.arras, tmp_path, HEADING + DAY, declared)
    again = await sent(askers.arras, tmp_path, HEADING + DAY, declared)
    assert (first.created, again.known) == (2, 3)


async def test_measures_that_come_late_join_the_history_once(
    askers: Askers, tmp_path: Path
) -> None:
    await sent(askers.arras, tmp_path, HEADING + DAY)
    late = "a,Pont,2026-02-28T22:00,8\na,Pont,2026-03-01T00:30,9\n"

    first = await sent(askers.arras, tmp_path, HEADING + late + DAY)
    again = await sent(askers.arras, tmp_path, HEADING + late + DAY)

    assert (first.late, first.known, first.updated) == (2, 3, 0)
    assert (again.late, again.known) == (0, 5)
    assert [value for value, _ in await levels(askers.arras)] == [8, 1, 9, 2]
    newest = await askers.arras.ask("GET", f"entities/{SENSOR}?options=keyValues")
    assert newest.json()["level"] == 2


async def test_rows_are_replayed_in_the_pace_of_their_times(askers: Askers, tmp_path: Path) -> None:
    file = tmp_path / "feeds.yaml"
    file.write_text(DECLARED)
    (tmp_path / "levels.csv").write_text(HEADING + DAY)
    platform, waited, done = _OverTheDoor(askers.arras), list[float](), list[object]()
    (feed,) = load_declarations(file).feeds.values()

    def replay() -> None:
        pace = Pace(600, datetime(2026, 6, 1, tzinfo=UTC), waited.append, lambda: sum(waited))
        with Spool() as spool:
            gathered = Gathered(feed, spool)
            gathered.gather(tmp_path)
            pace.send({"levels": spool}, platform, lambda *told: done.append(told))

    await asyncio.to_thread(replay)
    assert waited == [6.0]
    assert done == [("levels", 2), ("levels", 1)]
    assert [at for _, at in await levels(askers.arras)] == [
        "2026-06-01T00:00:00Z",
        "2026-06-01T01:00:00Z",
    ]
