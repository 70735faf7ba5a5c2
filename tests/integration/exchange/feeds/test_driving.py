"""Feeds that the platform reads by itself: once each, whatever comes between."""

import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from psycopg.conninfo import conninfo_to_dict

from beffroi.exchange.errors import ResourceNotFoundError
from beffroi.exchange.flows.model import FlowHealth
from beffroi.kernel.database import Database
from beffroi.kernel.database.partner_queries import PartnerQueryError, hosts_of, partner_rows
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.secrets import Secret
from tests.conftest import MakeDatabase
from tests.support.feed_documents import hubeau_page, observation
from tests.support.feed_platform import DATABASE, NIMES, FeedPlatform, feed_platform
from tests.support.feed_server import FeedServer, feed_server
from tests.support.programs import kill_program, program
from tests.support.tcp_to_socket import tcp_to_socket
from tests.support.waiting import eventually

STATION = "Y340502001"
GAUGE = f"urn:ngsi-ld:WaterObserved:{STATION}"
LEVEL = "https://uri.etsi.org/ngsi-ld/default-context/waterLevel"
BEGIN = datetime(2026, 3, 2, 6, tzinfo=UTC)
LEVELS = {
    "folder": "levels",
    "pattern": "*.csv",
    "id": "urn:ngsi-ld:Sensor:{sensor}",
    "type": "Sensor",
    "observed_at": {"column": "at"},
    "attributes": {"level": {"column": "level", "kind": "number", "measured": True}},
}
SENSOR = "urn:ngsi-ld:Sensor:a"


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    return await make_database("kernel", "exchange")


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> AsyncIterator[FeedPlatform]:
    async with feed_platform(database, tmp_path) as made:
        yield made


@pytest.fixture
async def server() -> AsyncIterator[FeedServer]:
    async with feed_server() as made:
        yield made


class Partner:
    """A partner's PostgreSQL, as the network shows it."""

    def __init__(self, database: Database, url: Secret) -> None:
        self.url = url
        self._database = database

    async def run(self, *statements: str) -> None:
        async with self._database.transaction(EVERYTHING) as connection:
            for one in statements:
                await connection.execute(one.encode())


@pytest.fixture
async def partner(make_database: MakeDatabase) -> AsyncIterator[Partner]:
    database = await make_database()
    told = conninfo_to_dict(database.url.reveal())
    async with tcp_to_socket(Path(str(told["host"]), ".s.PGSQL.5432")) as port:
        who = f"{told['user']}:{quote(str(told['password']), safe='')}"
        yield Partner(database, Secret(f"postgresql://{who}@localhost:{port}/{told['dbname']}"))


def minute(number: int) -> str:
    return (BEGIN + timedelta(minutes=number)).isoformat().replace("+00:00", "Z")


def page(*minutes: int) -> bytes:
    return hubeau_page([observation(STATION, minute(one), 1000.0 + one) for one in minutes])


async def measured(platform: FeedPlatform, entity: str = GAUGE) -> list[float]:
    name = "waterLevel" if entity == GAUGE else "level"
    try:
        return [value for _, value in await platform.history(entity, name)]
    except ResourceNotFoundError:
        return []


async def test_a_poll_becomes_entities_and_history_and_what_comes_late_finds_its_place(
    platform: FeedPlatform, server: FeedServer
) -> None:
    url = server.put("/obs", page(5, 0))
    await platform.apply(
        rivers={"poll": {"url": url, "every": "1 s"}, "format": "hubeau-observations"}
    )
    assert await eventually(lambda: has(platform, [1.0, 1.005]), within_s=20)
    server.put("/obs", page(6, 5, 3, 0))
    assert await eventually(lambda: has(platform, [1.0, 1.003, 1.005, 1.006]), within_s=20)
    (level,) = (await platform.entity(GAUGE)).attributes[LEVEL]
    assert level.value == 1.006
    told = await platform.told("rivers")
    assert (told.state.carried, told.health) == (4, FlowHealth.CARRIES)
    assert told.state.last_observed_at == BEGIN + timedelta(minutes=6)


