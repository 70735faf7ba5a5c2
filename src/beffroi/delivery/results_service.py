"""Counts visits and usage, and tells people what came of it."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from beffroi.delivery import result_store
from beffroi.delivery.ports import WantedTerritory
from beffroi.delivery.result_store import CountedVisits, VisitTotals
from beffroi.delivery.results import (
    NO_PARTS,
    Host,
    OrganisationResults,
    Period,
    SiteResults,
    day_results,
    results_of,
)
from beffroi.delivery.results_usage import UsageReading, usage_deltas
from beffroi.delivery.visit_log import Batch, Cursor, VisitLog
from beffroi.delivery.visits import SLOT_S, counted, last_uses
from beffroi.kernel.counters import slot_begin
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import NotFoundError
from beffroi.kernel.rights.model import Actor, Permission
from beffroi.territory.model import Application, Territory

_logger = logging.getLogger(__name__)
_LOG: Final = "visits"
_USUAL_DAYS: Final = 30
_KEPT: Final = timedelta(days=400)


class ResultsCollector:
    """Counts each line of the log once, and each second of CPU once."""

    def __init__(self, database: Database, territory: WantedTerritory, log: VisitLog) -> None:
        self._database = database
        self._territory = territory
        self._log = log

    async def count_visits(self) -> int:
        """Count what the log has got since; return how many visits that was.

        Raises:
            ConflictError: Another process counts the same log; what it counted is not counted.
        """
        territory = await self._territory.current()
        async with self._database.transaction(EVERYTHING) as connection:
            before = await result_store.visit_cursor(connection, _LOG)
        batches = self._log.batches(before)
        total = 0
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            if batch.lost:
                _logger.warning("delivery log=visits lines were lost: the log was cut or removed")
            made = await asyncio.to_thread(_counted, batch, before, territory)
            async with self._database.transaction(EVERYTHING) as connection:
                await result_store.keep_visits(connection, _LOG, made)
            before = made.after
            total += len(batch.visits)
        return total

    async def visit_totals(self) -> Sequence[VisitTotals]:
        """Return all that was ever counted of each application's visits."""
        async with self._database.transaction(EVERYTHING) as connection:
            return await result_store.visit_totals(connection)

    async def count_usage(self, readings: Sequence[UsageReading]) -> None:
        """Count what was taken since the last readings."""
        async with self._database.transaction(EVERYTHING) as connection:
            earlier = await result_store.usage_readings(connection)
            await result_store.keep_usage(connection, usage_deltas(earlier, readings), readings)

    async def forget_old(self, now: datetime) -> int:
        """Delete what is older than 400 days; return how many rows that was."""
        async with self._database.transaction(EVERYTHING) as connection:
            return await result_store.forget_before(connection, now - _KEPT)


class ResultsService:
    """Tells the results of sites and organisations."""

    def __init__(self, database: Database, territory: WantedTerritory, host: Host) -> None:
        self._database = database
        self._territory = territory
        self._host = host

    async def site_results(self, actor: Actor, application: str, period: Period) -> SiteResults:
        """Return an application's results.

        Raises:
            NotFoundError: There is none of that name that the actor may read.
        """
        found = (await self._territory.current()).applications.get(application)
        if found is None or not actor.may(Permission.READ, found.organisation):
            raise NotFoundError("delivery.application_unknown", application=application)
        return await self._site(found, period)

    async def organisation_results(
        self, actor: Actor, organisation: str, period: Period
    ) -> OrganisationResults:
        """Return the results of an organisation's applications, each and together.

        Raises:
            NotFoundError: There is none of that name that the actor may read.
        """
        territory = await self._territory.current()
        known = organisation in territory.organisations
        if not known or not actor.may(Permission.READ, organisation):
            raise NotFoundError("delivery.organisation_unknown", organisation=organisation)
        sites = [
            await self._site(one, period)
            for _, one in sorted(territory.applications.items())
            if one.organisation == organisation
        ]
        parts = sum((site.parts for site in sites), NO_PARTS)
        return OrganisationResults(
            organisation, period, results_of(parts, period, self._host), tuple(sites)
        )

    async def _site(self, application: Application, period: Period) -> SiteResults:
        async with self._database.transaction(EVERYTHING) as connection:
            slots = await result_store.slot_figures(
                connection, application.name, period.since, period.until
            )
        days = day_results(slots, self._host)
        parts = sum((one.parts for one in days), NO_PARTS)
        return SiteResults(
            application=application.name,
            organisation=application.organisation,
            title=application.title,
            host=application.canonical_host,
            period=period,
            results=results_of(parts, period, self._host),
            days=days,
        )


def usual_period(now: datetime, days: int = _USUAL_DAYS) -> Period:
    """Return the days before now, up to the last whole slot."""
    until = slot_begin(now, SLOT_S)
    return Period(until - timedelta(days=days), until)


def _counted(batch: Batch, before: Cursor | None, territory: Territory) -> CountedVisits:
    hosts = {host: one.name for one in territory.applications.values() for host in one.hosts}
    return CountedVisits(
        before=before,
        after=batch.cursor,
        counts=counted(batch.visits, hosts),
        uses=last_uses(batch.visits, hosts),
        organisations={one.name: one.organisation for one in territory.applications.values()},
    )
