"""What the console offers of the exchange as a whole: parse, call one verb, render."""

from typing import Final

from litestar import Router, get
from litestar.di import NamedDependency, Provide
from litestar.response import Template

from beffroi.exchange.api.mounting import ExchangeServices
from beffroi.exchange.asking.question import Window
from beffroi.exchange.console.asked import Asking, asked
from beffroi.exchange.console.entity_pages import (
    download_history,
    show_entity,
    show_history,
    show_pointing,
)
from beffroi.exchange.console.listing_pages import show_type
from beffroi.exchange.console.live_pages import follow_entity, follow_map
from beffroi.exchange.console.map_pages import show_map
from beffroi.exchange.console.search_pages import search_entities
from beffroi.exchange.flows.door_store import Door
from beffroi.exchange.flows.figures import HEIGHT, STEPS
from beffroi.exchange.flows.model import Direction, FlowHealth
from beffroi.exchange.flows.pages import address_of
from beffroi.exchange.flows.service import SHOWN
from beffroi.exchange.models.pages import told_type
from beffroi.exchange.mqtt.listener import MqttDoor
from beffroi.exchange.mqtt.seen import seen_accounts
from beffroi.exchange.subscriptions.pages import address_of as address_of_subscription
from beffroi.exchange.subscriptions.pages import name_of
from beffroi.exchange.viewing.figures import Addresses
from beffroi.exchange.viewing.overview import (
    accounts_seen,
    doors_seen,
    is_failing,
    minutes_seen,
    subscribers_seen,
)
from beffroi.exchange.viewing.views import Views

_FAILING_SHOWN: Final = 8
_SUBSCRIPTIONS_READ: Final = 200


@get("/exchange")
async def show_exchange(
    asking: NamedDependency[Asking],
    views: NamedDependency[Views],
    exchange: NamedDependency[ExchangeServices],
    mqtt_door: NamedDependency[MqttDoor],
) -> Template:
    """Show what comes in, what goes out, what fails, and how fresh the types are."""
    actor, tenant, language = asking.actor, asking.tenant, asking.language
    flows = exchange.flow_parts.flows
    held = await views.holdings(actor, tenant)
    summaries = [one for one in await flows.listed(actor) if one.flow.tenant == tenant]
    known = await exchange.models.catalogue(actor, tenant)
    every = Window(offset=0, limit=_SUBSCRIPTIONS_READ, count=False)
    page = await exchange.subscriptions.page(actor, tenant, every)
    clients = seen_accounts(await mqtt_door.accounts(), actor)
    doors = doors_seen(summaries, flows.now(), SHOWN)
    came_in = await flows.came_in(actor)
    told = {one.type: told_type(one, tenant, language) for one in known}
    failing = [one for one in summaries if one.health is FlowHealth.FAILING]
    silenced = [one for one in page.subscriptions if is_failing(one)]
    context = {
        **asking.context,
        "types": [(one, told.get(one.type)) for one in held.types],
        "tenants": [(one, Addresses(one).of("/exchange")) for one in held.tenants],
        "entity_count": sum(one.entities for one in held.types),
        "incoming": [one for one in doors if one.direction is Direction.IN],
        "outgoing": [one for one in doors if one.direction is Direction.OUT],
        "accounts": accounts_seen(known),
        "by_accounts": minutes_seen(came_in.get(Door.ACCOUNTS, ()), flows.now(), SHOWN),
        "by_mqtt": minutes_seen(came_in.get(Door.MQTT, ()), flows.now(), SHOWN),
        "clients": sum(one.clients for one in clients),
        "subscribers": subscribers_seen(page.subscriptions, flows.now()),
        "failing_flows": [
            (one.flow.name, address_of(*one.flow.key), one.state.last_error)
            for one in failing[:_FAILING_SHOWN]
        ],
        "failing_subscriptions": [
            (name_of(one), address_of_subscription(one), one.told.last_failure)
            for one in silenced[:_FAILING_SHOWN]
        ],
        "failing_count": len(failing) + len(silenced),
        "now": flows.now(),
        "language": language,
        "size": (STEPS, HEIGHT),
    }
    return Template("exchange/exchange.html", context=context)


def router() -> Router:
    """Return the pages of the exchange."""
    return Router(
        path="/",
        route_handlers=[
            show_exchange,
            show_type,
            show_entity,
            show_history,
            download_history,
            show_pointing,
            show_map,
            search_entities,
            follow_entity,
            follow_map,
        ],
        dependencies={"asking": Provide(asked)},
    )