async def test_a_measure_that_is_far_ahead_is_refused_and_hides_none(
    platform: FeedPlatform, server: FeedServer
) -> None:
    rows = [observation(STATION, "2099-03-02T06:00:00Z", 7), observation(STATION, minute(0), 1000)]
    url = server.put("/obs", hubeau_page(rows))
    await platform.apply(
        rivers={"poll": {"url": url, "every": "1 h"}, "format": "hubeau-observations"}
    )
    assert await eventually(lambda: has(platform, [1.0]), within_s=20)
    (refused,) = await platform.refused("rivers")
    assert refused.error.code == "exchange.feed_instant_ahead"


async def test_what_did_not_change_is_read_again_by_a_changed_declaration(
    platform: FeedPlatform, server: FeedServer
) -> None:
    url = server.put("/obs", page(0), ETag='"v1"')
    poll = {"poll": {"url": url, "every": "1 s"}, "format": "hubeau-observations"}
    await platform.apply(rivers=poll)
    assert await eventually(lambda: has(platform, [1.0]), within_s=20)
    assert await eventually(lambda: server.unchanged["/obs"], within_s=20)
    await platform.apply(rivers={**poll, "id": "urn:ngsi-ld:Gauge:{code_station}"})
    other = f"urn:ngsi-ld:Gauge:{STATION}"

    async def there() -> bool:
        try:
            return len(await platform.history(other, "waterLevel")) == 1
        except ResourceNotFoundError:
            return False

    assert await eventually(there, within_s=20)


async def has(platform: FeedPlatform, wanted: list[float], entity: str = GAUGE) -> bool:
    return await measured(platform, entity) == wanted


async def test_a_source_that_fails_is_told_and_asked_again_until_it_answers(
    platform: FeedPlatform, server: FeedServer
) -> None:
    url = server.put("/obs", page(0))
    server.statuses["/obs"] = 500
    await platform.apply(
        rivers={"poll": {"url": url, "every": "1 h"}, "format": "hubeau-observations"}
    )

    async def fails() -> bool:
        told = await platform.told("rivers")
        error = told.state.last_error
        return error is not None and error.code == "exchange.feed_answer_status"

    assert await eventually(fails, within_s=20)
    del server.statuses["/obs"]
    assert await eventually(lambda: has(platform, [1.0]), within_s=20)
    assert (await platform.told("rivers")).state.failing_since is None


async def test_rows_that_are_wrong_are_told_and_the_others_are_kept(
    platform: FeedPlatform, server: FeedServer
) -> None:
    rows = [observation(STATION, minute(0), 1000), observation(STATION, "yesterday", 7)]
    url = server.put("/obs", hubeau_page(rows))
    await platform.apply(
        rivers={"poll": {"url": url, "every": "1 h"}, "format": "hubeau-observations"}
    )
    assert await eventually(lambda: has(platform, [1.0]), within_s=20)
    (refused,) = await platform.refused("rivers")
    assert refused.error.code == "exchange.feed_not_an_instant"
    assert "yesterday" in refused.told


async def test_a_file_is_taken_once_it_is_whole_and_put_away_with_a_report(
    platform: FeedPlatform, tmp_path: Path
) -> None:
    folder = tmp_path / "nimes" / "levels"
    folder.mkdir(parents=True)
    (folder / "unfinished.csv.part").write_text("sensor,at,level\na,2026-03-02T06:00,9\n")
    (folder / "notes.txt").write_text("not meant")
    (folder / "good.csv").write_text("sensor,at,level\na,2026-03-02T06:00,1\n")
    (folder / "bad.csv").write_text("sensor,at,level\na,2026-03-02T07:00,2\na,2026,high\n")
    await platform.apply(levels=LEVELS)
    assert await eventually(lambda: has(platform, [1, 2], SENSOR), within_s=20)
    assert await eventually(lambda: _there(folder / "failed" / "bad.csv"), within_s=20)
    report = json.loads((folder / "failed" / "bad.csv.report.json").read_text())
    assert (report["rows"], report["changed"], report["refused"]) == (2, 1, 1)
    (mistake,) = report["mistakes"]
    assert (mistake["line"], mistake["code"]) == (3, "exchange.feed_not_an_instant")
    assert (folder / "done" / "good.csv").exists()
    assert sorted(one.name for one in folder.iterdir()) == [
        "done",
        "failed",
        "notes.txt",
        "unfinished.csv.part",
    ]


