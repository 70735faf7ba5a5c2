"""Pages are filled at quiet hours along a site's own map: a real origin, files and PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from beffroi.delivery.filler.filling import Filling, FillingTools
from beffroi.delivery.filler.flights import Flights
from beffroi.delivery.filler.header_set_keeper import HeaderSetKeeper
from beffroi.delivery.filler.image_making import ImageMaking
from beffroi.delivery.filler.origin import Origin as AskedOrigin
from beffroi.delivery.filler.shelf import Shelf
from beffroi.delivery.filler.site_list import SiteList
from beffroi.delivery.filler.warming import Warming, WarmingTools
from beffroi.delivery.page_files import PageFiles
from beffroi.delivery.page_keys import PageKey
from beffroi.delivery.sites import Sites, StoredSite, stored_sites
from beffroi.delivery.sites_file import SitesFile
from beffroi.kernel.database import Database
from beffroi.kernel.places import Places
from beffroi.kernel.units import MIB
from beffroi.territory.model import ApplicationKind, PageRules
from tests.integration.delivery.page_store.origin import Heard, Origin, Told, opened_origin, page
from tests.support.clocks import ManualClock
from tests.support.waiting import eventually
from tests.unit.delivery.territories import application

HOST = "www.ville.fr"
NIGHT = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
XML = ("Content-Type", "application/xml")


def site_map(*addresses: str, kind: str = "urlset") -> Told:
    places = "".join(f"<url><loc>\n {one} </loc></url>" for one in addresses)
    return page(f"<?xml version='1.0'?><{kind}>{places}</{kind}>", XML)


class House:
    """The parts of the filler that warm, and an origin that tells maps and pages."""

    def __init__(self, data: Path, database: Database, origin: Origin, asked: AskedOrigin) -> None:
        self.clock = ManualClock(NIGHT)
        self.origin = origin
        self.maps: dict[str, Told] = {}
        origin.answering = self._told
        places = Places.of(data)
        self.files = PageFiles(places.store)
        sites = SiteList(SitesFile(places).path, self.clock)
        self._sites_file = SitesFile(places)
        header_sets = HeaderSetKeeper(database, sites)
        self.shelf = Shelf(database, self.files, header_sets, self.clock, 64 * MIB)
        flights, images = Flights(), ImageMaking(self.files)
        self.filling = Filling(
            FillingTools(asked, self.shelf, self.files, flights, header_sets, images, self.clock)
        )
        self.warming = Warming(
            WarmingTools(sites, self.filling, self.shelf, self.files, self.clock)
        )

    def declare(self, rules: PageRules | None = None) -> StoredSite:
        declared = msgspec.structs.replace(
            application("site", HOST, "ville.fr"),
            kind=ApplicationKind.COMMAND,
            pages=rules or PageRules(),
        )
        sites = stored_sites([declared], lambda _: "")
        self._sites_file.tell(Sites(sites, frozenset()))
        return sites[0]

    async def visited(self, site: StoredSite, path: str = "/") -> None:
        """Have a visitor read a page."""
        await self.filling.fill(site, PageKey(HOST, path, ""))
        self.origin.heard.clear()

    async def warmed(self, site: StoredSite, within_s: float = 7200) -> int:
        """Warm a site while time goes by; return how many pages were filled."""
        ends = self.clock.now() + timedelta(seconds=within_s)
        task = asyncio.create_task(self.warming.warm(site, ends))
        while not task.done():
            await self.clock.advance(1)
            await asyncio.sleep(0.005)
        return await task

    def asked(self) -> set[str]:
        return {one.target for one in self.origin.heard}

    def stored(self) -> set[str]:
        return {f"{key.path}?{key.query}" for key in self.shelf.keys_of("site")}

    def _told(self, heard: Heard) -> Told:
        return self.maps.get(heard.target) or page(f"page {heard.target}")


@pytest.fixture
async def house(tmp_path: Path, database: Database) -> AsyncIterator[House]:
    """Everything runs, nothing is stored."""
    async with AsyncExitStack() as undo:
        origin = await undo.enter_async_context(opened_origin(tmp_path / "origin"))
        asked = AskedOrigin(tmp_path / "origin/listen/http.sock")
        undo.push_async_callback(asked.close)
        made = House(tmp_path / "data", database, origin, asked)
        await made.shelf.open(cleared=False)
        task = asyncio.create_task(made.shelf.run())
        undo.callback(task.cancel)
        yield made


async def test_the_pages_of_a_sites_map_are_filled(house: House) -> None:
    site = house.declare()
    await house.visited(site)
    house.maps["/sitemap.xml"] = site_map(
        f"https://{HOST}/a", f"https://{HOST}/b?p=1&amp;q=2", f"https://{HOST}/a", f"https://{HOST}"
    )

    assert await house.warmed(site) == 2
    assert house.stored() == {"/?", "/a?", "/b?p=1&q=2", "/sitemap.xml?"}


async def test_a_map_of_maps_is_followed(house: House) -> None:
    site = house.declare()
    await house.visited(site)
    house.maps |= {
        "/sitemap.xml": site_map(
            f"https://{HOST}/pages.xml", f"https://{HOST}/news.xml", kind="sitemapindex"
        ),
        "/pages.xml": site_map(f"https://{HOST}/a", f"https://{HOST}/pages.xml"),
        "/news.xml": site_map(f"https://{HOST}/n", f"https://{HOST}/sitemap.xml"),
    }

    assert await house.warmed(site) == 2
    assert {"/a?", "/n?"} <= house.stored()


async def test_addresses_elsewhere_and_those_that_are_none_are_passed_over(house: House) -> None:
    site = house.declare()
    await house.visited(site)
    house.maps["/sitemap.xml"] = site_map(
        *("https://autre.fr/x", "http://[x", "https://www.ville.fr:port/y", "mailto:a@b", ""),
        *(f"https://{HOST}/../etc", f"https://{HOST}/%zz", "\xe9", f"https://{HOST}/last"),
    )

    assert await house.warmed(site) >= 1
    assert house.asked() <= {"/sitemap.xml", "/y", "/last"}
    assert "/last?" in house.stored()


async def test_a_page_that_is_fresh_is_not_asked_for_again(house: House) -> None:
    site = house.declare()
    house.maps["/sitemap.xml"] = site_map(f"https://{HOST}/a", f"https://{HOST}/b")
    await house.visited(site, "/a")

    assert await house.warmed(site) == 1
    assert "/a" not in house.asked()
    assert await house.warmed(site) == 0


async def test_a_page_whose_life_is_over_is_filled_again(house: House) -> None:
    site = house.declare()
    house.maps["/sitemap.xml"] = site_map(f"https://{HOST}/a")
    await house.visited(site, "/a")
    house.clock.move(601)

    assert await house.warmed(site) == 1


@pytest.mark.parametrize("reason", ["nothing was read", "nothing is kept"])
async def test_a_site_without_stored_pages_is_let_be(house: House, reason: str) -> None:
    site = house.declare(PageRules(mib=0) if reason == "nothing is kept" else None)

    assert await house.warmed(site) == 0
    assert house.origin.heard == []


async def test_the_end_of_the_night_ends_it(house: House) -> None:
    site = house.declare()
    await house.visited(site)
    house.maps["/sitemap.xml"] = site_map(*(f"https://{HOST}/{one}" for one in range(40)))

    assert 1 <= await house.warmed(site, within_s=5) <= 6


async def test_a_map_that_finds_no_room_or_fails_warms_nothing_and_breaks_nothing(
    house: House,
) -> None:
    site = house.declare(PageRules(mib=1))
    await house.visited(site)
    padding = "<!--" + "".join(chr(0x21 + number * 7919 % 90) for number in range(2 * MIB)) + "-->"
    large = site_map(f"https://{HOST}/a")
    house.maps["/sitemap.xml"] = msgspec.structs.replace(large, body=large.body + padding.encode())
    await house.warmed(site)
    assert "/sitemap.xml?" not in house.stored()

    await house.visited(site)
    house.maps["/sitemap.xml"] = page("broken", status=500)
    assert await house.warmed(site) == 0


async def test_every_night_each_site_is_walked_once(house: House) -> None:
    site = house.declare()
    await house.visited(site)
    house.maps["/sitemap.xml"] = site_map(f"https://{HOST}/a")
    house.clock.move(23 * 3600)
    task = asyncio.create_task(house.warming.run())
    try:
        await asyncio.sleep(0.05)
        assert house.origin.heard == []

        async def moved() -> bool:
            await house.clock.advance(60)
            return "/a?" in house.stored()

        await eventually(moved, within_s=10)
        assert not task.done()
        house.origin.heard.clear()
        for _ in range(70):
            await house.clock.advance(60)
            await asyncio.sleep(0)
        assert house.asked() == set()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
