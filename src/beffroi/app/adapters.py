"""The territory as other domains want to see it."""

from collections.abc import Mapping

from beffroi.delivery.model import DeliverySettings
from beffroi.kernel.errors import NotFoundError
from beffroi.territory.model import Application, Territory
from beffroi.territory.service import TerritoryService


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


class PublishedAddresses:
    """Fills hosting's ``PublicAddresses``."""

    def __init__(self, settings: DeliverySettings) -> None:
        self._settings = settings

    def url_of(self, application: Application) -> str:
        """Return the address of an application's home page, without a final slash."""
        return self._settings.url(application.canonical_host).rstrip("/")
