"""Versions of the territory are appended with their events, one writer at a time."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from beffroi.kernel.database import Database, Scope, execute
from beffroi.kernel.errors import ConflictError
from beffroi.kernel.log import Entry, read_after
from beffroi.territory.errors import TerritoryInvalidError
from beffroi.territory.loading import load_territory
from beffroi.territory.service import TerritoryService
from tests.support.clocks import ManualClock

_EVERYTHING = Scope(everything=True)
_TERRITORY = """\
territory: {name: essai, title: Essai, domain: localhost}
organisations: {ville: {title: Ville}}
sites: {mairie: {title: Mairie, latitude: 48.0061, longitude: 0.1996}}
hosts: {s1: {site: mairie, cpus: 2, memory_gib: 8, disk_gib: 100}}
applications:
  bus:
    organisation: ville
    title: Bus de l'agglomération
    kind: command
    source: {git: "https://git.example/bus.git"}
    start: "bus --serve"
    environment: {GREETING: "«été»"}
    limits: {cpus: 0.5}
    jobs: {count: {schedule: "*/5 * * * *", command: "bus --count"}}
"""
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(text: str) -> Path:
        file = tmp_path / "territory.yaml"
        file.write_text(text)
        return file

    return write_file


@pytest.fixture
def service(database: Database, clock: ManualClock) -> TerritoryService:
    return TerritoryService(database, clock)


async def _log(database: Database) -> list[Entry]:
    async with database.transaction(_EVERYTHING) as connection:
        return list(await read_after(connection, 0, 100))


async def test_nothing_holds_before_the_first_territory(service: TerritoryService) -> None:
    assert await service.current() is None


async def test_an_applied_territory_is_read_back_as_it_was(
    service: TerritoryService, clock: ManualClock, write: Write
) -> None:
    file = write(_TERRITORY)
    await service.apply(file, "anne")
    held = await service.current()
    assert held is not None
    assert (held.version, held.actor, held.applied_at) == (1, "anne", clock.now())
    assert held.document == load_territory(file).territory
    assert held.source_digest == load_territory(file).digest


async def test_applying_the_same_file_again_makes_no_version(
    service: TerritoryService, database: Database, write: Write
) -> None:
    first = await service.apply(write(_TERRITORY), "anne")
    logged = len(await _log(database))
    again = await service.apply(write(_TERRITORY + "# a remark\n"), "anne")
    assert (first.version, again.version, again.changes) == (1, 1, ())
    assert len(await _log(database)) == logged


async def test_the_log_tells_each_noun_with_its_owner_and_version(
    service: TerritoryService, database: Database, write: Write
) -> None:
    await service.apply(write(_TERRITORY), "anne")
    await service.apply(write(_TERRITORY.replace("cpus: 0.5", "cpus: 0.75")), "anne")
    await service.apply(write(_TERRITORY.partition("applications:")[0]), "anne")
    told = [(e.kind, e.subject, e.organisation, e.body) for e in await _log(database)]
    assert told == [
        ("territory.territory_added", "essai", "", {"version": 1}),
        ("territory.organisation_added", "ville", "ville", {"version": 1}),
        ("territory.site_added", "mairie", "", {"version": 1}),
        ("territory.host_added", "s1", "", {"version": 1}),
        ("territory.application_added", "bus", "ville", {"version": 1}),
        ("territory.application_changed", "bus", "ville", {"version": 2}),
        ("territory.application_removed", "bus", "ville", {"version": 3}),
    ]


async def test_a_difference_is_told_and_nothing_is_written(
    service: TerritoryService, write: Write
) -> None:
    await service.apply(write(_TERRITORY), "anne")
    (change,) = await service.diff(write(_TERRITORY.replace("Bus de", "Cars de")))
    held = await service.current()
    assert [field.path for field in change.fields] == ["title"]
    assert held is not None
    assert held.version == 1


async def test_an_application_that_changes_hands_is_told_under_its_new_owner(
    service: TerritoryService, database: Database, write: Write
) -> None:
    text = _TERRITORY.replace("{ville: ", "{agglo: {title: Agglo}, ville: ")
    await service.apply(write(text), "anne")
    await service.apply(write(text.replace("organisation: ville", "organisation: agglo")), "anne")
    last = (await _log(database))[-1]
    assert (last.kind, last.organisation) == ("territory.application_changed", "agglo")


async def test_a_file_with_mistakes_changes_nothing(
    service: TerritoryService, database: Database, write: Write
) -> None:
    with pytest.raises(TerritoryInvalidError):
        await service.apply(write(_TERRITORY + "oops: 1\n"), "anne")
    assert await service.current() is None
    assert await _log(database) == []


async def test_the_version_that_was_seen_may_be_replaced(
    service: TerritoryService, write: Write
) -> None:
    await service.apply(write(_TERRITORY), "anne", expected_version=0)
    text = _TERRITORY.replace("title: Essai", "title: Autre")
    applied = await service.apply(write(text), "anne", expected_version=1)
    assert applied.version == 2


async def test_a_version_that_moved_refuses_the_change(
    service: TerritoryService, write: Write
) -> None:
    await service.apply(write(_TERRITORY), "anne")
    text = _TERRITORY.replace("title: Essai", "title: Autre")
    with pytest.raises(ConflictError) as raised:
        await service.apply(write(text), "bruno", expected_version=0)
    held = await service.current()
    assert raised.value.code == "territory.version_moved"
    assert "version 1" in raised.value.message()
    assert held is not None
    assert held.document.title == "Essai"


async def test_writers_that_arrive_together_each_get_a_version_of_their_own(
    service: TerritoryService, tmp_path: Path
) -> None:
    files = [tmp_path / f"{title}.yaml" for title in ("a", "b", "c", "d")]
    for file in files:
        file.write_text(_TERRITORY.replace("title: Essai", f"title: {file.stem}"))
    applied = await asyncio.gather(*(service.apply(file, "anne") for file in files))
    assert sorted(each.version for each in applied) == [1, 2, 3, 4]


async def test_of_writers_that_saw_the_same_version_one_wins(
    service: TerritoryService, tmp_path: Path
) -> None:
    files = [tmp_path / f"{title}.yaml" for title in ("a", "b", "c")]
    for file in files:
        file.write_text(_TERRITORY.replace("title: Essai", f"title: {file.stem}"))
    attempts = (service.apply(file, "anne", expected_version=0) for file in files)
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == [
        "Applied",
        "ConflictError",
        "ConflictError",
    ]


async def test_readers_go_on_while_a_writer_works(
    service: TerritoryService, database: Database, write: Write
) -> None:
    await service.apply(write(_TERRITORY), "anne")
    async with database.transaction(_EVERYTHING) as connection:
        await execute(connection, "lock table territory.version in share row exclusive mode", None)
        held = await asyncio.wait_for(service.current(), 5)
    assert held is not None
    assert held.version == 1


@pytest.mark.parametrize(
    "statement",
    [
        "update territory.version set actor = 'x'",
        "delete from territory.version",
        "truncate territory.version",
    ],
)
async def test_a_version_is_never_rewritten(
    service: TerritoryService, database: Database, write: Write, statement: str
) -> None:
    await service.apply(write(_TERRITORY), "anne")
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        async with database.transaction(_EVERYTHING) as connection:
            await connection.execute(statement.encode())
