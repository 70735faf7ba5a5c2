"""Where entities are, in SQL: counted by the cells of a grid, their outlines."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from beffroi.exchange.map_view import Cluster, MapView
from beffroi.exchange.model import LOCATION, Iri, Json
from beffroi.kernel.database import Connection, fetch_all, fetch_tuples

_CELLS_MOST: Final = 60
_OUTLINES_MOST: Final = 400
_LATEST: Final = 1_000
_ALIVE: Final = "e.tenant = %(tenant)s and (e.expires_at is null or e.expires_at > now())"
_OF_TYPE: Final = "and e.types @> array[%(type)s::text]"
_CELLS: Final = """
with counted as (
    select count(*) as entities, avg(e.longitude) as longitude, avg(e.latitude) as latitude,
        min(e.number) as first
    from exchange.entity e
    where {alive} {of_type} and e.longitude >= %(west)s and e.longitude < %(east)s
        and e.latitude >= %(south)s and e.latitude < %(north)s
    group by floor(e.longitude / %(width)s), floor(e.latitude / %(height)s)
    order by count(*) desc limit %(most)s
)
select counted.entities, counted.longitude, counted.latitude, one.id
from counted cross join lateral (
    select e.id from exchange.entity e
    where e.tenant = %(tenant)s and e.number = counted.first
) as one
order by counted.entities desc, one.id
"""
_OUTLINES: Final = f"""
select (e.document -> %(location)s -> 0 -> 'value')::text from exchange.entity e
where {_ALIVE} and e.extent > 0 and e.extent > %(extent)s
    and e.longitude + e.extent / 2 >= %(west)s and e.longitude - e.extent / 2 < %(east)s
    and e.latitude + e.extent / 2 >= %(south)s and e.latitude - e.extent / 2 < %(north)s
order by e.extent desc limit {_OUTLINES_MOST}
"""  # noqa: S608 - text of ours alone
_LATEST_BOUNDS: Final = """
select min(latest.longitude), min(latest.latitude), max(latest.longitude), max(latest.latitude)
from (
    select e.longitude, e.latitude from exchange.entity e
    where {alive} {of_type} and e.longitude is not null order by e.number desc limit %(most)s
) as latest
"""
_SMALLEST_OUTLINE: Final = 0.1
_GEOMETRY: Final = msgspec.json.Decoder()


async def clusters(
    connection: Connection, tenant: str, view: MapView, type_iri: Iri | None
) -> Sequence[Cluster]:
    """Return what is in view, the fullest cells first."""
    asked = _asked(tenant, type_iri, _CELLS_MOST) | view.edges
    asked |= {"width": view.cell_width, "height": view.cell_height}
    return await fetch_all(connection, Cluster, _narrowed(_CELLS, type_iri), asked)


async def outlines(connection: Connection, tenant: str, view: MapView) -> Sequence[Json]:
    """Return the locations of entities that are wide enough to see, the widest first."""
    extent = view.cell_width * _SMALLEST_OUTLINE
    asked = {"tenant": tenant, "extent": extent, "location": LOCATION} | view.edges
    rows = await fetch_tuples(connection, _OUTLINES, asked)
    return [_GEOMETRY.decode(row[0]) for row in rows]


async def latest_bounds(
    connection: Connection, tenant: str, type_iri: Iri | None
) -> tuple[float, float, float, float] | None:
    """Return west, south, east and north of the 1,000 newest entities that are somewhere."""
    asked = _asked(tenant, type_iri, _LATEST)
    rows = await fetch_tuples(connection, _narrowed(_LATEST_BOUNDS, type_iri), asked)
    west, south, east, north = rows[0]
    return None if west is None else (west, south, east, north)


def _asked(tenant: str, type_iri: Iri | None, most: int) -> dict[str, Any]:
    return {"tenant": tenant, "type": type_iri, "most": most}


def _narrowed(statement: str, type_iri: Iri | None) -> str:
    return statement.format(alive=_ALIVE, of_type="" if type_iri is None else _OF_TYPE)
