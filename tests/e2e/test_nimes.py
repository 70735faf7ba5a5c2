"""The story of Nîmes: files become facts that those who may ask for find."""

import asyncio
import csv
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import OpenTown
from tests.support.town import CommandEnd, Town
from tests.support.waiting import eventually, scaled

pytestmark = pytest.mark.timeout(scaled(240))
STORY = Path(__file__).parents[2] / "stories" / "nimes"
CONSOLE = "console.localhost"
DOOR = "/ngsi-ld/v1"
GAUGE = "urn:ngsi-ld:WaterObserved:01589330"
COUNTER = "urn:ngsi-ld:CrowdFlowObserved:C1"
CAR_PARK = "urn:ngsi-ld:OffStreetParking:BHMBCCTHL01"
MARGUERITTES = "[4.4437,43.8590]"
SENSORS, INSTANTS = 20, 400
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
async def town(open_town: OpenTown) -> AsyncIterator[Town]:
    async with open_town(file=STORY / "territory.yaml") as opened:
        await opened.up(within_s=120)
        yield opened


@pytest.fixture(scope="module")
async def metropolis(town: Town) -> str:
    """A token of the metropolis, which has sent the feeds of the story."""
    token = await token_of(town, "sig", "nimes-metropole")
    ended = await sent(town, token, STORY / "feeds.yaml")
    assert ended.status == 0, ended.errors + ended.output
    return token


@pytest.fixture(scope="module")
async def town_hall(town: Town) -> str:
    """A token of the town, which has sent nothing."""
    return await token_of(town, "mairie", "ville-nimes")


async def token_of(town: Town, name: str, organisation: str) -> str:
    account = {"role": "manager", "organisation": organisation}
    (await town.api("PUT", f"/api/accounts/{name}", account)).raise_for_status()
    link = (await town.api("POST", f"/api/accounts/{name}/link")).json()["secret"]
    origin = {"Origin": f"https://{town.authority(CONSOLE)}"}
    signed_in = await town.visit("POST", CONSOLE, f"/sign-in/{link}", headers=origin)
    cookie = {"Cookie": signed_in.headers["set-cookie"].partition(";")[0]}
    issued = await town.visit(
        "POST", CONSOLE, "/api/tokens", headers={**origin, **cookie}, json={"label": "tests"}
    )
    return str(issued.json()["secret"])


async def sent(town: Town, token: str, file: Path, *options: str) -> CommandEnd:
    return await commanded(town, token, "send", str(file), "--json", *options)


async def commanded(town: Town, token: str, *command: str) -> CommandEnd:
    """Command the exchange as a partner does: over the network, with a token."""
    authority = town.folder / "authority.pem"
    authority.write_text((await town.api("GET", "/api/authority")).text)
    return await town.cli(
        *("exchange", *command),
        BEFFROI_URL=f"https://{town.authority(CONSOLE)}",
        BEFFROI_TOKEN=token,
        SSL_CERT_FILE=str(authority),
    )


