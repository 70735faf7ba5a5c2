"""What the console offers of an entity: parse, call one verb, render."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template

from beffroi.exchange.console.asked import Asking, EntityId
from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.geometry import bounds_of
from beffroi.exchange.map.view import MapView
from beffroi.exchange.model import LOCATION, Entity, Iri
from beffroi.exchange.representation.names import checked_name
from beffroi.exchange.viewing.course import HEIGHT, WIDTH, Span, Window, courses, steps_csv
from beffroi.exchange.viewing.figures import (
    heading_of,
    in_path,
    out_of_path,
    told_attributes,
    told_value,
)
from beffroi.exchange.viewing.pointing import PointingViews
from beffroi.exchange.viewing.views import INSTANCES_SHOWN, EntityView, Views, WantedCourse

_ATTRIBUTES_SHOWN: Final = 24
_STREET: Final = 15
_API: Final = "/ngsi-ld/v1/"
_FIRST: Final = datetime(1, 1, 2, tzinfo=UTC)


@get("/exchange/entities/{entity_id:str}")
async def show_entity(
    entity_id: EntityId,
    asking: NamedDependency[Asking],
    views: NamedDependency[Views],
    span: FromQuery[str] = "",
    until: FromQuery[str] = "",
) -> Template:
    """Show an entity, what became of it and what it leads to."""
    wanted = _wanted(span, until)
    found = await views.entity(asking.actor, asking.tenant, out_of_path(entity_id), wanted)
    entity, language = found.held.entity, asking.language
    told = told_attributes(entity.attributes, language, asking.addresses, found.linked)
    context = {
        **_course(found, wanted, asking, lambda **of: asking.addresses.of_entity(entity.id, **of)),
        "held": found.held,
        "pointing_address": asking.addresses.of(
            f"/exchange/entities/{in_path(entity.id)}/pointing"
        ),
        "own_address": asking.addresses.of_entity(entity.id, span=span, until=until),
        "live_address": asking.addresses.of_live(entity.id),
        "attributes": told[:_ATTRIBUTES_SHOWN],
        "attribute_count": len(told),
        "instances": [(one, told_value(one.instance, language)) for one in found.instances],
        "instances_most": INSTANCES_SHOWN,
        "map_address": _map_address(entity, asking),
        "json_address": None if asking.tenant else f"{_API}entities/{in_path(entity.id)}",
    }
    return Template("exchange/entity.html", context=context)


@get("/exchange/entities/{entity_id:str}/history")
async def show_history(
    entity_id: EntityId,
    of: FromQuery[str],
    asking: NamedDependency[Asking],
    views: NamedDependency[Views],
    span: FromQuery[str] = "",
    until: FromQuery[str] = "",
) -> Template:
    """Show the course of one attribute, drawn and as a table."""
    wanted, name = _wanted(span, until), CORE.expand(checked_name(of))
    found = await views.history(asking.actor, asking.tenant, out_of_path(entity_id), name, wanted)
    entity = found.held.entity

    def address(**asked: object) -> str:
        return asking.addresses.of_history(entity.id, of=CORE.compact(name), **asked)

    context = {
        **_course(found, wanted, asking, address),
        "iri": name,
        "entity_address": asking.addresses.of_entity(entity.id, span=span, until=until),
        "json_address": _temporal(entity.id, name, found.window, asking),
        "csv_address": asking.addresses.of(
            f"/exchange/entities/{in_path(entity.id)}/history.csv",
            of=CORE.compact(name),
            span=span,
            until=until,
        ),
    }
    return Template("exchange/history.html", context=context)


@get("/exchange/entities/{entity_id:str}/history.csv")
async def download_history(
    entity_id: EntityId,
    of: FromQuery[str],
    asking: NamedDependency[Asking],
    views: NamedDependency[Views],
    span: FromQuery[str] = "",
    until: FromQuery[str] = "",
) -> Response[str]:
    """Give the steps that the page of an attribute shows, as CSV with plain numbers."""
    wanted, name = _wanted(span, until), CORE.expand(checked_name(of))
    found = await views.history(asking.actor, asking.tenant, out_of_path(entity_id), name, wanted)
    unit = found.held.entity.attributes[name][0].unit_code
    return Response(
        steps_csv(found.measured.get(name, ()), unit),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="history.csv"'},
    )


@get("/exchange/entities/{entity_id:str}/pointing")
async def show_pointing(
    entity_id: EntityId,
    asking: NamedDependency[Asking],
    views: NamedDependency[Views],
    pointing_views: NamedDependency[PointingViews],
) -> Template:
    """Show the entities whose relationships lead to one."""
    key, actor, language = out_of_path(entity_id), asking.actor, asking.language
    entity = await views.one(actor, asking.tenant, key)
    found = await pointing_views.to(actor, asking.tenant, key)
    context = {
        **asking.context,
        "entity": entity,
        "heading": heading_of(entity, language),
        "pointing": [
            (
                one,
                [
                    (heading_of(each, language), each.id, asking.addresses.of_entity(each.id))
                    for each in one.entities
                ],
            )
            for one in found
        ],
    }
    return Template("exchange/pointing.html", context=context)


def map_of(view: MapView, kind: str, asking: Asking) -> str:
    """Return the address of a view of the map."""
    digits = 5
    at = f"{round(view.longitude, digits)},{round(view.latitude, digits)}"
    return asking.addresses.of("/exchange/map", at=at, z=view.zoom, kind=kind)


def _wanted(span: str, until: str) -> WantedCourse:
    """Read which time is wanted; what cannot be read is left out."""
    chosen = Span(span) if span in set(Span) else Span.DAY
    try:
        moment = datetime.fromisoformat(until) if until else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment <= _FIRST:
        return WantedCourse(chosen)
    return WantedCourse(chosen, moment - timedelta.resolution)


def _course(
    found: EntityView,
    wanted: WantedCourse,
    asking: Asking,
    address: Any,  # noqa: ANN401
) -> Mapping[str, Any]:
    """Return what the drawings of an entity's numbers are rendered with."""
    entity, window = found.held.entity, found.window
    until = "" if wanted.before is None else _told(wanted.before + timedelta.resolution)
    units = {name: entity.attributes[name][0].unit_code for name in found.measured}
    earlier = later = None
    if window is not None and found.latest is not None:
        earlier = address(span=window.span, until=_told(window.since))
        if window.until <= found.latest:
            later = address(span=window.span, until=_told(window.until + window.length))
    return {
        **asking.context,
        "entity": entity,
        "heading": heading_of(entity, asking.language),
        "window": window,
        "courses": (
            courses(found.measured, units, window, asking.language) if window is not None else []
        ),
        "spans_of": [(one, address(span=one, until=until)) for one in Span],
        "until": until,
        "earlier": earlier,
        "later": later,
        "size": (WIDTH, HEIGHT),
    }


def _told(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def _temporal(entity_id: str, name: Iri, window: Window | None, asking: Asking) -> str | None:
    if asking.tenant or window is None:
        return None
    return (
        f"{_API}temporal/entities/{in_path(entity_id)}?attrs={in_path(CORE.compact(name))}"
        f"&timerel=between&timeAt={_seconds(window.since)}&endTimeAt={_seconds(window.until)}"
        "&options=temporalValues"
    )


def _seconds(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _map_address(entity: Entity, asking: Asking) -> str | None:
    """Lead to the map around an entity that is somewhere."""
    located = entity.attributes.get(LOCATION)
    bounds = bounds_of(located[0].value) if located else None
    if bounds is None:
        return None
    east, north, west, south = (float(one) for one in re.findall(r"[-+0-9.e]+", bounds))
    around = MapView.around((west, south, east, north))
    return map_of(
        MapView.held(around.longitude, around.latitude, min(around.zoom, _STREET)), "", asking
    )
