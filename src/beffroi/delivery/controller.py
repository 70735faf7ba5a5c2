"""Moves certificates, routes and nginx's configuration towards what the territory asks."""

import logging
import os
import resource
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final

import msgspec

from beffroi.delivery.certificate_files import CertificateFiles, challenge_webroot
from beffroi.delivery.configuration import HOST_MOST_CHARACTERS, WebServer, configuration_text
from beffroi.delivery.keys import checked_validity, new_key
from beffroi.delivery.model import (
    Configure,
    DeliverySettings,
    DeliveryStep,
    IssueCertificate,
    PlaceCertificate,
    PublishRoutes,
    RemoveCertificate,
    Snapshot,
    TellFiller,
    WritePages,
    planned_steps,
    wanted_state,
)
from beffroi.delivery.ports import CertificateIssuer, WantedTerritory
from beffroi.delivery.routes import RouteTable
from beffroi.delivery.sites import Sites, purge_token, stored_sites
from beffroi.delivery.sites_file import SitesFile
from beffroi.delivery.store import DeliveryStore, Material
from beffroi.delivery.visitor_pages import pages_written, write_pages
from beffroi.engines.drivers import NginxEngine
from beffroi.kernel.clock import Clock
from beffroi.kernel.errors import BeffroiError, InvalidInputError
from beffroi.kernel.places import Places
from beffroi.kernel.secrets import SealingKey

_logger = logging.getLogger(__name__)
_WORKERS_MOST: Final = 4
_OPEN_FILES_MOST: Final = 8192


class DeliveryParts(msgspec.Struct, frozen=True):
    """What a delivery controller works with.

    Attributes:
        issuers: Each issuer by the name that its certificates carry.
    """

    territory: WantedTerritory
    settings: DeliverySettings
    places: Places
    engine: NginxEngine
    store: DeliveryStore
    issuers: Mapping[str, CertificateIssuer]
    clock: Clock
    key: SealingKey


class DeliveryController:
    """Follows the territory; the kernel's reconciler runs it."""

    def __init__(self, parts: DeliveryParts) -> None:
        self._parts = parts
        self._files = CertificateFiles(parts.places)
        self._routes = RouteTable(parts.places)
        self._server = _server(parts.places, parts.engine)
        self._sites = SitesFile(parts.places)

    async def prepare(self) -> None:
        """Make everything that needs nobody else, before nginx starts.

        What fails is told and left to the reconciler: one site's trouble stops no other.
        """
        snapshot = await self.observe()
        while steps := [step for step in self.plan(snapshot) if self._needs_nobody(step)]:
            done = [await self._tried(step) for step in steps]
            if not all(done):
                return
            snapshot = await self.observe()

    async def observe(self) -> Snapshot:
        """Read the territory, PostgreSQL and the files."""
        parts = self._parts
        wanted = wanted_state(await parts.territory.current(), parts.settings)
        header_sets = await parts.store.header_sets()
        text = configuration_text(self._server, parts.settings, wanted, header_sets)
        in_force = parts.engine.folder / "nginx.conf"
        return Snapshot(
            now=parts.clock.now(),
            wanted=wanted,
            kept=await parts.store.certificates(),
            placed=self._files.placed(),
            served=self._routes.served(),
            pages_written=pages_written(parts.places.pages),
            configuration=text,
            configured=in_force.exists() and in_force.read_text() == text,
            sites=Sites(
                stored_sites(wanted.applications, self._token_digest),
                frozenset(one.name for one in header_sets),
            ),
            told=self._sites.told(),
        )

    def plan(self, snapshot: Snapshot) -> Sequence[DeliveryStep]:
        """Tell the steps to take."""
        return planned_steps(snapshot)

    async def apply(self, step: DeliveryStep) -> str:
        """Take one step."""
        match step:
            case IssueCertificate() | PlaceCertificate() | RemoveCertificate():
                return await self._certified(step)
            case WritePages():
                write_pages(self._parts.places.pages)
                return "visitor pages written"
            case PublishRoutes(routes):
                return self._publish(routes)
            case Configure(text):
                changed = await self._parts.engine.configure(text)
                return "configuration taken" if changed else "configuration was in force"
            case TellFiller(sites):
                self._sites.tell(sites)
                return f"{len(sites.sites)} sites told to the filler"

    async def _certified(
        self, step: IssueCertificate | PlaceCertificate | RemoveCertificate
    ) -> str:
        match step:
            case IssueCertificate():
                return await self._issue(step)
            case PlaceCertificate(name):
                self._files.place(name, await self._parts.store.material(name))
                return f"certificate {name} placed"
            case RemoveCertificate(name):
                self._files.remove(name)
                await self._parts.store.remove(name)
                return f"certificate {name} removed"

    def _token_digest(self, application: str) -> str:
        token = purge_token(self._parts.key, application)
        return sha256(token.reveal().encode()).hexdigest()

    async def _issue(self, step: IssueCertificate) -> str:
        key = await self._parts.store.key(step.name) or new_key()
        chain = await self._parts.issuers[step.issuer].issue(step.names, key)
        validity = checked_validity(chain, step.names, key)
        await self._parts.store.keep(
            step.name, step.names, step.issuer, Material(chain, key), validity
        )
        return (
            f"certificate {step.name} issued by {step.issuer} until {validity.not_after:%Y-%m-%d}"
        )

    def _publish(self, routes: Mapping[str, str]) -> str:
        self._routes.publish(routes)
        too_long = sorted(host for host in routes if len(host) > HOST_MOST_CHARACTERS)
        if too_long:
            raise InvalidInputError(
                "delivery.host_too_long", hosts=", ".join(too_long), most=HOST_MOST_CHARACTERS
            )
        return f"{len(routes)} host names published"

    def _needs_nobody(self, step: DeliveryStep) -> bool:
        """Tell whether a step can be taken before visitors are answered."""
        return not (
            isinstance(step, IssueCertificate)
            and self._parts.issuers[step.issuer].capabilities.public
        )

    async def _tried(self, step: DeliveryStep) -> bool:
        try:
            sentence = await self.apply(step)
        except BeffroiError as error:
            _logger.warning("delivery subject=%s state=failing %s", step.subject, error)
            return False
        _logger.info("delivery subject=%s %s", step.subject, sentence)
        return True


def _server(places: Places, engine: NginxEngine) -> WebServer:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    unbounded = most == resource.RLIM_INFINITY
    return WebServer(
        version=engine.binary.version,
        folder=engine.folder,
        status_socket=engine.status_socket,
        access_log=places.logs / "nginx" / "access.log",
        routes=places.routes,
        certificates=places.certificates,
        pages=places.pages,
        webroot=challenge_webroot(places),
        store=places.store,
        results=places.results,
        filler_socket=places.filler_socket,
        direct_socket=engine.direct_socket,
        door_socket=engine.door_socket,
        workers=min(_WORKERS_MOST, len(os.sched_getaffinity(0))),
        open_files=_OPEN_FILES_MOST if unbounded else min(_OPEN_FILES_MOST, most),
    )
