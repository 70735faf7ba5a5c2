"""What the console offers of the map: parse, call one verb, render."""

import asyncio
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template

from beffroi.exchange.api.mounting import ExchangeServices
from beffroi.exchange.console.asked import Asking
from beffroi.exchange.console.entity_pages import map_of
from beffroi.exchange.console.live_pages import view_of
from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.map.figures import Circle, apart, circles
from beffroi.exchange.map.outlines import borders
from beffroi.exchange.map.view import HEIGHT, WIDTH, ZOOM_LEAST, ZOOM_MOST, Cluster, MapView
from beffroi.exchange.model import LOCATION, Entity
from beffroi.exchange.representation.names import checked_name
from beffroi.exchange.viewing.figures import heading_of, short, told_place, told_value
from beffroi.exchange.viewing.views import Views
from beffroi.kernel.catalogue import Language

_STEP: Final = 0.5
_VALUES_SHOWN: Final = 2
_TYPES_OFFERED: Final = 40
# What the map and its table may take of a page of 24 KiB, and a circle with its row without links.
_BYTES_MOST: Final = 17_000
_BYTES_BESIDE: Final = 190
_BYTES_ALONE: Final = 160


class Freshness(StrEnum):
    """How long ago an entity was measured, or changed."""

    HOUR = "hour"
    DAY = "day"
    OLDER = "older"


class Seen(msgspec.Struct, frozen=True):
    """By whom and when a map is looked at."""

    language: Language
    now: datetime


class Spot(msgspec.Struct, frozen=True):
    """A circle with what is told of it.

    Attributes:
        place: Its middle in words.
        heading: Of the entity that is alone there; "" for several.
        values: What of it was measured last: names with values.
        seen_at: When.
    """

    circle: Circle
    address: str
    place: str
    heading: str = ""
    values: tuple[tuple[str, str], ...] = ()
    seen_at: datetime | None = None
    freshness: Freshness | None = None

    @property
    def bytes_taken(self) -> int:
        """Return about how much of the page it takes."""
        if not self.heading:
            return 2 * len(self.address) + _BYTES_BESIDE
        told = sum(len(name) + len(value.encode()) + 50 for name, value in self.values)
        return 2 * (len(self.address) + len(self.heading)) + told + _BYTES_BESIDE + _BYTES_ALONE


@get("/exchange/map")
async def show_map(
    asking: NamedDependency[Asking],
    views: NamedDependency[Views],
    exchange: NamedDependency[ExchangeServices],
    at: FromQuery[str] = "",
    z: FromQuery[int] = 0,
    kind: FromQuery[str] = "",
) -> Template:
    """Show where entities are, and how fresh those are that are alone."""
    view = view_of(at, z)
    iri = CORE.expand(checked_name(kind.strip())) if kind.strip() else None
    content = await views.map(asking.actor, asking.tenant, iri, view)
    kinds = await exchange.models.type_names(asking.actor, asking.tenant)
    view = content.view
    spots = [
        _spot(
            one,
            content.alone.get(one.cluster.id),
            _leads_to(one.cluster, view, kind, asking),
            Seen(asking.language, exchange.flow_parts.flows.now()),
        )
        for one in circles(apart(content.clusters, view), view)
    ]
    taken_bytes = sum(one.bytes_taken for one in spots)
    context = {
        **asking.context,
        "kind": kind,
        "kinds": kinds[:_TYPES_OFFERED],
        "borders": await asyncio.to_thread(
            borders, content.outlines, view, _BYTES_MOST - taken_bytes
        ),
        "size": (WIDTH, HEIGHT),
        "spots": spots,
        "entity_count": sum(one.circle.cluster.entities for one in spots),
        "live_address": asking.addresses.of("/exchange/map/live", at=at, z=z or "", kind=kind),
        "own_address": asking.addresses.of("/exchange/map", at=at, z=z or "", kind=kind),
        "moves": [(name, map_of(to, kind, asking)) for name, to in _moves(view)],
        "freshness": list(Freshness),
    }
    return Template("exchange/map.html", context=context)


def _spot(circle: Circle, entity: Entity | None, address: str, seen: Seen) -> Spot:
    cluster, language = circle.cluster, seen.language
    place = told_place(cluster.longitude, cluster.latitude, language)
    if entity is None or cluster.entities > 1:
        return Spot(circle, address, place)
    heading = heading_of(entity, language)
    last = sorted(
        (
            (one.observed_at, iri, one)
            for iri, instances in entity.attributes.items()
            for one in instances[:1]
            if one.observed_at is not None and iri != LOCATION
        ),
        key=lambda told: told[:2],
        reverse=True,
    )
    seen_at = last[0][0] if last else entity.modified_at
    return Spot(
        circle,
        address,
        place,
        heading,
        tuple((short(iri), told_value(one, language)) for _, iri, one in last[:_VALUES_SHOWN]),
        seen_at,
        None if seen_at is None else freshness_of(seen.now - seen_at),
    )


def freshness_of(age: timedelta) -> Freshness:
    """Tell an age in three steps."""
    if age < timedelta(hours=1):
        return Freshness.HOUR
    return Freshness.DAY if age < timedelta(days=1) else Freshness.OLDER


def _moves(view: MapView) -> list[tuple[str, MapView]]:
    """Return where one can go from a view, by name."""
    steps = {
        "west": view.moved(-_STEP, 0),
        "north": view.moved(0, _STEP),
        "south": view.moved(0, -_STEP),
        "east": view.moved(_STEP, 0),
    }
    if view.zoom < ZOOM_MOST:
        steps["closer"] = view.zoomed(1)
    if view.zoom > ZOOM_LEAST:
        steps["farther"] = view.zoomed(-1)
    return list(steps.items())


def _leads_to(cluster: Cluster, view: MapView, kind: str, asking: Asking) -> str:
    """Lead to what is alone, and closer to what is not; entities in one spot lead to the first."""
    if cluster.id and (cluster.entities == 1 or view.zoom == ZOOM_MOST):
        return asking.addresses.of_entity(cluster.id)
    return map_of(view.closer_to(cluster.longitude, cluster.latitude), kind, asking)
