"""What the console shows of the devices of an uplink."""

from typing import Any, Final
from urllib.parse import urlencode

from litestar import Request, Router, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template

from beffroi.exchange.api.mounting import ExchangeServices
from beffroi.kernel.rights.model import Actor

_LISTED_MOST: Final = 30


@get("/exchange/devices")
async def show_devices(
    request: Request[Any, Any, State],  # noqa: ARG001 - the template's
    actor: NamedDependency[Actor],
    exchange: NamedDependency[ExchangeServices],
    uplink: FromQuery[str],
    organisation: FromQuery[str] = "",
    offset: FromQuery[int] = 0,
) -> Template:
    """Show the devices of an uplink, those first that were silent for the longest."""
    owner = organisation or actor.organisation
    flow = await exchange.flow_parts.flows.one(actor, owner, uplink)
    start = max(0, offset)
    devices, count = await exchange.uplinks.devices.listed(
        actor, owner, uplink, offset=start, limit=_LISTED_MOST
    )
    context = {
        "flow": flow.flow,
        "devices": devices,
        "count": count,
        "before": _address(owner, uplink, max(0, start - _LISTED_MOST)) if start else "",
        "after": _address(owner, uplink, after) if (after := start + _LISTED_MOST) < count else "",
    }
    return Template("exchange/devices.html", context=context)


def _address(organisation: str, uplink: str, offset: int) -> str:
    query = {"uplink": uplink, "organisation": organisation, "offset": offset}
    return f"/exchange/devices?{urlencode(query)}"


def router() -> Router:
    """Return the page of devices."""
    return Router(path="/", route_handlers=[show_devices])
