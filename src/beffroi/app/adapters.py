"""The territory as other domains want to see it."""

import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from beffroi.delivery import result_store
from beffroi.delivery.drivers.filler_client import FillerClient
from beffroi.delivery.model import DeliverySettings
from beffroi.delivery.page_model import PurgeKind
from beffroi.delivery.sites import purge_token
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError, NotFoundError
from beffroi.kernel.places import Places
from beffroi.kernel.processes.model import Mount
from beffroi.kernel.rights.model import PLATFORM
from beffroi.kernel.secrets import SealingKey
from beffroi.territory.model import Application, Territory
from beffroi.territory.service import TerritoryService

_logger = logging.getLogger(__name__)
_PURGE_FOLDER: Final = Path("/run/beffroi-purge")


class TerritoryInForce:
    """Fills delivery's ``WantedTerritory`` and hosting's ``WantedApplications``."""

    def __init__(self, territory: TerritoryService) -> None:
        self._territory = territory

    async def current(self) -> Territory:
        """Return the territory as committed last.

        Raises:
            NotFoundError: None was ever applied.
        """
        found = await self._territory.current()
        if found is None:
            raise NotFoundError("app.no_territory")
        return found.document

    async def applications(self) -> Mapping[str, Application]:
        """Return the declared applications by name."""
        return (await self.current()).applications


class PagePurgeDoor:
    """Fills hosting's ``PurgeDoor``: nginx's socket for applications, and a token each."""

    def __init__(self, places: Places, key: SealingKey) -> None:
        self._folder = places.purge_door
        self._key = key

    def environment(self, application: str) -> Mapping[str, str]:
        """Return where the door is, and the token that opens it."""
        return {
            "BEFFROI_PURGE_SOCKET": str(_PURGE_FOLDER / "purge.sock"),
            "BEFFROI_PURGE_TOKEN": purge_token(self._key, application).reveal(),
        }

    def mount(self) -> Mount:
        """Return the folder that nginx makes its socket in."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return Mount(self._folder, _PURGE_FOLDER)


class KeptPages:
    """Fills hosting's ``StoredPages``; what cannot be done now is done by the log's follower."""

    def __init__(self, filler: FillerClient) -> None:
        self._filler = filler

    async def forget(self, application: str, organisation: str) -> None:
        """Have the filler forget a site; at the first start it does not run yet."""
        try:
            await self._filler.purge(application, organisation, PurgeKind.SITE, "", PLATFORM.name)
        except BeffroiError as error:
            _logger.info("delivery application=%s purge=later %s", application, error)


class CountedVisits:
    """Fills hosting's ``Visits`` with what the log of visits told."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def last_visits(self) -> Mapping[str, datetime]:
        """Return when people last reached each application."""
        async with self._database.transaction(EVERYTHING) as connection:
            return await result_store.kept_last_uses(connection)


class PublishedAddresses:
    """Fills hosting's ``PublicAddresses``."""

    def __init__(self, settings: DeliverySettings) -> None:
        self._settings = settings

    def url_of(self, application: Application) -> str:
        """Return the address of an application's home page, without a final slash."""
        return self._settings.url(application.canonical_host).rstrip("/")
