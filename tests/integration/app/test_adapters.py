"""What hosting asks of delivery, answered from the files and from PostgreSQL."""

from datetime import timedelta
from pathlib import Path

import pytest

from beffroi.app.adapters import CountedVisits, PagePurgeDoor
from beffroi.delivery.results_service import ResultsCollector
from beffroi.delivery.sites import purge_token
from beffroi.delivery.visit_log import VisitLog
from beffroi.kernel.database import Database
from beffroi.kernel.places import Places
from beffroi.kernel.secrets import SealingKey
from tests.conftest import MakeDatabase
from tests.integration.delivery.stage import HeldTerritory
from tests.support.clocks import ManualClock
from tests.unit.delivery.territories import application, territory
from tests.unit.delivery.visit_lines import NOON, line

KEY = SealingKey(b"k" * 32)


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    """A fresh database with the tables of the kernel and of delivery."""
    return await make_database("kernel", "delivery")


def test_an_application_is_told_its_door_and_a_token_that_is_its_own(tmp_path: Path) -> None:
    door = PagePurgeDoor(Places.of(tmp_path), KEY)

    told, other = door.environment("bus"), door.environment("site")

    assert told.keys() == {"BEFFROI_PURGE_SOCKET", "BEFFROI_PURGE_TOKEN"}
    assert told["BEFFROI_PURGE_TOKEN"] == purge_token(KEY, "bus").reveal()
    assert told["BEFFROI_PURGE_TOKEN"] != other["BEFFROI_PURGE_TOKEN"]
    assert told == PagePurgeDoor(Places.of(tmp_path), KEY).environment("bus")


def test_the_door_is_seen_where_the_application_is_told_and_cannot_be_changed(
    tmp_path: Path,
) -> None:
    places = Places.of(tmp_path)
    door = PagePurgeDoor(places, KEY)

    mount = door.mount()

    socket = Path(door.environment("bus")["BEFFROI_PURGE_SOCKET"])
    assert mount.source == places.purge_door
    assert mount.source.is_dir()
    assert socket.parent == mount.target
    assert not mount.writable
    assert door.mount() == mount


async def test_the_last_visit_of_an_application_is_the_last_that_its_log_tells(
    tmp_path: Path, database: Database
) -> None:
    held = HeldTerritory()
    held.held = territory(
        application("site", "site.ville.localhost"), application("bus", "bus.ville.localhost")
    )
    visits = CountedVisits(database)
    assert await visits.last_visits() == {}
    log = tmp_path / "access.log"
    log.write_bytes(
        line(0, served="filler") + line(90, served="application") + line(200, served="stored")
    )

    counted = ResultsCollector(database, held, VisitLog(log, ManualClock(NOON)))
    await counted.count_visits()

    assert await visits.last_visits() == {"site": NOON + timedelta(seconds=90)}
