"""What the console offers of entities by their names: parse, call one verb, render."""

from typing import Final

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template

from beffroi.exchange.console.asked import Asking
from beffroi.exchange.console.listing_pages import listed
from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.representation.names import checked_name
from beffroi.exchange.viewing.views import Listing, Views

_TOLD_MOST: Final = 200


@get("/exchange/search")
async def search_entities(
    asking: NamedDependency[Asking],
    views: NamedDependency[Views],
    name: FromQuery[str] = "",
    kind: FromQuery[str] = "",
) -> Template:
    """Show the entities that are called so."""
    told = name.strip()[:_TOLD_MOST]
    iri = CORE.expand(checked_name(kind.strip())) if kind.strip() else None
    listing = Listing(())
    if told:
        listing = await views.named(asking.actor, asking.tenant, told, iri)
    context = {
        **asking.context,
        "name": told,
        "iri": iri,
        "kind": kind.strip(),
        "listing": listing,
        "entities": sorted(
            (listed(one, asking) for one in listing.entities),
            key=lambda one: one.heading.casefold(),
        ),
    }
    return Template("exchange/search.html", context=context)