async def asked(town: Town, token: str, path: str, **parameters: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
    return await town.visit("GET", CONSOLE, f"{DOOR}/{path}", headers=headers, params=parameters)


async def found(town: Town, token: str, path: str, **parameters: str) -> Any:
    answer = await asked(town, token, path, **parameters)
    assert answer.is_success, answer.text
    return answer.json()


async def counted(town: Town, token: str, entity: str, attribute: str) -> int:
    """Count the values that history has of an attribute."""
    told = await found(
        town,
        token,
        f"temporal/entities/{entity}",
        attrs=attribute,
        options="aggregatedValues",
        aggrMethods="totalCount",
        aggrPeriodDuration="PT0S",
    )
    ((count, _, _),) = told[attribute]["totalCount"]
    return int(count)


async def test_the_39_communes_are_found_by_their_type(town: Town, metropolis: str) -> None:
    parameters = {"type": "AdministrativeArea", "options": "keyValues", "limit": "100"}
    communes = await found(town, metropolis, "entities", **parameters)
    assert len(communes) == 39
    assert {"Nîmes", "Marguerittes", "Bernis"} <= {one["name"] for one in communes}
    assert all(one["location"]["type"] == "Polygon" for one in communes)


async def test_a_point_finds_the_commune_that_contains_it(town: Town, metropolis: str) -> None:
    communes = await found(
        town,
        metropolis,
        "entities",
        type="AdministrativeArea",
        georel="intersects",
        geometry="Point",
        coordinates=MARGUERITTES,
        options="keyValues",
    )
    assert [one["name"] for one in communes] == ["Marguerittes"]


async def test_a_filter_finds_the_car_parks_that_are_full(town: Town, metropolis: str) -> None:
    parameters = {"type": "OffStreetParking", "q": "occupancy>0.9", "options": "keyValues"}
    full = await found(town, metropolis, "entities", **parameters)
    assert {one["name"] for one in full} == {"Arènes", "Maison Carrée", "Coupole des Halles"}


async def test_history_has_the_day_of_a_car_park_as_its_file_tells_it(
    town: Town, metropolis: str
) -> None:
    with (STORY / "data" / "parking-counts.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    told = [
        [int(row["Occupancy"]), row["LastUpdated"].replace(" ", "T") + "Z"]
        for row in rows
        if CAR_PARK.endswith(row["SystemCodeNumber"]) and row["LastUpdated"] < "2016-12-16"
    ]
    day = await found(
        town,
        metropolis,
        f"temporal/entities/{CAR_PARK}",
        attrs="occupiedSpotNumber",
        timerel="between",
        timeAt="2016-12-15T00:00:00Z",
        endTimeAt="2016-12-16T00:00:00Z",
        options="temporalValues",
    )
    assert len(told) > 10
    assert sorted(day["occupiedSpotNumber"]["values"], key=lambda one: one[1]) == told


async def test_another_organisation_sees_none_of_it(
    town: Town, metropolis: str, town_hall: str
) -> None:
    for kind, entity in (
        ("AdministrativeArea", "urn:ngsi-ld:AdministrativeArea:30189"),
        ("OffStreetParking", CAR_PARK),
    ):
        assert await found(town, metropolis, "entities", type=kind, limit="1")
        assert await found(town, town_hall, "entities", type=kind) == []
        assert (await asked(town, town_hall, f"entities/{entity}")).status_code == 404
        assert (await asked(town, town_hall, f"temporal/entities/{entity}")).status_code == 404
    assert (await found(town, town_hall, "types"))["typeList"] == []


async def test_feeds_that_are_sent_again_change_nothing(town: Town, metropolis: str) -> None:
    before = await counted(town, metropolis, CAR_PARK, "occupancy")
    ended = await sent(town, metropolis, STORY / "feeds.yaml")
    assert ended.status == 0, ended.errors
    assert all(one["created"] == one["updated"] == 0 for one in ended.json().values())
    assert await counted(town, metropolis, CAR_PARK, "occupancy") == before


async def test_a_flood_is_found_in_the_history_of_its_gauge(town: Town, metropolis: str) -> None:
    told = await found(
        town,
        metropolis,
        f"temporal/entities/{GAUGE}",
        attrs="flow",
        options="aggregatedValues",
        aggrMethods="totalCount,min,max",
        aggrPeriodDuration="PT0S",
    )
    ((count, _, _),) = told["flow"]["totalCount"]
    ((least, _, _),), ((most, _, _),) = told["flow"]["min"], told["flow"]["max"]
    assert (count, least, most) == (576, 0.114, 38.511)


async def test_files_that_are_dropped_become_history_once_their_feed_is_applied(
    town: Town, metropolis: str
) -> None:
    applied = await commanded(town, metropolis, "apply", str(STORY / "feeds.yaml"))
    assert applied.status == 0, applied.errors
    assert "+ " in applied.output
    folder = town.places.drops / "nimes-metropole" / "passers-by"
    assert await eventually(folder.exists, within_s=20)
    file = STORY / "passers-by" / "2019-03.csv"
    shutil.copy(file, folder)
    assert await eventually((folder / "done" / file.name).exists, within_s=30)
    rows = list(csv.DictReader(file.read_text().splitlines()))
    mine = [row for row in rows if COUNTER.endswith(row["counter"])]
    assert await counted(town, metropolis, COUNTER, "peopleCount") == len(mine) == 120

    async def carried() -> int:
        ended = await commanded(town, metropolis, "flows", "passers-by", "--json")
        return int(ended.json()["flow"]["carried"])

    assert await eventually(lambda: _equals(carried, len(rows)), within_s=10)


async def _equals(told: Callable[[], Awaitable[int]], wanted: int) -> bool:
    return await told() == wanted


async def test_bad_rows_hold_a_feed_back_until_they_are_to_be_skipped(
    town: Town, metropolis: str, tmp_path: Path
) -> None:
    file = _sensors(tmp_path, "Basin", ("1,2026-03-01T00:00,5", "2,2026-03-01T00:00,high"))

    held_back = await sent(town, metropolis, file)
    assert held_back.status == 1
    assert f"{tmp_path / 'levels.csv'}:3:3" in held_back.errors
    assert await found(town, metropolis, "entities", type="Basin") == []

    skipping = await sent(town, metropolis, file, "--skip-bad")
    assert skipping.status == 0
    assert f"{tmp_path / 'levels.csv'}:3:3" in skipping.errors
    (kept,) = await found(town, metropolis, "entities", type="Basin", options="keyValues")
    assert (kept["id"], kept["level"]) == ("urn:ngsi-ld:Basin:1", 5)


async def test_types_are_told_with_how_many_there_are_and_when_one_last_changed(
    town: Town, metropolis: str
) -> None:
    assert metropolis
    types: dict[str, Any] = {}

    async def are_surveyed() -> bool:
        ended = await town.cli("exchange", "types", "--json")
        types.update((one["name"], one) for one in ended.json())
        return "occupancy" in types.get("OffStreetParking", {}).get("attributes", ())

    assert await eventually(are_surveyed, within_s=200)
    assert types["AdministrativeArea"]["entities"] == 39
    assert "occupancy" in types["OffStreetParking"]["attributes"]
    changed = datetime.fromisoformat(types["OffStreetParking"]["changed_at"])
    assert changed > datetime.fromisoformat(types["AdministrativeArea"]["changed_at"])


async def test_a_platform_killed_while_feeds_arrive_has_them_once_after_they_are_sent_again(
    town: Town, metropolis: str, tmp_path: Path
) -> None:
    file = _sensors(tmp_path, "Sensor", _measures())
    sending = asyncio.create_task(sent(town, metropolis, file))

    async def has_begun() -> bool:
        return bool(await found(town, metropolis, "entities", type="Sensor", limit="1"))

    assert await eventually(has_begun, within_s=30)
    await town.kill()
    ended = await sending
    assert ended.status == 1
    assert "Traceback" not in ended.errors
    await town.up(within_s=120)
    assert 0 < await counted(town, metropolis, _sensor(0), "level") < INSTANTS

    again = await sent(town, metropolis, file)

    assert again.status == 0, again.errors
    counts = [await counted(town, metropolis, _sensor(one), "level") for one in range(SENSORS)]
    assert counts == [INSTANTS] * SENSORS
    newest = await found(town, metropolis, f"entities/{_sensor(3)}", options="keyValues")
    assert newest["level"] == INSTANTS - 1


def _sensor(number: int) -> str:
    return f"urn:ngsi-ld:Sensor:{number}"


def _measures() -> Iterator[str]:
    for sensor in range(SENSORS):
        for step in range(INSTANTS):
            yield f"{sensor},{(BEGIN + timedelta(minutes=step)).isoformat()},{step}"


def _sensors(folder: Path, kind: str, rows: Iterable[str]) -> Path:
    """Write a feed of measures."""
    (folder / "levels.csv").write_text("\n".join(("sensor,at,level", *rows)))
    file = folder / "feeds.yaml"
    file.write_text(
        "feeds:\n"
        "  levels:\n"
        "    file: levels.csv\n"
        f"    id: urn:ngsi-ld:{kind}:{{sensor}}\n"
        f"    type: {kind}\n"
        "    observed_at: {column: at}\n"
        "    attributes:\n"
        "      level: {column: level, kind: number, measured: true}\n"
    )
    return file