async def _there(path: Path) -> bool:
    return path.exists()


async def test_a_partners_table_is_read_on_from_where_it_came_to(
    platform: FeedPlatform, partner: Partner
) -> None:
    await partner.run(
        "create table readings (number bigint, sensor text, at timestamptz, level numeric)",
        "insert into readings select n, 'a', '2026-03-02 06:00Z'::timestamptz + n * interval "
        "'1 minute', n / 10.0 from generate_series(1, 3) as n",
    )
    vault = platform.services.flow_parts.vault
    await vault.put(NIMES, "nimes", "scada", partner.url)
    await platform.apply(
        readings={
            "sql": {
                "connection": "scada",
                "query": "select number, sensor, at, level from readings",
                "position": "number",
                "every": "1 s",
            },
            **{key: value for key, value in LEVELS.items() if key not in ("folder", "pattern")},
        }
    )
    assert await eventually(lambda: has(platform, [0.1, 0.2, 0.3], SENSOR), within_s=20)
    await partner.run("insert into readings values (3, 'a', '2026-03-02 06:04Z', 0.4)")
    assert await eventually(lambda: has(platform, [0.1, 0.2, 0.3, 0.4], SENSOR), within_s=20)
    position = (await platform.told("readings")).state.position
    assert position["reached"] == "3"


async def test_a_query_may_end_as_it_does_in_a_terminal(partner: Partner) -> None:
    for query in ("select 7 as n;", "select 7 as n -- all of them"):
        rows = partner_rows(partner.url, query, "n", None, {"localhost": "127.0.0.1"})
        assert [dict(row) async for row in rows] == [{"n": 7}]


@pytest.mark.parametrize("said", ["passfile=/etc/passwd", "sslrootcert=/etc/shadow", "service=x"])
def test_a_connection_names_no_file_of_ours(said: str) -> None:
    with pytest.raises(PartnerQueryError):
        hosts_of(Secret(f"postgresql://a:b@scada.example/c?{said}"))


async def test_a_query_that_would_write_is_refused_by_the_partners_database(
    platform: FeedPlatform, partner: Partner
) -> None:
    await partner.run("create sequence counter")
    vault = platform.services.flow_parts.vault
    await vault.put(NIMES, "nimes", "scada", partner.url)
    await platform.apply(
        readings={
            "sql": {
                "connection": "scada",
                "query": "select nextval('counter') as number, 'a' as sensor",
                "position": "number",
            },
            "id": "urn:ngsi-ld:Sensor:{sensor}",
            "type": "Sensor",
            "attributes": {"number": {"column": "number"}},
        }
    )

    async def refused() -> bool:
        error = (await platform.told("readings")).state.last_error
        return error is not None and error.code == "kernel.partner_query_wrong"

    assert await eventually(refused, within_s=20)


async def test_a_process_that_is_killed_while_a_file_is_taken_leaves_each_measure_once(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 3_000
    folder = tmp_path / "nimes" / "levels"
    folder.mkdir(parents=True)
    rows = (f"a,{(BEGIN + timedelta(seconds=one)).isoformat()},{one}" for one in range(count))
    (folder / "long.csv").write_text("\n".join(("sensor,at,level", *rows)))
    monkeypatch.setitem(os.environ, DATABASE, database.url.reveal())
    async with feed_platform(database, tmp_path / "elsewhere") as declaring:
        await declaring.apply(levels=LEVELS)

    async with program("tests.support.feed_platform", str(tmp_path)) as process:
        assert await eventually(lambda: measures(database), within_s=30)
        await kill_program(process)
    assert 0 < await measures(database) < count

    async with feed_platform(database, tmp_path):
        assert await eventually(lambda: _there(folder / "done" / "long.csv"), within_s=30)
    assert await measures(database) == count


async def measures(database: Database) -> int:
    async with database.transaction(EVERYTHING) as connection:
        cursor = await connection.execute(b"select count(*) from exchange.history")
        row = await cursor.fetchone()
        return int(row[0]) if row else 0
