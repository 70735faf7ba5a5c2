"""People and programs have pages forgotten: each those of its own organisation."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from beffroi.delivery.drivers.filler_client import FillerClient
from beffroi.delivery.page_model import PurgeKind, PurgeOrder
from beffroi.delivery.page_service import PageStore
from beffroi.kernel.database import Database
from beffroi.kernel.errors import (
    FailedError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
)
from beffroi.kernel.places import Places
from beffroi.kernel.rights.model import PLATFORM, Actor, Role
from beffroi.kernel.units import MIB
from tests.integration.delivery.binaries import nginx_named
from tests.integration.delivery.page_store.origin import page
from tests.integration.delivery.page_store.stage import PageStage, Site, opened_site
from tests.integration.delivery.stage import HeldTerritory
from tests.support.postgres import PostgresServer
from tests.unit.delivery.territories import application, territory

MANAGER = Actor("elodie", Role.MANAGER, "ville")
MEMBER = Actor("agent", Role.MEMBER, "ville")
STRANGER = Actor("stranger", Role.MANAGER, "lemans")
SITE = PurgeOrder(PurgeKind.SITE)


@pytest.fixture
def store(database: Database, tmp_path: Path) -> PageStore:
    """Of one application, without a filler."""
    held = HeldTerritory()
    held.held = territory(application("bus", "bus.fr", "www.bus.fr"))
    return PageStore(database, held, FillerClient(Places.of(tmp_path / "data")))


@pytest.mark.parametrize("name", ["bus", "nothing"])
async def test_another_organisations_manager_learns_nothing(store: PageStore, name: str) -> None:
    with pytest.raises(NotFoundError) as purged:
        await store.purge(STRANGER, name, SITE)
    with pytest.raises(NotFoundError) as read:
        await store.stored(STRANGER, name)

    assert purged.value.code == read.value.code == "delivery.application_unknown"
    assert purged.value.values == {"application": name}


async def test_who_may_only_read_is_told_what_is_stored_and_purges_nothing(
    store: PageStore,
) -> None:
    found = await store.stored(MEMBER, "bus")

    assert (found.application, found.pages, found.size_bytes) == ("bus", 0, 0)
    assert found.room_bytes == 256 * MIB
    with pytest.raises(ForbiddenError):
        await store.purge(MEMBER, "bus", SITE)


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        (PurgeKind.URL, "https://other.fr/", "delivery.purge_elsewhere"),
        (PurgeKind.URL, "", "delivery.purge_elsewhere"),
        (PurgeKind.URL, "/a/../b", "delivery.purge_elsewhere"),
        (PurgeKind.URL, "/été", "delivery.purge_elsewhere"),
        (PurgeKind.PREFIX, "other.fr/", "delivery.purge_elsewhere"),
        (PurgeKind.TAG, "", "delivery.purge_empty"),
        (PurgeKind.TAG, "été", "delivery.purge_tag_unusable"),
        (PurgeKind.TAG, "a\nb", "delivery.purge_tag_unusable"),
        (PurgeKind.TAG, "a" * 1025, "delivery.purge_tag_unusable"),
    ],
)
async def test_a_value_that_names_no_page_is_told(
    store: PageStore, kind: PurgeKind, value: str, code: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await store.purge(MANAGER, "bus", PurgeOrder(kind, value))

    assert refused.value.code == code
    if code == "delivery.purge_elsewhere":
        assert refused.value.values == {"value": value, "hosts": "bus.fr, www.bus.fr"}


async def test_a_filler_that_is_away_is_told(store: PageStore) -> None:
    with pytest.raises(UnavailableError) as told:
        await store.purge(MANAGER, "bus", SITE)

    assert told.value.code == "delivery.filler_away"


class Running:
    """A site, its visitors' pages and the verbs on them, with the filler's own process."""

    def __init__(self, site: Site) -> None:
        stage = site.stage
        self.site = site
        self.store = PageStore(stage.database, stage.territory, FillerClient(stage.places))
        self.name = site.application.name

    async def visited(self, *paths: str) -> None:
        visitor = await self.site.visitor()
        for path in paths:
            assert (await visitor.get(path)).status == 200

    async def purge(self, kind: PurgeKind, value: str = "") -> int:
        return (await self.store.purge(MANAGER, self.name, PurgeOrder(kind, value))).purged


@pytest.fixture
async def running(
    tmp_path: Path, database: Database, shared_postgres: PostgresServer
) -> AsyncIterator[Running]:
    """nginx, the filler and an origin, as long as the test lasts."""
    shared_postgres.folder.chmod(0o711)
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(folder.stat().st_mode | 0o011)
    stage = PageStage(tmp_path / "data", await nginx_named("system"), database)
    try:
        await stage.start()
        async with opened_site(stage) as site:
            yield Running(site)
    finally:
        await stage.stop()
        shutil.rmtree(stage.places.runtime, ignore_errors=True)


async def test_what_is_named_is_forgotten_and_nothing_else(running: Running) -> None:
    paths = ("/", "/a", "/a/b?p=2&o=1", "/a/c", "/%C3%A9t%C3%A9")
    site = running.site
    site.origin.answering = lambda heard: page(
        heard.target, ("Cache-Groups", '"news"' if heard.target == "/a/c" else '"rest"')
    )
    await running.visited(*paths)
    assert site.shown() == {"/@", "/a@", "/a/b@o=1&p=2", "/a/c@", "/été@"}

    assert await running.purge(PurgeKind.URL, "/a") == 1
    assert await running.purge(PurgeKind.TAG, "news") == 1
    assert await running.purge(PurgeKind.URL, f"https://{site.host}/%C3%A9t%C3%A9") == 1
    assert site.shown() == {"/@", "/a/b@o=1&p=2"}
    assert await running.purge(PurgeKind.URL, "/a/b?p=2&o=1") == 1
    assert await running.purge(PurgeKind.PREFIX, f"{site.host}:443/nothing") == 0
    assert await running.purge(PurgeKind.SITE) == 1
    assert site.shown() == set()


async def test_what_was_purged_lately_and_by_whom_is_told(running: Running) -> None:
    await running.visited("/", "/a")
    before = await running.store.stored(MANAGER, running.name)
    await running.purge(PurgeKind.SITE)
    await running.store.forget_site(running.name, "ville")

    after = await running.store.stored(MANAGER, running.name)

    assert (before.pages, after.pages) == (2, 0)
    assert before.size_bytes > 0
    assert [(one.actor, one.kind, one.pages) for one in after.purges] == [
        (PLATFORM.name, PurgeKind.SITE, 0),
        (MANAGER.name, PurgeKind.SITE, 2),
    ]


async def test_pages_of_a_site_that_is_declared_no_more_are_forgotten(running: Running) -> None:
    await running.visited("/", "/a")
    stage, name = running.site.stage, running.name
    declared = stage.applications[name]
    await stage.remove(name)

    await running.store.forget_site(name, "ville")

    assert running.site.shown() == set()
    with pytest.raises(NotFoundError):
        await running.store.stored(PLATFORM, name)
    await stage.put(declared)


async def test_what_the_filler_refuses_is_told_with_its_reason(running: Running) -> None:
    client = FillerClient(running.site.stage.places)
    with pytest.raises(FailedError, match="no page of this application"):
        await client.purge(running.name, "ville", PurgeKind.URL, "elsewhere.fr/", "somebody")


def test_every_kind_of_purge_is_an_order() -> None:
    orders = [msgspec.convert({"kind": kind}, PurgeOrder) for kind in PurgeKind]

    assert [one.kind for one in orders] == list(PurgeKind)
