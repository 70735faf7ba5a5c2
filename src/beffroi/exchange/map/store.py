"""Where entities are, in SQL: counted by the cells of a grid, their outlines."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from beffroi.exchange.asking.question import SqlFilter, of_type
from beffroi.exchange.asking.reach import Realm
from beffroi.exchange.asking.store import by_type, reached
from beffroi.exchange.map.grid import level_for, seen_cells
from beffroi.exchange.map.view import ZOOM_MOST, Cluster, MapView
from beffroi.exchange.model import LOCATION, Iri, Json
from beffroi.exchange.query.logic import EVERYTHING
from beffroi.kernel.database import Connection, fetch_tuples

_CELLS_MOST: Final = 60
_OUTLINES_MOST: Final = 400
_LATEST: Final = 1_000
_IN_VIEW: Final = "e.longitude >= %s and e.longitude < %s and e.latitude >= %s and e.latitude < %s"
_CELLS: Final = """
with seen as materialized ({seen}), counted as (
    select floor(longitude / %s) as x, floor(latitude / %s) as y,
        sum(entities)::bigint as entities, sum(entities * longitude) / sum(entities) as longitude,
        sum(entities * latitude) / sum(entities) as latitude
    from seen group by 1, 2 order by 3 desc, 1, 2 limit %s
)
select counted.entities, counted.longitude, counted.latitude, coalesce(one.id, '')
from counted left join lateral (
    select e.id {single} and (counted.entities = 1 or %s) limit 1
) as one on true
order by counted.entities desc, counted.x, counted.y
"""
_IN_CELL: Final = """
e.bounds && box(point(counted.x * %s, counted.y * %s),
        point((counted.x + 1) * %s, (counted.y + 1) * %s))
    and floor(e.longitude / %s) = counted.x and floor(e.latitude / %s) = counted.y
"""
_WIDE: Final = """
e.extent > 0 and e.extent > %s
    and e.longitude + e.extent / 2 >= %s and e.longitude - e.extent / 2 < %s
    and e.latitude + e.extent / 2 >= %s and e.latitude - e.extent / 2 < %s
"""
_LATEST_BOUNDS: Final = """
select min(latest.longitude), min(latest.latitude), max(latest.longitude), max(latest.latitude)
from (select e.longitude, e.latitude {reached} order by e.number desc limit %s) as latest
"""
_SMALLEST_OUTLINE: Final = 0.1
_GEOMETRY: Final = msgspec.json.Decoder()


async def clusters(
    connection: Connection, realm: Realm, view: MapView, type_iri: Iri | None
) -> Sequence[Cluster]:
    """Return what is in view, the fullest cells first."""
    level = level_for(realm, view)
    if level is None:
        seen, parameters = _one_by_one(realm, view, type_iri)
    else:
        seen, parameters = seen_cells(realm, view, type_iri, level)
    width, height = view.cell_width, view.cell_height
    in_cell = SqlFilter(_IN_CELL, (width, height) * 3)
    single, own = reached(realm, _of_type(in_cell, type_iri))
    rows = await fetch_tuples(
        connection,
        _CELLS.format(seen=seen, single=single),
        (*parameters, width, height, _CELLS_MOST, *own, view.zoom == ZOOM_MOST),
    )
    return [Cluster(*row) for row in rows]


def _one_by_one(realm: Realm, view: MapView, type_iri: Iri | None) -> tuple[str, tuple[Any, ...]]:
    parts: list[str] = []
    parameters: list[Any] = []
    for one in [EVERYTHING] if type_iri is None else by_type(realm, of_type(type_iri)):
        asked = SqlFilter(f"{_IN_VIEW} and ({one.sql})", (*_edges(view), *one.parameters))
        which, values = reached(realm, asked)
        parts.append(f"select 1 as entities, e.longitude, e.latitude {which}")
        parameters += values
    return " union all ".join(parts), tuple(parameters)


async def outlines(connection: Connection, realm: Realm, view: MapView) -> Sequence[Json]:
    """Return the locations of entities that are wide enough to see, the widest first."""
    extent = view.cell_width * _SMALLEST_OUTLINE
    which, parameters = reached(realm, SqlFilter(_WIDE, (extent, *_edges(view))))
    rows = await fetch_tuples(
        connection,
        f"select (e.document -> %s -> 0 -> 'value')::text {which} order by e.extent desc limit %s",
        (LOCATION, *parameters, _OUTLINES_MOST),
    )
    return [_GEOMETRY.decode(row[0]) for row in rows]


async def latest_bounds(
    connection: Connection, realm: Realm, type_iri: Iri | None
) -> tuple[float, float, float, float] | None:
    """Return west, south, east and north of the 1,000 newest entities that are somewhere."""
    which, parameters = reached(realm, _of_type(SqlFilter("e.longitude is not null"), type_iri))
    rows = await fetch_tuples(
        connection, _LATEST_BOUNDS.format(reached=which), (*parameters, _LATEST)
    )
    west, south, east, north = rows[0]
    return None if west is None else (west, south, east, north)


def _edges(view: MapView) -> tuple[float, ...]:
    edges = view.edges
    return (edges["west"], edges["east"], edges["south"], edges["north"])


def _of_type(asked: SqlFilter, type_iri: Iri | None) -> SqlFilter:
    if type_iri is None:
        return asked
    typed = of_type(type_iri)
    return SqlFilter(f"({asked.sql}) and {typed.sql}", (*asked.parameters, *typed.parameters))
