"""Weighs each site once a week, and tells people what it weighs."""

import logging
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from beffroi.delivery import page_index, result_store, weight_store
from beffroi.delivery.header_sets import HeaderSet
from beffroi.delivery.model import DeliverySettings
from beffroi.delivery.page_model import PageRow
from beffroi.delivery.ports import WantedTerritory
from beffroi.delivery.results_service import usual_period
from beffroi.delivery.results_usage import SlotFigures
from beffroi.delivery.rgesn import SiteEvidence, findings
from beffroi.delivery.weighing import AnswerToWeigh, SiteMeasures, SiteToWeigh
from beffroi.delivery.weight_report import WeightReport, week_of, weight_figures
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Connection, Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError, FailedError, NotFoundError
from beffroi.kernel.processes.workers import asked_of_worker
from beffroi.kernel.rights.model import Actor, Permission
from beffroi.territory.model import Application, ApplicationKind

_logger = logging.getLogger(__name__)
_PAGES_MOST: Final = 200
_ANSWERS_MOST: Final = 50_000
_DAYS: Final = 7
_LOOKS_EVERY_S: Final = 1800.0
# In UTC: at three or four in the morning in metropolitan France.
_QUIET_HOUR: Final = 2
_WEIGHER: Final = "beffroi.delivery.weighing"
_WEIGHED_WITHIN_S: Final = 300.0


class WeightFolders(msgspec.Struct, frozen=True):
    """Where stored pages and published results lie."""

    store: Path
    results: Path


class WeightReports:
    """Tells what sites weigh."""

    def __init__(self, database: Database, territory: WantedTerritory) -> None:
        self._database = database
        self._territory = territory

    async def find(self, actor: Actor, name: str) -> WeightReport | None:
        """Return an application's last report, if it has any yet.

        Raises:
            NotFoundError: There is none of that name that the actor may read.
        """
        found = (await self._territory.current()).applications.get(name)
        if found is None or not actor.may(Permission.READ, found.organisation):
            raise NotFoundError("delivery.application_unknown", application=name)
        async with self._database.transaction(actor.scope) as connection:
            return await weight_store.newest_report(connection, name)

    async def newest(self, actor: Actor, name: str) -> WeightReport:
        """Return an application's last report.

        Raises:
            NotFoundError: There is no such application, or it was never weighed.
        """
        found = await self.find(actor, name)
        if found is None:
            raise NotFoundError("delivery.weight_unknown", application=name)
        return found


class WeightReporter:
    """Makes the reports, a site at a time."""

    def __init__(
        self,
        database: Database,
        territory: WantedTerritory,
        folders: WeightFolders,
        settings: DeliverySettings,
        clock: Clock,
    ) -> None:
        self._database = database
        self._territory = territory
        self._folders = folders
        self._ipv6 = any(ip_address(one).version == 6 for one in settings.addresses)
        self._clock = clock

    async def run(self) -> None:
        """Report in a quiet hour of each week, or of the next night, until cancelled."""
        while True:
            await self._clock.sleep(_LOOKS_EVERY_S)
            if self._clock.now().hour != _QUIET_HOUR:
                continue
            try:
                _logger.info("weight reports=%s", await self.report_all())
            except BeffroiError as error:
                _logger.warning("weight state=failing %s", error)

    async def report_all(self) -> int:
        """Report on each site that this week has no report of; return how many were made."""
        applications = (await self._territory.current()).applications
        week = week_of(self._clock.now())
        async with self._database.transaction(EVERYTHING) as connection:
            done = await weight_store.reported(connection, week)
        waiting = [one for name, one in sorted(applications.items()) if name not in done]
        made = 0
        for application in waiting:
            try:
                await self._report(application)
                made += 1
            except FailedError as error:
                _logger.warning("weight application=%s %s", application.name, error)
        return made

    async def _report(self, application: Application) -> None:
        now = self._clock.now()
        period = usual_period(now, _DAYS)
        async with self._database.transaction(EVERYTHING) as connection:
            rows, sets = await _stored(connection, application.name)
            slots = await result_store.slot_figures(
                connection, application.name, period.since, period.until
            )
            purges = await weight_store.purges_since(connection, application.name, period.since)
        site = SiteToWeigh(
            store=str(self._folders.store),
            application=application.name,
            rules=application.pages,
            pages_most=_PAGES_MOST,
            answers=tuple(_answer(row, sets[row.header_set]) for row in rows),
        )
        measures = await asked_of_worker(_WEIGHER, site, SiteMeasures, deadline_s=_WEIGHED_WITHIN_S)
        evidence = msgspec.structs.replace(
            _evidence(application, slots, measures),
            year=now.year,
            purges=purges,
            revalidated_share=_revalidated_share(rows, sets),
            ipv6=self._ipv6,
            results_published=(
                self._folders.results / application.canonical_host / "results.json"
            ).is_file(),
        )
        report = WeightReport(
            application=application.name,
            organisation=application.organisation,
            week=week_of(now),
            made_at=now,
            figures=weight_figures(measures.pages),
            findings=findings(evidence),
        )
        async with self._database.transaction(EVERYTHING) as connection:
            await weight_store.keep_report(connection, report)


async def _stored(
    connection: Connection, application: str
) -> tuple[Sequence[PageRow], dict[str, HeaderSet]]:
    """Return the newest pages whose headers are known, and the header sets by name."""
    rows = await page_index.newest_pages(connection, application, _ANSWERS_MOST)
    sets = {one.name: one.header_set for one in await page_index.all_header_sets(connection)}
    return [row for row in rows if row.header_set in sets], sets


def _answer(row: PageRow, headers: HeaderSet) -> AnswerToWeigh:
    return AnswerToWeigh(
        row.host,
        row.path,
        row.query,
        row.header_set,
        row.answer,
        headers.status,
        headers.content_type,
    )


def _evidence(
    application: Application, slots: Sequence[SlotFigures], measures: SiteMeasures
) -> SiteEvidence:
    """Tell what slots and pages prove; files alone, without a process, are always at rest."""
    requests = sum(one.counts.requests for one in slots)
    stored = sum(one.counts.stored for one in slots)
    observed_s = sum(one.observed_s for one in slots)
    running_s = sum(one.running_s for one in slots)
    is_static = application.kind is ApplicationKind.STATIC
    rules = application.hibernation
    hosts = {urlsplit(one).netloc for page in measures.pages for one in page.third_parties}
    return SiteEvidence(
        year=0,
        answers=requests,
        from_store_share=stored / requests if requests else None,
        modern_image_share=measures.modern_images / measures.images if measures.images else None,
        other_hosts=tuple(sorted(hosts)),
        heaviest_page_bytes=max((one.transferred_bytes for one in measures.pages), default=None),
        most_requests=max((one.requests for one in measures.pages), default=None),
        hibernates=is_static or rules.freeze_after_s > 0 or rules.sleep_after_s > 0,
        asleep_share=max(0.0, 1 - running_s / observed_s) if observed_s else float(is_static),
    )


def _revalidated_share(rows: Sequence[PageRow], sets: dict[str, HeaderSet]) -> float | None:
    """Tell how many answers browsers may keep: nginx gives each stored file its ETag."""
    if not rows:
        return None
    barred = {name for name, one in sets.items() if _is_kept_from_browsers(one)}
    return sum(row.header_set not in barred for row in rows) / len(rows)


def _is_kept_from_browsers(headers: HeaderSet) -> bool:
    return any(
        name == "cache-control" and "no-store" in value.lower() for name, value in headers.headers
    )
