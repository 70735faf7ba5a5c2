"""Visits are counted once whatever is killed, and each organisation reads its own results."""

import asyncio
import os
import random
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import pytest

from beffroi.delivery import result_store
from beffroi.delivery.result_store import CountedVisits
from beffroi.delivery.results import Period
from beffroi.delivery.results_publishing import ResultsPublisher
from beffroi.delivery.results_service import ResultsCollector, ResultsService, usual_period
from beffroi.delivery.results_usage import HOST, NGINX, UsageReading
from beffroi.delivery.visit_log import Cursor, VisitLog, rotate_visits
from beffroi.delivery.visits import Slot, VisitCounts
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database, Scope, execute, fetch_all, fetch_value
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import ConflictError, NotFoundError
from beffroi.kernel.rights.model import PLATFORM, Actor, Role
from tests.integration.delivery.stage import HeldTerritory
from tests.integration.delivery.visit_counter import DECLARED
from tests.support.clocks import ManualClock
from tests.unit.delivery import slot_figures
from tests.unit.delivery.territories import LOCAL, application, territory
from tests.unit.delivery.visit_lines import NOON, line

AGENT = Actor("agent", Role.MEMBER, "ville")
STRANGER = Actor("stranger", Role.MEMBER, "lemans")
HOUR = Period(NOON, NOON + timedelta(hours=1))
KILLS = 6


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "access.log"


@pytest.fixture
def held() -> HeldTerritory:
    found = HeldTerritory()
    found.held = DECLARED
    return found


@pytest.fixture
def collector(path: Path, database: Database, held: HeldTerritory) -> ResultsCollector:
    return ResultsCollector(database, held, VisitLog(path, ManualClock(NOON)))


@pytest.fixture
def service(database: Database, held: HeldTerritory) -> ResultsService:
    return ResultsService(database, held, slot_figures.HOST)


async def _requests(database: Database) -> int:
    async with database.transaction(EVERYTHING) as connection:
        found: int = await fetch_value(
            connection,
            "select coalesce(sum(requests), 0)::bigint from delivery.visit_count"
            " where application <> '_all'",
        )
    return found


def _write(path: Path, first: int, last: int, **fields: object) -> None:
    with path.open("ab") as file:
        file.write(b"".join(line(number % 3000, **fields) for number in range(first, last)))


async def test_each_visit_is_counted_once_however_often_the_counter_is_killed(
    path: Path, database: Database, held: HeldTerritory
) -> None:
    """Lines come a few at a time, so that nearly every moment is one between two statements."""
    drawn = random.Random(3)  # noqa: S311 - where to kill is no secret
    written = 0
    for kill in range(KILLS):
        async with _running_counter(path, database):
            until_s = SystemClock().monotonic_s() + drawn.uniform(0.1, 0.3)
            while SystemClock().monotonic_s() < until_s:
                _write(path, written, written + 5)
                written += 5
                await asyncio.sleep(0.001)
        if kill == 2:
            rotate_visits(path, above_bytes=0)
    survivor = ResultsCollector(
        database, held, VisitLog(path, ManualClock(NOON + timedelta(days=9999)))
    )
    before_the_last = await _requests(database)
    await survivor.count_visits()
    assert await survivor.count_visits() == 0
    assert await _requests(database) == written
    assert before_the_last > 0
    [totals] = await survivor.visit_totals()
    assert (totals.application, totals.organisation) == ("site", "ville")
    assert (totals.requests, totals.bytes) == (written, written * 8400)


@asynccontextmanager
async def _running_counter(path: Path, database: Database) -> AsyncIterator[None]:
    """Run a counter that has begun; kill it at the end."""
    counter = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.integration.delivery.visit_counter", str(path)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert counter.stdin is not None
        assert counter.stdout is not None
        counter.stdin.write(f"{database.url.reveal()}\n".encode())
        assert await counter.stdout.readline() == b"counting\n"
        yield
    finally:
        counter.kill()
        await counter.wait()


async def test_two_counters_side_by_side_count_each_visit_once(
    path: Path, database: Database, held: HeldTerritory
) -> None:
    _write(path, 0, 5000)
    both = [ResultsCollector(database, held, VisitLog(path, ManualClock(NOON))) for _ in range(2)]
    ended = await asyncio.gather(*(one.count_visits() for one in both), return_exceptions=True)
    assert {type(one) for one in ended} <= {int, ConflictError}
    assert await _requests(database) == 5000


