"""What the console offers of the entities of a type: parse, call one verb, render."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template

from beffroi.exchange.api.mounting import ExchangeServices
from beffroi.exchange.console.asked import Asking, TypeName
from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.flows.pages import address_of
from beffroi.exchange.model import LOCATION, Attribute, AttributeKind, Iri
from beffroi.exchange.models.catalogue import FeedingKind, TypeSummary
from beffroi.exchange.models.pages import told_type
from beffroi.exchange.representation.names import checked_name
from beffroi.exchange.store import HeldEntity
from beffroi.exchange.viewing.figures import heading_of, in_path, out_of_path, short, told_value
from beffroi.exchange.viewing.views import Listing, Views

_VALUES_SHOWN: Final = 3
_LINKS: Final = (AttributeKind.RELATIONSHIP, AttributeKind.LIST_RELATIONSHIP)
_USUAL_FILTER: Final = 'intensity>=50;powerState=="on"'


class ListedEntity(msgspec.Struct, frozen=True):
    """An entity in a list, with the values that changed last.

    Attributes:
        heading: What people call it.
    """

    held: HeldEntity
    heading: str
    address: str
    values: Sequence[tuple[Iri, str, str]]


@get("/exchange/types/{type_name:str}")
async def show_type(
    type_name: TypeName,
    asking: NamedDependency[Asking],
    views: NamedDependency[Views],
    exchange: NamedDependency[ExchangeServices],
    q: FromQuery[str] = "",
    after: FromQuery[int] = 0,
) -> Template:
    """Show the entities of a type that meet a query, and how programs ask for them."""
    iri = CORE.expand(checked_name(out_of_path(type_name)))
    mistake: BadRequestDataError | None = None
    try:
        listing = await views.entities(asking.actor, asking.tenant, iri, q.strip(), after)
    except BadRequestDataError as error:
        mistake, listing = error, Listing(())
    known = await exchange.models.catalogue(asking.actor, asking.tenant)
    summary = next((one for one in known if one.type == iri), None)
    context = {
        **asking.context,
        "iri": iri,
        "kind": CORE.compact(iri),
        "q": q,
        "after": after,
        "mistake": mistake,
        "listing": listing,
        "entities": [listed(one, asking) for one in listing.entities],
        "example": _example(listing.entities),
        "summary": summary,
        "told": None if summary is None else told_type(summary, asking.tenant, asking.language),
        "feeding": [] if summary is None else _feeding(summary),
        "lines": _command_lines(iri, q if mistake is None else "", listing, exchange.public_url),
    }
    return Template(
        "exchange/type.html", context=context, status_code=200 if mistake is None else 400
    )


def listed(held: HeldEntity, asking: Asking) -> ListedEntity:
    """Return an entity as a list shows it."""
    entity = held.entity
    heading = heading_of(entity, asking.language)
    last = sorted(
        (
            (one.observed_at or one.modified_at or entity.modified_at, iri, one)
            for iri, instances in entity.attributes.items()
            for one in instances[:1]
            if iri != LOCATION and one.kind not in _LINKS and one.value != heading
        ),
        key=lambda told: (told[0] is not None, told[0], told[1]),
        reverse=True,
    )
    values = [
        (iri, short(iri), told_value(one, asking.language)) for _, iri, one in last[:_VALUES_SHOWN]
    ]
    return ListedEntity(held, heading, asking.addresses.of_entity(entity.id), values)


def _example(entities: Iterable[HeldEntity]) -> str:
    """Return a filter that these entities meet, where one of them has a number."""
    for held in entities:
        for name, instances in held.entity.attributes.items():
            if _is_number(instances[0]):
                return f"{CORE.compact(name)}>={math.floor(instances[0].value)}"
    return _USUAL_FILTER


def _is_number(one: Attribute) -> bool:
    is_number = isinstance(one.value, int | float) and not isinstance(one.value, bool)
    return one.kind is AttributeKind.PROPERTY and is_number


def _feeding(summary: TypeSummary) -> list[tuple[str, str]]:
    """Return the flows that bring entities of a type, with their pages."""
    return [
        (by.name, address_of(by.organisation, by.name))
        for by in summary.fed_by
        if by.kind is FeedingKind.FLOW
    ]


def _command_lines(iri: Iri, q: str, listing: Listing, public_url: str) -> list[tuple[str, str]]:
    """Return what asks for these entities, for an entity and for its history, by kind."""
    door = f"{public_url.rstrip('/')}/ngsi-ld/v1"
    asked = f"type={in_path(CORE.compact(iri))}" + (f"&q={in_path(q)}" if q else "")
    lines = [("list", f"{door}/entities?{asked}&options=keyValues&limit=10")]
    if listing.entities:
        one = in_path(listing.entities[0].entity.id)
        lines += [
            ("one", f"{door}/entities/{one}"),
            ("history", f"{door}/temporal/entities/{one}?lastN=10&options=temporalValues"),
        ]
    return lines
