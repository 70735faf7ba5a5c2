"""What the console offers of the exchange: parse, call one verb, render."""

import asyncio
import re
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Router, get
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery, PathParameter
from litestar.response import Template

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.geometry import bounds_of
from beffroi.exchange.map_figures import apart, circles
from beffroi.exchange.map_outlines import borders
from beffroi.exchange.map_view import HEIGHT, WIDTH, ZOOM_LEAST, ZOOM_MOST, Cluster, MapView
from beffroi.exchange.model import LOCATION, AttributeKind, Entity, Iri
from beffroi.exchange.representation.names import checked_name
from beffroi.exchange.store import HeldEntity
from beffroi.exchange.view_figures import (
    PLOT_HEIGHT,
    PLOT_WIDTH,
    Addresses,
    heading_of,
    in_path,
    out_of_path,
    plots,
    short,
    told_attributes,
    told_place,
    told_value,
)
from beffroi.exchange.views import INSTANCES_SHOWN, Listing, Views
from beffroi.kernel.catalogue import Language
from beffroi.kernel.http.problems import language_of
from beffroi.kernel.rights.model import Actor

_Request = Request[Any, Any, State]
_PLACE: Final = re.compile(r"(-?\d{1,3}(?:\.\d+)?),(-?\d{1,2}(?:\.\d+)?)")
_VALUES_SHOWN: Final = 3
_ATTRIBUTES_SHOWN: Final = 24
_LINKS: Final = (AttributeKind.RELATIONSHIP, AttributeKind.LIST_RELATIONSHIP)
_STEP: Final = 0.5
_DIGITS: Final = 5
_STREET: Final = 15
# What the map and its table may take of a page of 24 KiB, and a circle with its row without links.
_BYTES_MOST: Final = 18_500
_BYTES_BESIDE: Final = 190
_API: Final = "/ngsi-ld/v1/entities/"
TypeName = Annotated[str, PathParameter(max_length=3_000, description="Short, or an IRI.")]
EntityId = Annotated[str, PathParameter(max_length=6_000, description="Of an entity.")]


class Asking(msgspec.Struct, frozen=True):
    """Who looks, in which language, under which tenant."""

    actor: Actor
    language: Language
    tenant: str

    @property
    def addresses(self) -> Addresses:
        """Return where the pages of the tenant are."""
        return Addresses(self.tenant)

    @property
    def context(self) -> dict[str, Any]:
        """Return what every page of the exchange is rendered with."""
        return {"tenant": self.tenant, "addresses": self.addresses, "short": short}


class ListedEntity(msgspec.Struct, frozen=True):
    """An entity in a list, with the values that changed last."""

    held: HeldEntity
    address: str
    values: Sequence[tuple[Iri, str, str]]


async def _asking(
    request: _Request, actor: NamedDependency[Actor], tenant: FromQuery[str] = ""
) -> Asking:
    return Asking(actor, language_of(request), tenant)


@get("/exchange")
async def show_exchange(asking: NamedDependency[Asking], views: NamedDependency[Views]) -> Template:
    """Show the types that there are, how fresh they are and who feeds them."""
    held = await views.holdings(asking.actor, asking.tenant)
    context = {
        **asking.context,
        "types": held.types,
        "tenants": [(one, Addresses(one).of("/exchange")) for one in held.tenants],
    }
    return Template("exchange/exchange.html", context=context)


@get("/exchange/types/{type_name:str}")
async def show_type(
    type_name: TypeName,
    asking: NamedDependency[Asking],
    views: NamedDependency[Views],
    q: FromQuery[str] = "",
    after: FromQuery[int] = 0,
) -> Template:
    """Show the entities of a type that meet a query."""
    iri = CORE.expand(checked_name(out_of_path(type_name)))
    mistake: BadRequestDataError | None = None
    try:
        listing = await views.entities(asking.actor, asking.tenant, iri, q.strip(), after)
    except BadRequestDataError as error:
        mistake, listing = error, Listing(())
    context = {
        **asking.context,
        "iri": iri,
        "q": q,
        "after": after,
        "mistake": mistake,
        "listing": listing,
        "entities": [_listed(one, asking) for one in listing.entities],
    }
    return Template(
        "exchange/type.html", context=context, status_code=200 if mistake is None else 400
    )


