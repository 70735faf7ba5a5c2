"""What the console shows of clients of MQTT."""

from typing import Any, Final

from litestar import Request, Router, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.response import Template

from beffroi.exchange.mqtt.listener import MqttDoor
from beffroi.exchange.mqtt.seen import seen_accounts
from beffroi.kernel.rights.model import Actor

_LISTED_MOST: Final = 60


@get("/exchange/mqtt")
async def show_clients(
    request: Request[Any, Any, State],  # noqa: ARG001 - the template's
    actor: NamedDependency[Actor],
    mqtt_door: NamedDependency[MqttDoor],
) -> Template:
    """Show who is connected over MQTT, and how much it sends."""
    accounts = seen_accounts(await mqtt_door.accounts(), actor)
    context = {
        "accounts": accounts[:_LISTED_MOST],
        "count": len(accounts),
        "clients": sum(one.clients for one in accounts),
        "several": len({one.organisation for one in accounts}) > 1,
        "listens": bool(mqtt_door.ports),
    }
    return Template("exchange/mqtt.html", context=context)


def router() -> Router:
    """Return the page of clients."""
    return Router(path="/", route_handlers=[show_clients])
