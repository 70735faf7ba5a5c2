"""How many entities lie where, kept in cells of grids: what a map of very many is drawn from.

PostgreSQL notes what comes, goes and moves in the commit of each write (``exchange.map_change``).
``MapGrid.run`` adds that to the cells; who asks adds up both, so that nothing is ever missing.
"""

import asyncio
import logging
from math import floor
from typing import Any, Final

from beffroi.exchange.asking import kept_counts
from beffroi.exchange.asking.question import SqlFilter
from beffroi.exchange.asking.reach import Realm
from beffroi.exchange.asking.store import reached
from beffroi.exchange.map.view import MapView
from beffroi.exchange.model import Iri
from beffroi.kernel.database import Database, execute, fetch_value
from beffroi.kernel.database.failures import StatementFailed
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError

_logger = logging.getLogger(__name__)
LEVELS: Final = (8, 11, 14, 16)
"""Of the grids: cells are 360 / 2^level degrees wide and high."""

_FINER: Final = 5
"""A view of zoom z is 360 / 2^z degrees wide: 32 cells of level z + 5."""

_FOLDED_AT_ONCE: Final = 20_000
_EVERY_S: Final = 5.0
_AT_REST_S: Final = 60.0
"""Twice as long each time where nothing changed, so long at most."""
_LOCK: Final = 0x6D6170
_FOLD: Final = """
with gone as (
    delete from exchange.map_change where ctid = any(array(
        select ctid from exchange.map_change limit %s)) returning *
), added as (
    insert into exchange.map_cell as kept (level, tenant, organisation, x, y, only_type,
        entities, longitudes, latitudes)
    select step.level, c.tenant, c.organisation, floor(c.longitude * step.cells),
        floor(c.latitude * step.cells), c.only_type, sum(c.entities),
        sum(c.entities * c.longitude), sum(c.entities * c.latitude)
    from gone c cross join (
        select l.level, 2 ^ l.level / 360 as cells from unnest(%s::smallint[]) as l(level)
    ) as step
    group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6
    on conflict (level, tenant, organisation, x, y, only_type) do update set
        entities = kept.entities + excluded.entities,
        longitudes = kept.longitudes + excluded.longitudes,
        latitudes = kept.latitudes + excluded.latitudes
)
select count(*) from gone
"""
_IN_CELLS: Final = """
select c.x, c.y, c.entities, c.longitudes, c.latitudes from exchange.map_cell c
where c.level = %s and c.tenant = %s and {own} and {typed}
    and c.x = any(%s::integer[])
    and c.y between floor(%s * %s::float8) and floor(%s * %s::float8)
"""
_CHANGED: Final = """
select floor(c.longitude * %s::float8), floor(c.latitude * %s::float8), c.entities,
    c.entities * c.longitude, c.entities * c.latitude
from exchange.map_change c where c.tenant = %s and {own} and {typed}
"""
_SUMMED: Final = """
select sum(entities) as entities, sum(longitudes) / sum(entities) as longitude,
    sum(latitudes) / sum(entities) as latitude
from ({kept}) as kept group by x, y having sum(entities) > 0
"""
_IN_VIEW: Final = "longitude >= %s and longitude < %s and latitude >= %s and latitude < %s"
_OF_TYPE: Final = "c.only_type = hashtextextended(%s, 0)"


class MapGrid:
    """Keeps cells, and counts of types, up with the entities; ``run`` is the background part."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self) -> None:
        """Add to what is kept what changed, until cancelled; what fails is tried again."""
        pause_s = _EVERY_S
        while True:
            try:
                pause_s = _EVERY_S if await self.keep_up() else min(_AT_REST_S, 2 * pause_s)
            except (BeffroiError, StatementFailed) as error:
                _logger.info("map_grid state=waiting reason=%s", error)
            await asyncio.sleep(pause_s)

    async def keep_up(self) -> int:
        """Add all that changed so far; return how much that was.

        Another process that is at it is left to it.
        """
        count = 0
        while True:
            async with self._database.transaction(EVERYTHING) as connection:
                if not await fetch_value(
                    connection, "select pg_try_advisory_xact_lock(%s)", (_LOCK,)
                ):
                    return count
                added = await fetch_value(connection, _FOLD, (_FOLDED_AT_ONCE, list(LEVELS)))
                await execute(connection, "delete from exchange.map_cell where entities = 0")
                counted = await kept_counts.fold(connection, most=_FOLDED_AT_ONCE)
            count += int(added) + counted
            if max(added, counted) < _FOLDED_AT_ONCE:
                return count


def level_for(realm: Realm, view: MapView) -> int | None:
    """Return the level of the grid to draw a view from; nothing: entities have to be counted.

    They have to where others give some of theirs, and where a view is small.
    """
    if realm.reach.grants or not (realm.reach.scope.everything or realm.reach.scope.organisation):
        return None
    return next((one for one in LEVELS if one >= view.zoom + _FINER), None)


def seen_cells(
    realm: Realm, view: MapView, type_iri: Iri | None, level: int
) -> tuple[str, tuple[Any, ...]]:
    """Return a statement for places in view: ``entities`` together, ``longitude``, ``latitude``.

    Those that will expire, and of a type those that have others besides, are counted one by one.
    """
    edges, cells = view.edges, 2**level / 360
    west, east, south, north = (edges[name] for name in ("west", "east", "south", "north"))
    scope = realm.reach.scope
    which = ("true", ()) if scope.everything else ("c.organisation = %s", (scope.organisation,))
    typed = ("true", ()) if type_iri is None else (_OF_TYPE, (type_iri,))
    told = {"own": which[0], "typed": typed[0]}
    kept = f"{_IN_CELLS.format(**told)} union all {_CHANGED.format(**told)}"
    own = (realm.tenant, *which[1], *typed[1])
    parts = [_SUMMED.format(kept=kept)]
    columns = list(range(floor(west * cells), floor(east * cells) + 1))
    values: list[Any] = [level, *own, columns, south, cells, north, cells]
    values += [cells, cells, *own]
    for one in _one_by_one(type_iri):
        single, parameters = reached(realm, one)
        parts.append(f"select 1, e.longitude, e.latitude {single}")
        values += parameters
    places = " union all ".join(parts)
    statement = f"select entities, longitude, latitude from ({places}) as seen where {_IN_VIEW}"  # noqa: S608
    return statement, (*values, west, east, south, north)


def _one_by_one(type_iri: Iri | None) -> list[SqlFilter]:
    """Return which entities the cells do not have, or not by the type asked for."""
    ending = "e.expires_at is not null"
    if type_iri is None:
        return [SqlFilter(ending)]
    typed = "e.types @> %s::text[]"
    return [
        SqlFilter(f"{ending} and {typed}", ([type_iri],)),
        SqlFilter(f"e.expires_at is null and e.only_type = 0 and {typed}", ([type_iri],)),
    ]