@get("/exchange/entities/{entity_id:str}")
async def show_entity(
    entity_id: EntityId, asking: NamedDependency[Asking], views: NamedDependency[Views]
) -> Template:
    """Show an entity, what became of it and what it leads to."""
    found = await views.entity(asking.actor, asking.tenant, out_of_path(entity_id))
    entity, language = found.held.entity, asking.language
    told = told_attributes(entity.attributes, language, asking.addresses)
    context = {
        **asking.context,
        "held": found.held,
        "entity": entity,
        "heading": heading_of(entity),
        "attributes": told[:_ATTRIBUTES_SHOWN],
        "attribute_count": len(told),
        "plots": plots(found.numbers, language),
        "plot_size": (PLOT_WIDTH, PLOT_HEIGHT),
        "instances": [(one, told_value(one.instance, language)) for one in found.instances],
        "instances_most": INSTANCES_SHOWN,
        "map_address": _map_address(entity, asking),
        "json_address": None if asking.tenant else f"{_API}{in_path(entity.id)}",
    }
    return Template("exchange/entity.html", context=context)


@get("/exchange/map")
async def show_map(
    asking: NamedDependency[Asking],
    views: NamedDependency[Views],
    at: FromQuery[str] = "",
    z: FromQuery[int] = 0,
    kind: FromQuery[str] = "",
) -> Template:
    """Show where entities are."""
    place = _PLACE.fullmatch(at)
    view = MapView.held(float(place[1]), float(place[2]), z) if place else None
    iri = CORE.expand(checked_name(kind.strip())) if kind.strip() else None
    content = await views.map(asking.actor, asking.tenant, iri, view)
    view = content.view
    drawn = circles(apart(content.clusters, view), view)
    addresses = [_leads_to(one.cluster, view, kind, asking) for one in drawn]
    taken_bytes = sum(2 * len(one) + _BYTES_BESIDE for one in addresses)
    context = {
        **asking.context,
        "kind": kind,
        "view": view,
        "borders": await asyncio.to_thread(
            borders, content.outlines, view, _BYTES_MOST - taken_bytes
        ),
        "size": (WIDTH, HEIGHT),
        "circles": list(zip(drawn, addresses, strict=True)),
        "places": [
            told_place(one.cluster.longitude, one.cluster.latitude, asking.language)
            for one in drawn
        ],
        "entity_count": sum(one.cluster.entities for one in drawn),
        "moves": [(name, _map_of(to, kind, asking)) for name, to in _moves(view)],
    }
    return Template("exchange/map.html", context=context)


def router() -> Router:
    """Return the pages of the exchange."""
    return Router(
        path="/",
        route_handlers=[show_exchange, show_type, show_entity, show_map],
        dependencies={"asking": Provide(_asking)},
    )


def _listed(held: HeldEntity, asking: Asking) -> ListedEntity:
    entity = held.entity
    last = sorted(
        (
            (one.observed_at or one.modified_at or entity.modified_at, iri, one)
            for iri, instances in entity.attributes.items()
            for one in instances[:1]
            if iri != LOCATION and one.kind not in _LINKS
        ),
        key=lambda told: (told[0] is not None, told[0], told[1]),
        reverse=True,
    )
    values = [
        (iri, short(iri), told_value(one, asking.language)) for _, iri, one in last[:_VALUES_SHOWN]
    ]
    return ListedEntity(held, asking.addresses.of_entity(entity.id), values)


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


def _map_of(view: MapView, kind: str, asking: Asking) -> str:
    at = f"{round(view.longitude, _DIGITS)},{round(view.latitude, _DIGITS)}"
    return asking.addresses.of("/exchange/map", at=at, z=view.zoom, kind=kind)


def _leads_to(cluster: Cluster, view: MapView, kind: str, asking: Asking) -> str:
    """Lead to what is alone, and closer to what is not; entities in one spot lead to the first."""
    if cluster.entities == 1 or view.zoom == ZOOM_MOST:
        return asking.addresses.of_entity(cluster.id)
    return _map_of(view.closer_to(cluster.longitude, cluster.latitude), kind, asking)


def _map_address(entity: Entity, asking: Asking) -> str | None:
    """Lead to the map around an entity that is somewhere."""
    located = entity.attributes.get(LOCATION)
    bounds = bounds_of(located[0].value) if located else None
    if bounds is None:
        return None
    east, north, west, south = (float(one) for one in re.findall(r"[-+0-9.e]+", bounds))
    around = MapView.around((west, south, east, north))
    return _map_of(
        MapView.held(around.longitude, around.latitude, min(around.zoom, _STREET)), "", asking
    )
