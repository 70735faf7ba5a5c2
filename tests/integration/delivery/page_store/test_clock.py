"""The clock of the machine jumps: lives of pages are counted on the one that does not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from beffroi.delivery.filler.header_set_keeper import HeaderSetKeeper
from beffroi.delivery.filler.shelf import Shelf
from beffroi.delivery.filler.site_list import SiteList
from beffroi.delivery.header_sets import header_set
from beffroi.delivery.page_files import PageFiles
from beffroi.delivery.page_keys import PageKey
from beffroi.delivery.page_model import PageRow
from beffroi.delivery.storability import Life, OriginAnswer
from beffroi.kernel.database import Database
from tests.conftest import MakeDatabase
from tests.support.clocks import ManualClock
from tests.support.waiting import eventually

KEY = PageKey("site.ville.localhost", "/agenda", "")
JUMPS = (timedelta(days=400), timedelta(days=-400))


class JumpingClock(ManualClock):
    """A clock whose date is set by hand while its seconds go on."""

    def __init__(self) -> None:
        super().__init__()
        self.jump = timedelta()

    def now(self) -> datetime:
        return super().now() + self.jump


class Held:
    """A shelf as the filler opens it at its start; opened again after another life."""

    def __init__(self, database: Database, root: Path) -> None:
        self.database = database
        self.root = root
        self.clock = JumpingClock()
        self.files = PageFiles(root / "store")

    async def open(self) -> Shelf:
        keeper = HeaderSetKeeper(self.database, SiteList(self.root / "sites.json", self.clock))
        await keeper.open()
        shelf = Shelf(self.database, self.files, keeper, self.clock, 1024 * 1024)
        await shelf.open(cleared=False)
        self.keeper = keeper
        return shelf

    async def put_page(self, shelf: Shelf) -> None:
        """Keep a page that lives for ten minutes and bridges a failure for ten more."""
        found = header_set(OriginAnswer(200, (("content-type", "text/html"),)))
        assert found is not None
        numbered = await self.keeper.keep(found, "site")
        assert numbered is not None
        answer = self.files.put_answer("site", numbered.name, {"identity": b"page"})
        now = self.clock.now()
        row = PageRow(
            *(KEY.host, KEY.path, KEY.query, "site", "ville", numbered.name, answer.digest),
            size_bytes=answer.size_bytes,
            stored_at=now,
            fresh_until=now + timedelta(seconds=600),
            stale_while_until=now + timedelta(seconds=600),
            stale_error_until=now + timedelta(seconds=1200),
        )
        life = Life(600, 0, 600, must_revalidate=False)
        assert await shelf.keep(row, life, frozenset(), lambda: True) is not None

    def is_shown(self) -> bool:
        return [key for key, *_ in self.files.published()] == [KEY]


@asynccontextmanager
async def running(shelf: Shelf) -> AsyncIterator[None]:
    """Let a shelf end the lives of its pages."""
    task = asyncio.create_task(shelf.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def held(make_database: MakeDatabase, tmp_path: Path) -> Held:
    """A shelf's database, files and clock."""
    return Held(await make_database("kernel", "delivery"), tmp_path)


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_jump_of_the_date_neither_ends_nor_prolongs_a_life(
    held: Held, jump: timedelta
) -> None:
    shelf = await held.open()
    async with running(shelf):
        await held.put_page(shelf)
        held.clock.jump = jump
        await asyncio.sleep(0.05)
        assert held.is_shown()
        kept = shelf.find(KEY)
        assert kept is not None
        assert kept.fresh_until_s - held.clock.monotonic_s() == 600

    held.clock.move(601)
    async with running(shelf):
        await eventually(lambda: not held.is_shown())


async def test_a_date_set_back_prolongs_no_life_of_an_earlier_filler(held: Held) -> None:
    first = await held.open()
    async with running(first):
        await held.put_page(first)
    held.clock.jump = timedelta(days=-400)
    kept = (await held.open()).find(KEY)

    assert kept is not None
    assert not held.is_shown()
    assert kept.fresh_until_s == held.clock.monotonic_s()
    assert kept.error_until_s - held.clock.monotonic_s() == 1200


async def test_a_date_set_ahead_has_pages_asked_for_anew(held: Held) -> None:
    first = await held.open()
    async with running(first):
        await held.put_page(first)
    held.clock.jump = timedelta(days=400)
    kept = (await held.open()).find(KEY)

    assert kept is None or kept.error_until_s <= held.clock.monotonic_s()
    assert not held.is_shown()
