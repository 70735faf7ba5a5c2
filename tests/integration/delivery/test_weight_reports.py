"""Sites are weighed once a week by a process that gives way; each organisation reads its own."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from beffroi.delivery import page_index
from beffroi.delivery.header_sets import HeaderSet
from beffroi.delivery.page_files import PageFiles
from beffroi.delivery.page_model import PageRow
from beffroi.delivery.rgesn import Verdict
from beffroi.delivery.weight_report import WeightReport
from beffroi.delivery.weight_service import WeightFolders, WeightReporter, WeightReports
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import NotFoundError
from beffroi.kernel.rights.model import PLATFORM, Actor, Role
from tests.integration.delivery.stage import HeldTerritory
from tests.support.clocks import ManualClock
from tests.support.waiting import eventually
from tests.unit.delivery.territories import LOCAL, application, territory

HOST = "www.ville.localhost"
SUNDAY = datetime(2026, 11, 22, 1, 50, tzinfo=UTC)
AGENT = Actor("agent", Role.MEMBER, "ville")
STRANGER = Actor("stranger", Role.MEMBER, "lemans")
HTML = HeaderSet("aaaaaaaaaaaa", 200, "text/html; charset=utf-8", (), "")
MISSING = HeaderSet("bbbbbbbbbbbb", 404, "text/html", (), "")
STYLE = HeaderSet("cccccccccccc", 200, "text/css", (("cache-control", "no-store"),), "")
PICTURE = HeaderSet("dddddddddddd", 200, "image/jpeg", (), "")
HOME = b"""<link rel=stylesheet href="/style.css?v=2">
<img src="/\xc3\xa9glise.jpg"><img src="/gone.png">
<script src="https://tiers.example/a.js"></script><p>Bonjour</p>"""


class Shop:
    """A page store of two applications, filled by hand."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.clock = ManualClock(SUNDAY)
        self.files = PageFiles(folder / "store")
        self.database = database
        self.territory = HeldTerritory()
        self.territory.held = territory(
            application("site", HOST), application("bus", "bus.ville.localhost")
        )
        folders = WeightFolders(folder / "store", folder / "results")
        self.reporter = WeightReporter(database, self.territory, folders, LOCAL, self.clock)
        self.reports = WeightReports(database, self.territory)

    async def put(self, path: str, headers: HeaderSet, query: str = "", **forms: bytes) -> PageRow:
        """Store an answer of the site."""
        async with self.database.transaction(EVERYTHING) as connection:
            numbered = await page_index.keep_header_set(connection, headers, "site")
        assert numbered is not None
        stored = self.files.put_answer("site", numbered.name, forms)
        now = self.clock.now()
        row = PageRow(
            *(HOST, path, query, "site", "ville", numbered.name, stored.digest),
            size_bytes=stored.size_bytes,
            stored_at=now,
            fresh_until=now,
            stale_while_until=now,
            stale_error_until=now,
        )
        async with self.database.transaction(EVERYTHING) as connection:
            await page_index.keep_pages(connection, [(row, frozenset())])
        return row


@pytest.fixture
def shop(tmp_path: Path, database: Database) -> Shop:
    return Shop(tmp_path, database)


async def _filled(shop: Shop) -> WeightReport:
    await shop.put("/", HTML, identity=HOME, br=b"x" * 100)
    await shop.put("/absente", MISSING, identity=b"<p>Rien</p>")
    await shop.put("/style.css", STYLE, query="v=2", identity=b"p{}" * 1000, gzip=b"z" * 700)
    await shop.put("/église.jpg", PICTURE, identity=b"j" * 90_000, webp=b"w" * 40_000)
    assert await shop.reporter.report_all() == 2
    return await shop.reports.newest(AGENT, "site")


async def test_what_travels_is_counted_in_its_smallest_form(shop: Shop) -> None:
    figures = (await _filled(shop)).figures
    assert figures is not None
    [page] = figures.heaviest
    assert page.address == f"{HOST}/"
    assert page.bytes == 100 + 700 + 40_000
    assert (page.requests, page.unweighed, page.third_parties) == (5, 1, 1)
    assert figures.grade == "A"
    assert [one.host for one in figures.third_parties] == ["tiers.example"]


async def test_criteria_are_judged_from_what_is_stored(shop: Shop) -> None:
    judged = {one.number: one for one in (await _filled(shop)).findings}
    assert judged["5.1"].verdict is Verdict.MET
    assert judged["6.1"].verdict is Verdict.MET
    assert judged["6.2"].values == {"percent": 75}
    assert judged["6.3"].verdict is Verdict.NOT_PROVABLE
    assert judged["6.7"].values == {"hosts": "tiers.example"}


async def test_a_site_without_a_page_is_reported_without_figures(shop: Shop) -> None:
    await shop.reporter.report_all()
    report = await shop.reports.newest(AGENT, "bus")
    assert report.figures is None
    assert len(report.findings) == 14


async def test_a_week_has_one_report_of_each_site(shop: Shop) -> None:
    assert await shop.reporter.report_all() == 2
    assert await shop.reporter.report_all() == 0
    await shop.put("/", HTML, identity=HOME)
    shop.clock.move(timedelta(days=1).total_seconds())
    assert await shop.reporter.report_all() == 2
    report = await shop.reports.newest(AGENT, "site")
    assert report.week == datetime(2026, 11, 23, tzinfo=UTC).date()
    assert report.figures is not None


async def test_a_page_that_is_purged_meanwhile_is_passed_over(shop: Shop) -> None:
    await shop.put("/", HTML, identity=HOME)
    gone = await shop.put("/b", HTML, identity=b"<p>b")
    shop.files.forget_answer("site", gone.header_set, gone.answer)
    await shop.reporter.report_all()
    report = await shop.reports.newest(AGENT, "site")
    assert report.figures is not None
    assert report.figures.pages == 1


async def test_a_town_reads_its_own_reports_alone(shop: Shop) -> None:
    with pytest.raises(NotFoundError) as unknown:
        await shop.reports.newest(AGENT, "site")
    assert unknown.value.code == "delivery.weight_unknown"
    await shop.reporter.report_all()
    assert (await shop.reports.newest(PLATFORM, "site")).application == "site"
    with pytest.raises(NotFoundError) as refused:
        await shop.reports.find(STRANGER, "site")
    assert refused.value.code == "delivery.application_unknown"


async def test_reports_are_made_in_the_quiet_hour(shop: Shop) -> None:
    shop.clock.move(3600)
    running = asyncio.create_task(shop.reporter.run())
    await asyncio.sleep(0)
    await shop.clock.advance(1800)
    await asyncio.sleep(0)
    assert await shop.reports.find(AGENT, "site") is None
    await shop.clock.advance(23 * 3600)

    async def reported() -> bool:
        return await shop.reports.find(AGENT, "site") is not None

    await eventually(reported)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_site_that_cannot_be_weighed_is_told_and_left_for_the_next_night(
    shop: Shop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    folders = WeightFolders(tmp_path / "file" / "store", tmp_path)
    reporter = WeightReporter(shop.database, shop.territory, folders, LOCAL, shop.clock)
    assert await reporter.report_all() == 0
    assert "application=bus" in caplog.text
    assert "NotADirectoryError" in caplog.text
    assert await shop.reporter.report_all() == 2
