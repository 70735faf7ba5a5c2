"""Making the parts and putting them together."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from beffroi.app.adapters import (
    CountedVisits,
    KeptPages,
    PagePurgeDoor,
    PublishedAddresses,
    TerritoryInForce,
)
from beffroi.app.addresses import Ports
from beffroi.app.exchange_engine import ExchangeEngine
from beffroi.app.exchange_foundation import ExchangeFoundation
from beffroi.app.exchange_wiring import exchange_services
from beffroi.app.http import Services
from beffroi.app.machine_meter import MachineMeter
from beffroi.app.measuring import Measuring, MeasuringTools, energy_meter
from beffroi.app.mqtt_wiring import mqtt_door
from beffroi.app.placement import KeptPlans
from beffroi.app.platform_meters import PlatformLoads, PlatformSizes
from beffroi.capacity.drivers.planner_process import PlannerProcess
from beffroi.capacity.drivers.rebalancing_process import RebalancingProcess
from beffroi.capacity.drivers.report_process import ReportProcess
from beffroi.capacity.foresight_service import ForesightService
from beffroi.capacity.plan_reports import PlanReports
from beffroi.capacity.rebalancing_service import RebalancingService
from beffroi.capacity.service import CapacityService
from beffroi.capacity.territory_plans import TerritoryPlans
from beffroi.delivery.certificate_files import challenge_webroot
from beffroi.delivery.controller import DeliveryController, DeliveryParts
from beffroi.delivery.drivers import FillerEngine, LocalAuthority, filler_identity, known_issuers
from beffroi.delivery.drivers.filler_client import FillerClient
from beffroi.delivery.model import AcmeSettings, DeliverySettings
from beffroi.delivery.page_service import PageStore
from beffroi.delivery.results import Host
from beffroi.delivery.results_meters import PlatformMeters
from beffroi.delivery.results_publishing import ResultsPublisher
from beffroi.delivery.results_service import ResultsCollector, ResultsService
from beffroi.delivery.routes import RouteTable
from beffroi.delivery.service import DeliveryService
from beffroi.delivery.store import DeliveryStore
from beffroi.delivery.visit_log import VisitLog
from beffroi.delivery.weight_service import WeightFolders, WeightReporter, WeightReports
from beffroi.engines.controller import EngineController
from beffroi.engines.databases import ApplicationDatabases
from beffroi.engines.drivers import JoinedPostgresql, NginxEngine, PostgresqlEngine
from beffroi.engines.log_readers import LogReaders
from beffroi.engines.ports import Engine
from beffroi.engines.service import Engines
from beffroi.exchange.api.mounting import ExchangeServices
from beffroi.exchange.carrying.carrier import FOLLOWER as CARRIER
from beffroi.exchange.flows.store import log_places
from beffroi.exchange.outgoing import Outgoing
from beffroi.exchange.retention.service import Retentions
from beffroi.exchange.subscriptions.service import FOLLOWER as SUBSCRIPTIONS
from beffroi.exchange.viewing.following import Followed
from beffroi.exchange.viewing.live_views import LiveViews
from beffroi.exchange.viewing.pointing import PointingViews
from beffroi.exchange.viewing.views import Views
from beffroi.hosting.building import Builder
from beffroi.hosting.controller import HostingController
from beffroi.hosting.deploying import Deployer
from beffroi.hosting.drivers.sandboxed_process import SandboxedProcessRuntime
from beffroi.hosting.jobs import JobScheduler
from beffroi.hosting.launching import HostingTools
from beffroi.hosting.service import Hosting
from beffroi.hosting.vault import Vault
from beffroi.hosting.waking import WakeServer
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database
from beffroi.kernel.log import LogWatch
from beffroi.kernel.log.trimming import Keeping, LogKeeper
from beffroi.kernel.operations import Operations
from beffroi.kernel.places import Places
from beffroi.kernel.processes.limits import best_limiter
from beffroi.kernel.reconcile import Reconciler
from beffroi.kernel.rights.service import Rights
from beffroi.kernel.secrets import SealingKey
from beffroi.ledger.document_service import DocumentService
from beffroi.ledger.drivers.documents_process import DocumentsProcess
from beffroi.ledger.meter_rounds import MeterRounds
from beffroi.ledger.metering_service import MeteringService
from beffroi.ledger.quotes.process import QuoteDocumentsProcess
from beffroi.ledger.quotes.service import QuoteDocuments, QuoteService
from beffroi.ledger.statement_service import StatementService
from beffroi.territory.service import TerritoryService

DOMAINS = ("kernel", "territory", "exchange", "hosting", "delivery", "capacity", "ledger")
CONTROLLERS, PAGE_STORE = "controllers", "page store"


class Foundation(msgspec.Struct, frozen=True):
    """What is there before the first application: folders, engines, the open database.

    Attributes:
        wattmeter_file: Where the owner's wattmeter writes; empty: none.
        keeping: How long entries of the log are kept.
        carries_log: It is carried to NATS.
    """

    places: Places
    key: SealingKey
    clock: Clock
    database: Database
    postgresql: PostgresqlEngine | JoinedPostgresql
    nginx: NginxEngine
    filler: FillerEngine
    ports: Ports
    outgoing: Outgoing
    known_contexts: Mapping[str, Path]
    host: Host
    wattmeter_file: str
    territory: TerritoryService
    keeping: Keeping
    carries_log: bool = False


class Platform(msgspec.Struct, frozen=True):
    """Everything, made and joined, not yet running."""

    foundation: Foundation
    services: Services
    watch: LogWatch
    log_keeper: LogKeeper
    exchange: ExchangeFoundation
    deployer: Deployer
    jobs: JobScheduler
    waking: WakeServer
    machine_meter: MachineMeter
    measuring: Measuring
    weighing: WeightReporter
    hosting_controller: HostingController
    engine_controller: EngineController
    delivery_controller: DeliveryController
    hosting: Reconciler[Any, Any]
    delivery: Reconciler[Any, Any]
    engines: Reconciler[Any, Any]


def wired(
    foundation: Foundation,
    addresses: DeliverySettings,
    exchange_engines: Sequence[ExchangeEngine] = (),
) -> Platform:
    """Join every part of the platform."""
    database, clock = foundation.database, foundation.clock
    operations, watch = Operations(database, clock), LogWatch(database)
    exchange = _exchange_foundation(foundation, addresses, watch)
    engines = _engines_by_name(foundation, exchange_engines)
    delivery_service, delivery_controller = _delivery(foundation, addresses)
    hosting = _hosting(foundation, addresses, operations)
    log_keeper = LogKeeper(database, watch, clock, foundation.keeping, [log_places])
    services = _services(
        foundation,
        operations,
        _offered_engines(foundation, operations, engines, log_keeper),
        (hosting.service, delivery_service),
        exchange,
        has_peers=bool(exchange_engines),
    )
    wanted = TerritoryInForce(foundation.territory)
    machine_meter = MachineMeter(wanted, foundation.wattmeter_file, clock)
    engine_controller = EngineController(engines, foundation.places)
    engine_reconciler = Reconciler("engines", engine_controller, clock)
    engine_controller.on_exit = engine_reconciler.wake
    reconciler = Reconciler("hosting", hosting.controller, clock, step_deadline_s=1800)
    hosting.controller.on_exit = reconciler.wake
    return Platform(
        foundation=foundation,
        services=services,
        watch=watch,
        log_keeper=log_keeper,
        exchange=exchange,
        deployer=hosting.deployer,
        jobs=JobScheduler(database, clock, hosting.deployer),
        waking=WakeServer(foundation.places, hosting.deployer.resting, filler_identity()),
        machine_meter=machine_meter,
        measuring=Measuring(
            _measuring_tools(foundation, addresses, services, engines, machine_meter)
        ),
        weighing=_weighing(foundation, addresses),
        hosting_controller=hosting.controller,
        engine_controller=engine_controller,
        delivery_controller=delivery_controller,
        hosting=reconciler,
        delivery=Reconciler("delivery", delivery_controller, clock, period_s=300),
        engines=engine_reconciler,
    )


def _engines_by_name(
    foundation: Foundation, exchange_engines: Sequence[ExchangeEngine]
) -> Mapping[str, Engine]:
    own = (foundation.postgresql, foundation.nginx, foundation.filler)
    return {engine.name: engine for engine in (*own, *exchange_engines)}


def _live_views(given: ExchangeFoundation, offered: ExchangeServices) -> LiveViews:
    followed = Followed(given.database, given.watch)
    return LiveViews(given.database, followed, offered.governance.guard)


def _services(
    foundation: Foundation,
    operations: Operations,
    engines: Engines,
    serving: tuple[Hosting, DeliveryService],
    exchange: ExchangeFoundation,
    *,
    has_peers: bool,
) -> Services:
    (hosting, delivery), database, clock = serving, foundation.database, foundation.clock
    territory, planner = TerritoryInForce(foundation.territory), PlannerProcess()
    metering, offered = MeteringService(database), exchange_services(exchange)
    statements = StatementService(database, operations, metering, clock)
    capacity = CapacityService(database, operations, planner, clock)
    quotes = QuoteService(database, operations, statements, KeptPlans(planner, capacity), clock)
    return Services(
        rights=Rights(database, clock),
        operations=operations,
        territory=foundation.territory,
        engines=engines,
        hosting=hosting,
        delivery=delivery,
        page_store=PageStore(database, territory, FillerClient(foundation.places)),
        results=ResultsService(database, territory, foundation.host),
        weight=WeightReports(database, territory),
        capacity=capacity,
        territory_plans=TerritoryPlans(capacity, territory),
        plan_reports=PlanReports(capacity, ReportProcess()),
        rebalancings=RebalancingService(database, operations, planner, RebalancingProcess(), clock),
        foresights=ForesightService(database, operations, planner, capacity, clock),
        metering=metering,
        statements=statements,
        documents=DocumentService(database, statements, metering, DocumentsProcess()),
        quotes=quotes,
        quote_documents=QuoteDocuments(quotes, QuoteDocumentsProcess()),
        exchange=offered,
        mqtt_door=mqtt_door(exchange, offered, has_peers=has_peers),
        views=Views(database, clock, offered.governance.guard),
        pointing_views=PointingViews(database, offered.exchange, offered.governance.guard),
        live_views=_live_views(exchange, offered),
        governance=offered.governance.governance,
        open_data=offered.governance.open_data,
        subjects=offered.governance.subjects,
        retentions=Retentions(database, clock),
        counts=offered.governance.counts,
        declarations=offered.flow_parts.declarations,
        flows=offered.flow_parts.flows,
        flow_vault=offered.flow_parts.vault,
        models=offered.models,
    )


def _offered_engines(
    foundation: Foundation,
    operations: Operations,
    engines: Mapping[str, Engine],
    log: LogKeeper,
) -> Engines:
    joins = isinstance(foundation.postgresql, JoinedPostgresql)
    run_here = [CONTROLLERS, PAGE_STORE, SUBSCRIPTIONS]
    if foundation.carries_log:
        run_here.append(CARRIER)
    readers = LogReaders(log, operations, run_here)
    return Engines(engines, operations, foundation.places.data, log, readers, joins=joins)


def _exchange_foundation(
    foundation: Foundation, addresses: DeliverySettings, watch: LogWatch
) -> ExchangeFoundation:
    return ExchangeFoundation(
        database=foundation.database,
        watch=watch,
        outgoing=foundation.outgoing,
        known_contexts=foundation.known_contexts,
        public_url=addresses.url(addresses.console_host),
        key=foundation.key,
        clock=foundation.clock,
        drops=foundation.places.drops,
    )


def _weighing(foundation: Foundation, addresses: DeliverySettings) -> WeightReporter:
    places = foundation.places
    return WeightReporter(
        foundation.database,
        TerritoryInForce(foundation.territory),
        WeightFolders(store=places.store, results=places.results),
        addresses,
        foundation.clock,
    )


def _measuring_tools(
    foundation: Foundation,
    addresses: DeliverySettings,
    services: Services,
    engines: Mapping[str, Engine],
    machine_meter: MachineMeter,
) -> MeasuringTools:
    database, clock = foundation.database, foundation.clock
    territory = TerritoryInForce(foundation.territory)
    log = foundation.places.logs / "nginx" / "access.log"
    collector = ResultsCollector(database, territory, VisitLog(log, clock))
    loads = PlatformLoads(collector, foundation.host, machine_meter)
    sizes = PlatformSizes(foundation.places, ApplicationDatabases(database.url), territory)
    return MeasuringTools(
        collector=collector,
        publisher=ResultsPublisher(
            foundation.places.results, services.results, territory, addresses, clock
        ),
        meters=PlatformMeters(clock, energy_meter(foundation.wattmeter_file, clock)),
        hosting=services.hosting,
        nginx=foundation.nginx,
        engines=engines,
        log=log,
        territory=territory,
        loads=loads,
        rounds=MeterRounds(services.metering, loads, sizes, loads, clock),
        clock=clock,
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
        purge_door=PagePurgeDoor(places, foundation.key),
        stored_pages=KeptPages(FillerClient(places)),
        visits=CountedVisits(database),
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
        key=foundation.key,
    )
    service = DeliveryService(territory, settings, store, authority)
    return service, DeliveryController(parts)


def acme_settings(directory: str, contact: str, authority_file: str) -> AcmeSettings | None:
    """Return how public certificates are asked for; nothing when no directory is set."""
    if not directory:
        return None
    bundle = Path(authority_file) if authority_file else None
    return AcmeSettings(directory=directory, contact=contact, ca_bundle=bundle)
