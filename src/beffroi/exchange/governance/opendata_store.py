"""The only SQL that tells how much of a data set there is, where and since when."""

from datetime import datetime

import msgspec

from beffroi.exchange.asking.question import SqlFilter
from beffroi.exchange.asking.reach import Realm
from beffroi.exchange.asking.store import reached
from beffroi.exchange.model import Iri
from beffroi.kernel.database import Connection, fetch_tuples


class Extent(msgspec.Struct, frozen=True):
    """What a data set covers.

    Attributes:
        bounds: West, south, east and north, in degrees; nothing where places are not shown.
    """

    entities: int
    since: datetime | None
    changed_at: datetime | None
    bounds: tuple[float, float, float, float] | None


async def extent_of(connection: Connection, realm: Realm, type_iri: Iri) -> Extent:
    """Return what is seen of a type."""
    which, parameters = reached(realm, SqlFilter("e.types @> array[%s::text]", (type_iri,)))
    rows = await fetch_tuples(
        connection,
        "select count(*), min(e.created_at), max(e.modified_at), min(e.longitude), "
        f"min(e.latitude), max(e.longitude), max(e.latitude) {which}",
        parameters,
    )
    count, since, changed_at, west, south, east, north = rows[0]
    bounds = None if west is None else (west, south, east, north)
    return Extent(count, since, changed_at, bounds)
