"""What people and other domains ask of delivery."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from beffroi.delivery.model import (
    DeliverySettings,
    KeptCertificate,
    Naming,
    certificate_name,
    wanted_state,
)
from beffroi.delivery.ports import WantedTerritory
from beffroi.delivery.store import DeliveryStore
from beffroi.kernel.errors import NotFoundError
from beffroi.kernel.rights.model import Actor, Permission


class PublishedHost(msgspec.Struct, frozen=True):
    """One address of a site; no issuer and no expiry before its first certificate."""

    host: str
    url: str
    issuer: str | None
    expires_at: datetime | None


class PublishedSite(msgspec.Struct, frozen=True):
    """An application as visitors reach it, its canonical host first."""

    application: str
    organisation: str
    hosts: tuple[PublishedHost, ...]


class CertifiedAuthority(Protocol):
    """An authority whose certificate people may install."""

    async def certificate(self) -> str:
        """Return it, PEM."""
        ...


class DeliveryService:
    """Tells where sites are found and how far they may be trusted."""

    def __init__(
        self,
        territory: WantedTerritory,
        settings: DeliverySettings,
        store: DeliveryStore,
        authority: CertifiedAuthority,
    ) -> None:
        self._territory = territory
        self._settings = settings
        self._store = store
        self._authority = authority

    async def sites(self, actor: Actor) -> Sequence[PublishedSite]:
        """Return the sites of the organisations whose applications the actor may read."""
        territory = await self._territory.current()
        naming = wanted_state(territory, self._settings).naming
        kept = await self._store.certificates()
        return [
            PublishedSite(
                application.name,
                application.organisation,
                tuple(self._published(host, naming, kept) for host in application.hosts),
            )
            for _, application in sorted(territory.applications.items())
            if actor.may(Permission.READ, application.organisation)
        ]

    async def authority_certificate(self) -> str:
        """Return the local authority's certificate, PEM; it is made at its first use."""
        return await self._authority.certificate()

    async def public_url(self, application: str) -> str:
        """Return the address of an application's first page.

        Raises:
            NotFoundError: The territory has no such application.
        """
        found = (await self._territory.current()).applications.get(application)
        if found is None:
            raise NotFoundError("delivery.application_unknown", application=application)
        return self._settings.url(found.canonical_host)

    def site_url(self, host: str) -> str:
        """Return the address of a host's first page."""
        return self._settings.url(host)

    def console_url(self) -> str:
        """Return the address of the platform's console."""
        return self._settings.url(self._settings.console_host)

    async def certificate_of(self, host: str) -> str:
        """Return the name of the files of the certificate that answers for a host."""
        naming = wanted_state(await self._territory.current(), self._settings).naming
        return certificate_name(host, naming)

    @property
    def console_host(self) -> str:
        """Return the host name of the platform's console."""
        return self._settings.console_host

    def _published(
        self, host: str, naming: Naming, kept: Mapping[str, KeptCertificate]
    ) -> PublishedHost:
        found = kept.get(certificate_name(host, naming))
        if found is None:
            return PublishedHost(host, self._settings.url(host), None, None)
        return PublishedHost(host, self._settings.url(host), found.issuer, found.not_after)
