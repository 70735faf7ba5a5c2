"""Open data over HTTP, without an account: the catalogue, and files of current entities."""

from typing import Annotated, Any

import msgspec
from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.params import PathParameter
from litestar.response import Stream

from beffroi.exchange.governance.catalogue import PREFIXES, Publisher, catalogue
from beffroi.exchange.governance.linked_data import Thing, as_jsonld, as_turtle
from beffroi.exchange.governance.open_files import geojson, table
from beffroi.exchange.governance.opendata import OpenData
from beffroi.territory.service import TerritoryService

_OPEN = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"}
_LIVE = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-cache"}
Part = Annotated[str, PathParameter(max_length=1_000, description="As the catalogue has it.")]


@get("/catalogue.jsonld")
async def catalogue_jsonld(
    open_data: NamedDependency[OpenData], territory: NamedDependency[TerritoryService]
) -> Response[bytes]:
    """Answer the catalogue as JSON-LD."""
    things = await _things(open_data, territory)
    content = msgspec.json.encode(as_jsonld(things, PREFIXES))
    return Response(content, media_type="application/ld+json", headers=_OPEN)


@get("/catalogue.ttl")
async def catalogue_turtle(
    open_data: NamedDependency[OpenData], territory: NamedDependency[TerritoryService]
) -> Response[bytes]:
    """Answer the catalogue as Turtle."""
    content = as_turtle(await _things(open_data, territory), PREFIXES).encode()
    return Response(content, media_type="text/turtle", headers=_OPEN)


@get("/open/{owner:str}/{policy:str}/{file:str}")
async def show_file(
    owner: Part, policy: Part, file: Part, open_data: NamedDependency[OpenData]
) -> Stream:
    """Answer the entities of a data set, as CSV or GeoJSON."""
    name, _, kind = file.rpartition(".")
    data_set = await open_data.data_set(owner, policy, name if kind in _WRITTEN else file)
    entities = open_data.entities(data_set)
    if kind == "csv":
        names = await open_data.columns(data_set)
        return Stream(table(entities, names), media_type=_WRITTEN[kind], headers=_LIVE)
    return Stream(geojson(entities), media_type=_WRITTEN["geojson"], headers=_LIVE)


_WRITTEN = {"csv": "text/csv", "geojson": "application/geo+json"}


async def _things(open_data: OpenData, territory: TerritoryService) -> list[Thing]:
    held = await territory.current()
    titles: dict[str, Any] = {}
    title = "beffroi"
    if held is not None:
        title = held.document.title
        titles = {name: one.title for name, one in held.document.organisations.items()}
    publisher = Publisher(title, open_data.public_url, titles)
    return catalogue(await open_data.described(), publisher)


def router() -> Router:
    """Return what everybody may read."""
    return Router(
        path="/",
        route_handlers=[catalogue_jsonld, catalogue_turtle, show_file],
        include_in_schema=False,
    )
