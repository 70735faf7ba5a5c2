"""Keeps each site's public results as files that nginx serves."""

import asyncio
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Final

from beffroi.delivery.model import DeliverySettings
from beffroi.delivery.ports import WantedTerritory
from beffroi.delivery.result_pages import write_results
from beffroi.delivery.results_service import ResultsService, usual_period
from beffroi.kernel.clock import Clock
from beffroi.kernel.rights.model import PLATFORM

# A month of slots takes 0.15 CPU s a site: every hour would cost more than many a site spares.
PUBLISHED_EVERY_S: Final = 6 * 3600


class ResultsPublisher:
    """Writes ``<folder>/<host>/`` for the canonical host of every application."""

    def __init__(
        self,
        folder: Path,
        service: ResultsService,
        territory: WantedTerritory,
        settings: DeliverySettings,
        clock: Clock,
    ) -> None:
        self._folder = folder
        self._service = service
        self._territory = territory
        self._settings = settings
        self._clock = clock

    async def publish(self) -> str:
        """Write every site's results of the last 30 days; return what was done, in a sentence."""
        now = self._clock.now()
        period = usual_period(now)
        applications = (await self._territory.current()).applications.values()
        for application in applications:
            host = application.canonical_host
            results = await self._service.site_results(PLATFORM, application.name, period)
            await asyncio.to_thread(
                write_results, self._folder / host, results, self._settings.url(host), now
            )
        hosts = {application.canonical_host for application in applications}
        await asyncio.to_thread(_remove_others, self._folder, hosts)
        return f"results of {len(hosts)} sites published"


def _remove_others(folder: Path, hosts: Collection[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    for entry in folder.iterdir():
        if entry.name not in hosts:
            shutil.rmtree(entry)
