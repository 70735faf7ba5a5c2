"""The door with all its routes."""

import msgspec

from beffroi.exchange.api import unsupported
from beffroi.exchange.api.askers import Askers
from beffroi.exchange.api.attributes import AttributeRoutes
from beffroi.exchange.api.batches import BatchRoutes
from beffroi.exchange.api.contexts import ContextRoutes
from beffroi.exchange.api.described import DescriptionRoute
from beffroi.exchange.api.discovery import DiscoveryRoutes
from beffroi.exchange.api.documents import Documents
from beffroi.exchange.api.door import DOOR_PATH, Door
from beffroi.exchange.api.entities import EntityRoutes
from beffroi.exchange.api.identity import IdentityRoutes, source_of
from beffroi.exchange.api.queries import QueryRoutes
from beffroi.exchange.api.subscriptions import SubscriptionRoutes
from beffroi.exchange.api.temporal import TemporalRoutes
from beffroi.exchange.asking.inventory_service import Inventory
from beffroi.exchange.contexts.service import Contexts
from beffroi.exchange.flows.parts import FlowParts
from beffroi.exchange.governance.parts import GovernanceParts
from beffroi.exchange.models.service import Models
from beffroi.exchange.models.survey import Surveyor
from beffroi.exchange.service import Exchange
from beffroi.exchange.subscriptions.service import Subscriptions
from beffroi.exchange.temporal.recording import Recorder
from beffroi.exchange.temporal.service import History
from beffroi.exchange.uplinks.service import Uplinks
from beffroi.exchange.uplinks.webhook import UPLINKS_PATH, UplinkRoutes
from beffroi.kernel.clock import Clock
from beffroi.kernel.rights.service import Rights


class ExchangeServices(msgspec.Struct, frozen=True):
    """The verbs that the door may call.

    Attributes:
        public_url: The platform's address.
    """

    exchange: Exchange
    inventory: Inventory
    contexts: Contexts
    history: History
    recorder: Recorder
    subscriptions: Subscriptions
    flow_parts: FlowParts
    uplinks: Uplinks
    models: Models
    surveyor: Surveyor
    governance: GovernanceParts
    public_url: str


def mounted_door(rights: Rights, services: ExchangeServices, clock: Clock) -> Door:
    """Put the door together."""
    exchange, documents = services.exchange, Documents(services.contexts)
    routes = [
        *EntityRoutes(exchange, documents, clock).routes(),
        *AttributeRoutes(exchange, documents, clock).routes(),
        *BatchRoutes(exchange, documents, clock).routes(),
        *QueryRoutes(exchange, documents, clock).routes(),
        *DiscoveryRoutes(services.inventory, documents).routes(),
        *IdentityRoutes(source_of(services.public_url), documents, clock).routes(),
        *ContextRoutes(services.contexts).routes(),
        *TemporalRoutes(services.history, services.recorder, documents, clock).routes(),
        *SubscriptionRoutes(services.subscriptions, documents, clock).routes(),
        *unsupported.routes(),
    ]
    return Door(
        Askers(rights),
        DescriptionRoute(routes, DOOR_PATH).routes(),
        strangers=services.governance.guard.stranger,
    )


def mounted_uplinks(rights: Rights, services: ExchangeServices, clock: Clock) -> Door:
    """Put together the door that devices and their networks knock at."""
    routes = UplinkRoutes(services.uplinks, clock).routes()
    return Door(Askers(rights), routes, UPLINKS_PATH + "/")