async def test_a_batch_is_kept_whole_or_not_at_all(database: Database) -> None:
    first, second = Cursor(1, 10, "a"), Cursor(1, 20, "b")
    counted = CountedVisits(
        None, first, {Slot("site", NOON): VisitCounts(requests=7)}, {"site": NOON}, {"site": "v"}
    )
    again = CountedVisits(
        second, first, {Slot("site", NOON): VisitCounts(requests=7)}, {}, {"site": "v"}
    )
    async with database.transaction(EVERYTHING) as connection:
        await result_store.keep_visits(connection, "log", counted)
    for one in (counted, again):
        with pytest.raises(ConflictError):
            async with database.transaction(EVERYTHING) as connection:
                await result_store.keep_visits(connection, "log", one)
    assert await _requests(database) == 7
    async with database.transaction(EVERYTHING) as connection:
        assert await result_store.visit_cursor(connection, "log") == first
        assert await result_store.kept_last_uses(connection) == {"site": NOON}


async def test_the_last_use_only_moves_forward(
    path: Path, collector: ResultsCollector, database: Database
) -> None:
    _write(path, 100, 101, served="filler", cache="beffroi; fwd=miss")
    await collector.count_visits()
    _write(path, 50, 51, served="filler", cache="beffroi; fwd=miss")
    _write(path, 200, 201, served="stored")
    await collector.count_visits()
    async with database.transaction(EVERYTHING) as connection:
        kept = await result_store.kept_last_uses(connection)
    assert kept == {"site": NOON + timedelta(seconds=100)}


def _readings(at_s: float, **cpu_s: float) -> list[UsageReading]:
    at = NOON + timedelta(seconds=at_s)
    return [
        UsageReading(name, "" if name.startswith("_") else "ville", "run", at, spent, 2**20)
        for name, spent in cpu_s.items()
    ]


async def test_usage_survives_the_end_of_the_process_that_read_it(
    collector: ResultsCollector, database: Database, held: HeldTerritory, path: Path
) -> None:
    await collector.count_usage(_readings(0, site=5, _host=100))
    await collector.count_usage(_readings(60, site=6, _host=110))
    another = ResultsCollector(database, held, VisitLog(path, ManualClock(NOON)))
    await another.count_usage(_readings(120, site=8, bus=3, _host=130))
    async with database.transaction(EVERYTHING) as connection:
        taken = await fetch_all(
            connection,
            dict[str, object],
            "select subject, sum(cpu_s) as cpu_s from delivery.cpu_usage"
            " where subject <> '_all' group by subject order by subject",
        )
    assert taken == [
        {"subject": "_host", "cpu_s": 30},
        {"subject": "bus", "cpu_s": 3},
        {"subject": "site", "cpu_s": 3},
    ]


async def test_results_put_visits_and_usage_together(
    path: Path, collector: ResultsCollector, service: ResultsService
) -> None:
    _write(path, 0, 250)
    _write(path, 0, 10, served="filler", cache="beffroi; fwd=miss; stored")
    _write(path, 0, 100, host="bus.ville.localhost")
    await collector.count_visits()
    await collector.count_usage(_readings(0, site=0, bus=0, **{HOST: 0, NGINX: 0}))
    await collector.count_usage(_readings(290, site=0.8, bus=0, **{HOST: 9, NGINX: 0.36}))

    site = await service.site_results(AGENT, "site", HOUR)
    both = await service.organisation_results(AGENT, "ville", HOUR)

    assert site.results.counts.pages == 260
    assert site.results.hit_ratio == pytest.approx(250 / 260)
    assert site.parts.cpu_s.value == pytest.approx(0.8 + 0.26, rel=1e-3)
    assert site.parts.cpu_without_s.value == pytest.approx(260 * 0.08 + 0.26, rel=1e-3)
    assert both.results.counts.pages == 360
    assert [one.application for one in both.sites] == ["bus", "site"]
    assert both.results.carbon_g.value == pytest.approx(
        sum(one.results.carbon_g.value for one in both.sites)
    )


async def test_a_site_of_another_organisation_is_as_unknown_as_none(
    service: ResultsService,
) -> None:
    for actor, name in ((STRANGER, "site"), (PLATFORM, "absent")):
        with pytest.raises(NotFoundError):
            await service.site_results(actor, name, HOUR)
    for actor, name in ((STRANGER, "ville"), (PLATFORM, "absent")):
        with pytest.raises(NotFoundError):
            await service.organisation_results(actor, name, HOUR)


