"""Making the parts and putting them together."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from beffroi.app.adapters import PublishedAddresses, TerritoryInForce
from beffroi.app.addresses import Ports
from beffroi.app.http import Services
from beffroi.delivery.certificate_files import challenge_webroot
from beffroi.delivery.controller import DeliveryController, DeliveryParts
from beffroi.delivery.drivers import LocalAuthority, known_issuers
from beffroi.delivery.model import AcmeSettings, DeliverySettings
from beffroi.delivery.routes import RouteTable
from beffroi.delivery.service import DeliveryService
from beffroi.delivery.store import DeliveryStore
from beffroi.engines.controller import EngineController
from beffroi.engines.databases import ApplicationDatabases
from beffroi.engines.drivers import JoinedPostgresql, NginxEngine, PostgresqlEngine
from beffroi.engines.ports import Engine
from beffroi.engines.service import Engines
from beffroi.hosting.building import Builder
from beffroi.hosting.controller import HostingController
from beffroi.hosting.deploying import Deployer
from beffroi.hosting.drivers.sandboxed_process import SandboxedProcessRuntime
from beffroi.hosting.jobs import JobScheduler
from beffroi.hosting.launching import HostingTools
from beffroi.hosting.service import Hosting
from beffroi.hosting.vault import Vault
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database
from beffroi.kernel.log import LogWatch
from beffroi.kernel.operations import Operations
from beffroi.kernel.places import Places
from beffroi.kernel.processes.limits import best_limiter
from beffroi.kernel.reconcile import Reconciler
from beffroi.kernel.rights.service import Rights
from beffroi.kernel.secrets import SealingKey
from beffroi.territory.service import TerritoryService

DOMAINS = ("kernel", "territory", "hosting", "delivery")


class Foundation(msgspec.Struct, frozen=True):
    """What is there before the first application: folders, engines, the open database."""

    places: Places
    key: SealingKey
    clock: Clock
    database: Database
    postgresql: PostgresqlEngine | JoinedPostgresql
    nginx: NginxEngine
    ports: Ports
    territory: TerritoryService


class Platform(msgspec.Struct, frozen=True):
    """Everything, made and joined, not yet running."""

    foundation: Foundation
    services: Services
    watch: LogWatch
    deployer: Deployer
    jobs: JobScheduler
    hosting_controller: HostingController
    engine_controller: EngineController
    delivery_controller: DeliveryController
    hosting: Reconciler[Any, Any]
    delivery: Reconciler[Any, Any]
    engines: Reconciler[Any, Any]


def wired(foundation: Foundation, addresses: DeliverySettings) -> Platform:
    """Join every part of the platform."""
    database, clock = foundation.database, foundation.clock
    operations = Operations(database, clock)
    engines: Mapping[str, Engine] = {
        engine.name: engine for engine in (foundation.postgresql, foundation.nginx)
    }
    delivery_service, delivery_controller = _delivery(foundation, addresses)
    hosting = _hosting(foundation, addresses, operations)
    services = Services(
        rights=Rights(database, clock),
        operations=operations,
        territory=foundation.territory,
        engines=Engines(
            engines,
            operations,
            foundation.places.data,
            joins=isinstance(foundation.postgresql, JoinedPostgresql),
        ),
        hosting=hosting.service,
        delivery=delivery_service,
    )
    engine_controller = EngineController(engines, foundation.places)
    engine_reconciler = Reconciler("engines", engine_controller, clock)
    engine_controller.on_exit = engine_reconciler.wake
    reconciler = Reconciler("hosting", hosting.controller, clock, step_deadline_s=1800)
    hosting.controller.on_exit = reconciler.wake
    return Platform(
        foundation=foundation,
        services=services,
        watch=LogWatch(database),
        deployer=hosting.deployer,
        jobs=JobScheduler(database, clock, hosting.deployer),
        hosting_controller=hosting.controller,
        engine_controller=engine_controller,
        delivery_controller=delivery_controller,
        hosting=reconciler,
        delivery=Reconciler("delivery", delivery_controller, clock, period_s=300),
        engines=engine_reconciler,
    )


class _HostingParts(msgspec.Struct, frozen=True):
    service: Hosting
    deployer: Deployer
    controller: HostingController


def _hosting(
    foundation: Foundation, addresses: DeliverySettings, operations: Operations
) -> _HostingParts:
    database, clock, places = foundation.database, foundation.clock, foundation.places
    runtime = SandboxedProcessRuntime(places, best_limiter(places.runtime.name))
    wanted = TerritoryInForce(foundation.territory)
    tools = HostingTools(
        places=places,
        runtime=runtime,
        traffic=RouteTable(places),
        addresses=PublishedAddresses(addresses),
        databases=ApplicationDatabases(database.url),
        vault=Vault(database, foundation.key),
        builder=Builder(places, runtime, clock),
    )
    deployer = Deployer(database, clock, tools)
    return _HostingParts(
        service=Hosting(database, operations, wanted, tools, deployer),
        deployer=deployer,
        controller=HostingController(database, clock, operations, wanted, runtime, deployer),
    )


def _delivery(
    foundation: Foundation, settings: DeliverySettings
) -> tuple[DeliveryService, DeliveryController]:
    clock = foundation.clock
    territory = TerritoryInForce(foundation.territory)
    store = DeliveryStore(foundation.database, foundation.key)
    authority = LocalAuthority(store, clock)
    webroot = challenge_webroot(foundation.places)
    parts = DeliveryParts(
        territory=territory,
        settings=settings,
        places=foundation.places,
        engine=foundation.nginx,
        store=store,
        issuers=known_issuers(authority, settings.acme, store, webroot, clock),
        clock=clock,
    )
    service = DeliveryService(territory, settings, store, authority)
    return service, DeliveryController(parts)


def acme_settings(directory: str, contact: str, authority_file: str) -> AcmeSettings | None:
    """Return how public certificates are asked for; nothing when no directory is set."""
    if not directory:
        return None
    bundle = Path(authority_file) if authority_file else None
    return AcmeSettings(directory=directory, contact=contact, ca_bundle=bundle)
