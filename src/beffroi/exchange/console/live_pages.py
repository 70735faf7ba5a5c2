"""What the console tells a browser of what is written, as server-sent events."""

import re
from collections.abc import AsyncGenerator
from typing import Final

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import ServerSentEvent, ServerSentEventMessage

from beffroi.exchange.console.asked import Asking, EntityId
from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.map.view import MapView
from beffroi.exchange.representation.names import checked_name
from beffroi.exchange.viewing.figures import out_of_path
from beffroi.exchange.viewing.live_views import LiveViews, Watched

_PLACE: Final = re.compile(r"(-?\d{1,3}(?:\.\d+)?),(-?\d{1,2}(?:\.\d+)?)")
_AGAIN_MS: Final = 3_000
_NO_ROOM: Final = 204
"""A browser that is told so does not come again by itself."""


@get("/exchange/entities/{entity_id:str}/live")
async def follow_entity(
    entity_id: EntityId, asking: NamedDependency[Asking], live_views: NamedDependency[LiveViews]
) -> Response[None] | ServerSentEvent:
    """Tell when an entity changed."""
    return _events(live_views, asking, Watched(asking.tenant, out_of_path(entity_id)))


@get("/exchange/map/live")
async def follow_map(
    asking: NamedDependency[Asking],
    live_views: NamedDependency[LiveViews],
    at: FromQuery[str] = "",
    z: FromQuery[int] = 0,
    kind: FromQuery[str] = "",
) -> Response[None] | ServerSentEvent:
    """Tell when anything on a map changed."""
    iri = CORE.expand(checked_name(kind.strip())) if kind.strip() else None
    return _events(live_views, asking, Watched(asking.tenant, view=view_of(at, z), type=iri))


def view_of(at: str, zoom: int) -> MapView | None:
    """Read which part of the Earth is asked for; nothing: wherever entities are."""
    place = _PLACE.fullmatch(at)
    return MapView.held(float(place[1]), float(place[2]), zoom) if place else None


def _events(
    live_views: LiveViews, asking: Asking, watched: Watched
) -> Response[None] | ServerSentEvent:
    if not live_views.has_room(asking.actor):
        return Response(None, status_code=_NO_ROOM)

    async def events() -> AsyncGenerator[ServerSentEventMessage, None]:
        async for is_told in live_views.tidings(asking.actor, watched):
            yield (
                ServerSentEventMessage(event="changed", data="1")
                if is_told
                else ServerSentEventMessage(comment="", data=None)
            )

    return ServerSentEvent(events(), retry_duration=_AGAIN_MS)