@pytest.mark.parametrize("table", ["visit_count", "visit_total", "last_use", "cpu_usage"])
async def test_rows_are_seen_by_their_own_organisation_alone(
    path: Path, collector: ResultsCollector, database: Database, table: str
) -> None:
    _write(path, 0, 10, served="filler", cache="beffroi; fwd=miss")
    await collector.count_visits()
    await collector.count_usage(_readings(0, site=1))
    await collector.count_usage(_readings(60, site=2))
    seen = {}
    for organisation in ("ville", "lemans"):
        async with database.transaction(Scope(organisation)) as connection:
            seen[organisation] = await fetch_value(
                connection,
                f"select count(*) from delivery.{table}",  # noqa: S608 - our own names
            )
    assert seen["ville"] > 0
    assert seen["lemans"] == 0


async def test_the_sum_kept_beside_the_parts_is_theirs(
    path: Path, collector: ResultsCollector, database: Database
) -> None:
    for first in range(3):
        _write(path, first, 700)
        _write(path, first, 500, host="bus.ville.localhost", served="application")
        await collector.count_visits()
        await collector.count_usage(_readings(400 * first, site=first, bus=2 * first, _host=9))
    async with database.transaction(EVERYTHING) as connection:
        differing = await fetch_all(
            connection,
            dict[str, object],
            """
            select slot from delivery.visit_count group by slot
            having sum(requests * case application when '_all' then -1 else 1 end) <> 0
                or sum(bytes * case application when '_all' then -1 else 1 end) <> 0
            union all
            select slot from delivery.cpu_usage where subject <> '_host' group by slot
            having abs(sum(cpu_s * case subject when '_all' then -1 else 1 end)) > 1e-9
                or abs(sum(memory_byte_s * case subject when '_all' then -1 else 1 end)) > 1
            """,
        )
        slots = await fetch_value(
            connection, "select count(*) from delivery.visit_count where application = '_all'"
        )
    assert differing == []
    assert slots == 3


async def test_old_slots_are_forgotten_and_what_they_came_to_is_not(
    path: Path, collector: ResultsCollector, database: Database
) -> None:
    _write(path, 0, 10)
    await collector.count_visits()
    assert await collector.forget_old(NOON + timedelta(days=399)) == 0
    assert await collector.forget_old(NOON + timedelta(days=401)) == 2
    assert await _requests(database) == 0
    assert [one.requests for one in await collector.visit_totals()] == [10]


async def test_totals_begin_with_what_was_counted_before_they_were_kept(
    path: Path, collector: ResultsCollector, database: Database
) -> None:
    _write(path, 0, 700)
    _write(path, 0, 500, host="bus.ville.localhost")
    await collector.count_visits()
    kept = sorted(await collector.visit_totals(), key=lambda one: one.application)
    migration = files("beffroi.delivery").joinpath("migrations", "0005_visit_totals.sql")
    async with database.transaction(EVERYTHING) as connection:
        await execute(connection, "drop table delivery.visit_total")
        await execute(connection, migration.read_text(encoding="utf-8"), None)

    counted = sorted(await collector.visit_totals(), key=lambda one: one.application)

    assert counted == kept
    assert [one.requests for one in counted] == [500, 700]


async def test_published_files_follow_the_territory(
    tmp_path: Path, service: ResultsService, held: HeldTerritory
) -> None:
    folder = tmp_path / "results"
    publisher = ResultsPublisher(folder, service, held, LOCAL, ManualClock(NOON))
    await publisher.publish()
    assert {entry.name for entry in folder.iterdir()} == {
        "site.ville.localhost",
        "bus.ville.localhost",
    }
    held.held = territory(application("site", "www.ville.localhost"))
    await publisher.publish()
    assert [entry.name for entry in folder.iterdir()] == ["www.ville.localhost"]
    shutil.rmtree(folder)
    assert "1 sites" in await publisher.publish()


def test_the_usual_period_ends_with_a_whole_slot() -> None:
    period = usual_period(NOON + timedelta(seconds=421), days=2)
    assert period.until == NOON + timedelta(minutes=5)
    assert period.duration_s == 2 * 86400
