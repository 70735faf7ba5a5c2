"""The HTTP application: every domain's routes, one shape for errors."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from beffroi import __version__
from beffroi.app import console
from beffroi.capacity import api as capacity_api
from beffroi.capacity import rebalancing_api
from beffroi.capacity.foresight_service import ForesightService
from beffroi.capacity.plan_reports import PlanReports
from beffroi.capacity.rebalancing_service import RebalancingService
from beffroi.capacity.service import CapacityService
from beffroi.capacity.territory_plans import TerritoryPlans
from beffroi.delivery import api as delivery_api
from beffroi.delivery.page_service import PageStore
from beffroi.delivery.results_service import ResultsService
from beffroi.delivery.service import DeliveryService
from beffroi.delivery.weight_service import WeightReports
from beffroi.engines import api as engines_api
from beffroi.engines.service import Engines
from beffroi.exchange.api.door import DOOR_PATH, Door
from beffroi.exchange.api.mounting import ExchangeServices, mounted_uplinks
from beffroi.exchange.declarations import Declarations
from beffroi.exchange.flows import api as flows_api
from beffroi.exchange.flows.service import Flows
from beffroi.exchange.flows.vault import FlowVault
from beffroi.exchange.governance import api as governance_api
from beffroi.exchange.governance import open_api
from beffroi.exchange.governance.counting import Counts
from beffroi.exchange.governance.opendata import OpenData
from beffroi.exchange.governance.service import Governance
from beffroi.exchange.governance.subjects import Subjects
from beffroi.exchange.models import api as models_api
from beffroi.exchange.models.service import Models
from beffroi.exchange.mqtt.listener import MqttDoor
from beffroi.exchange.retention import api as retention_api
from beffroi.exchange.retention.service import Retentions
from beffroi.exchange.uplinks.webhook import UPLINKS_PATH
from beffroi.exchange.viewing.live_views import LiveViews
from beffroi.exchange.viewing.pointing import PointingViews
from beffroi.exchange.viewing.views import Views
from beffroi.hosting import api as hosting_api
from beffroi.hosting.service import Hosting
from beffroi.kernel.clock import Clock
from beffroi.kernel.http.api import API_PATH
from beffroi.kernel.http.authentication import current_actor
from beffroi.kernel.http.bodies import JsonRequest
from beffroi.kernel.http.problems import problem_response
from beffroi.kernel.operations import Operations
from beffroi.kernel.operations import api as operations_api
from beffroi.kernel.rights import api as rights_api
from beffroi.kernel.rights.service import Rights
from beffroi.ledger import api as ledger_api
from beffroi.ledger.document_service import DocumentService
from beffroi.ledger.metering_service import MeteringService
from beffroi.ledger.quotes.service import QuoteDocuments, QuoteService
from beffroi.ledger.statement_service import StatementService
from beffroi.territory import api as territory_api
from beffroi.territory.service import TerritoryService

ASGIApplication = Callable[[Any, Any, Any], Awaitable[None]]


class Services(msgspec.Struct, frozen=True):
    """The verbs that HTTP may call."""

    rights: Rights
    operations: Operations
    territory: TerritoryService
    engines: Engines
    hosting: Hosting
    delivery: DeliveryService
    page_store: PageStore
    results: ResultsService
    weight: WeightReports
    capacity: CapacityService
    territory_plans: TerritoryPlans
    plan_reports: PlanReports
    rebalancings: RebalancingService
    foresights: ForesightService
    metering: MeteringService
    statements: StatementService
    documents: DocumentService
    quotes: QuoteService
    quote_documents: QuoteDocuments
    exchange: ExchangeServices
    mqtt_door: MqttDoor
    views: Views
    live_views: LiveViews
    pointing_views: PointingViews
    governance: Governance
    open_data: OpenData
    subjects: Subjects
    retentions: Retentions
    counts: Counts
    declarations: Declarations
    flows: Flows
    flow_vault: FlowVault
    models: Models


def platform_application(services: Services, door: Door, clock: Clock) -> ASGIApplication:
    """Join the API and the console with the NGSI-LD door, which answers below its own path."""
    site = http_application(services)
    uplinks = mounted_uplinks(services.rights, services.exchange, clock)

    async def application(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        path = scope["path"] if scope["type"] == "http" else ""
        if path.startswith(DOOR_PATH + "/"):
            await door(scope, receive, send)
        elif path.startswith(UPLINKS_PATH + "/"):
            await uplinks(scope, receive, send)
        else:
            await site(scope, receive, send)

    return application


def http_application(services: Services) -> Litestar:
    """Assemble the API and the console."""
    return Litestar(
        route_handlers=[
            rights_api.router(),
            operations_api.router(),
            territory_api.router(),
            engines_api.router(),
            delivery_api.router(),
            hosting_api.router(),
            capacity_api.router(),
            rebalancing_api.router(),
            ledger_api.router(),
            flows_api.router(),
            models_api.router(),
            governance_api.router(),
            retention_api.router(),
            open_api.router(),
            *console.routes(),
        ],
        dependencies={
            "actor": Provide(current_actor),
            **{name: _provider(value) for name, value in msgspec.structs.asdict(services).items()},
        },
        exception_handlers={Exception: _answer_error},
        template_config=console.template_config(),
        openapi_config=OpenAPIConfig(
            title="beffroi",
            version=__version__,
            path=f"{API_PATH}/schema",
            render_plugins=[JsonRenderPlugin(path="/")],
        ),
        logging_config=None,
        request_class=JsonRequest,
        request_max_body_size=1_000_000,
    )


def _provider(service: object) -> Provide:
    return Provide(lambda: service, use_cache=True, sync_to_thread=False)


def _answer_error(request: Request[Any, Any, State], raised: Exception) -> Response[Any]:
    if request.url.path.startswith(API_PATH):
        return problem_response(request, raised)
    return console.error_page(request, raised)
