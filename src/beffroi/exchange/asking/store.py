"""The only SQL that answers questions over entities; each statement carries a reach."""

from collections.abc import Sequence
from typing import Any, Final

from beffroi.exchange.asking.question import SqlFilter
from beffroi.exchange.asking.reach import ENTITIES, Realm
from beffroi.exchange.store import HeldEntity, held_in_row
from beffroi.kernel.database import Connection, execute, fetch_tuples

_HELD: Final = """
select e.tenant, e.organisation, e.number, e.id, e.types, e.scopes, e.document::text,
    e.created_at, e.modified_at, e.expires_at
"""
_TYPES_MOST: Final = 8
"""Questions about more types are read in the order of creation of all."""


def reached(
    realm: Realm, asked: SqlFilter, also: str = "", *, expired: bool = False
) -> tuple[str, tuple[Any, ...]]:
    """Return what follows ``select``: entities of a realm that are asked for, as ``e``.

    Args:
        realm: Whose.
        asked: Which of them.
        also: What they are joined with.
        expired: Those that are there no more, and were not deleted yet, in the place of others.
    """
    rows, own = realm.reach.rows()
    there = "e.expires_at <= now()" if expired else "(e.expires_at is null or e.expires_at > now())"
    which = (
        f"from {rows.sql} {also} where e.tenant = %s and {there} and ({own.sql}) and ({asked.sql})"
    )
    return which, (*rows.parameters, realm.tenant, *own.parameters, *asked.parameters)


async def entity_by_id(connection: Connection, realm: Realm, entity_id: str) -> HeldEntity | None:
    """Return an entity that has not ended."""
    which, parameters = reached(realm, SqlFilter("e.id = %s", (entity_id,)))
    rows = await fetch_tuples(connection, f"{_HELD} {which}", parameters)
    return held_in_row(rows[0]) if rows else None


async def entities(
    connection: Connection,
    realm: Realm,
    asked: SqlFilter,
    *,
    after: int = 0,
    limit: int,
) -> Sequence[HeldEntity]:
    """Return entities that a condition holds for, in the order of creation.

    Args:
        connection: Where to.
        realm: Whose.
        asked: The condition.
        after: The number of the last one seen.
        limit: How many at most.
    """
    parts = [_limited(realm, one, _HELD, after, limit) for one in by_type(realm, asked)]
    which, parameters = _joined(parts)
    rows = await fetch_tuples(
        connection,
        f"select * from ({which}) as e order by e.number limit %s",  # noqa: S608
        (*parameters, limit),
    )
    return [held_in_row(row) for row in rows]


async def entities_beyond(
    connection: Connection, realm: Realm, asked: SqlFilter, *, offset: int, limit: int
) -> Sequence[HeldEntity]:
    """Return entities that a condition holds for, in the order of creation, past the first ones.

    Those that are passed over are not looked at where an index tells which they are.
    """
    parts = [
        _limited(realm, one, "select e.number", 0, offset + limit) for one in by_type(realm, asked)
    ]
    numbers, parameters = _joined(parts)
    chosen = f"select number from ({numbers}) as e order by number offset %s limit %s"  # noqa: S608
    which, values = reached(
        realm, SqlFilter(f"e.number = any(array({chosen}))", (*parameters, offset, limit))
    )
    rows = await fetch_tuples(connection, f"{_HELD} {which} order by e.number", values)
    return [held_in_row(row) for row in rows]


async def few_numbers(
    connection: Connection, realm: Realm, conditions: Sequence[SqlFilter], most: int
) -> list[int] | None:
    """Return the numbers of entities that one of some conditions holds for; None for too many.

    Without an order there is one way for PostgreSQL to find them: the index of each condition, read
    no further than told. A bitmap would be made of all that the index holds.
    """
    await execute(connection, "set local enable_bitmapscan = off")
    parts = []
    for one in conditions:
        which, parameters = reached(realm, one)
        parts.append((f"(select e.number {which} limit %s)", (*parameters, most + 1)))
    statement, values = _joined(parts)
    rows = await fetch_tuples(connection, statement, values)
    await execute(connection, "set local enable_bitmapscan = on")
    return None if len(rows) > most else sorted({row[0] for row in rows})


async def met_early(connection: Connection, realm: Realm, asked: SqlFilter, most: int) -> int:
    """Count those that a condition holds for among the first of its types, or of all.

    Args:
        connection: Where to.
        realm: Whose.
        asked: The condition.
        most: How many to look at of each part of the order of creation.
    """
    parts = []
    for one in by_type(realm, SqlFilter("true", types=asked.types)):
        which, parameters = reached(realm, one)
        parts.append((f"(select e.* {which} order by e.number limit %s)", (*parameters, most)))
    first, values = _joined(parts)
    rows = await fetch_tuples(
        connection,
        f"select count(*) from ({first}) as e where {asked.sql}",  # noqa: S608
        (*values, *asked.parameters),
    )
    return int(rows[0][0])


async def entity_ids(connection: Connection, realm: Realm, asked: SqlFilter) -> list[str]:
    """Return the ids of all entities that a condition holds for, in the order of creation."""
    which, parameters = reached(realm, asked)
    rows = await fetch_tuples(connection, f"select e.id {which} order by e.number", parameters)
    return [row[0] for row in rows]


async def count_entities(connection: Connection, realm: Realm, asked: SqlFilter) -> int:
    """Count entities that a condition holds for."""
    parts = []
    for one in by_type(realm, asked):
        which, parameters = reached(realm, one)
        parts.append((f"(select count(*) as entities {which})", parameters))
    counts, values = _joined(parts)
    rows = await fetch_tuples(
        connection,
        f"select sum(entities) from ({counts}) as counted",  # noqa: S608
        values,
    )
    return int(rows[0][0])


def is_whole(realm: Realm) -> bool:
    """Tell whether entities are read as they are, with every column, from their own table."""
    return realm.reach.rows()[0].sql == ENTITIES


def by_type(realm: Realm, asked: SqlFilter) -> Sequence[SqlFilter]:
    """Return a condition in parts that have nothing in common, each in the order of an index."""
    if not asked.types or len(asked.types) > _TYPES_MOST or not is_whole(realm):
        return [asked]
    left = SqlFilter("true") if asked.is_type_alone else asked
    parts = [
        SqlFilter(
            f"e.only_type = hashtextextended(%s, 0) and ({left.sql})", (iri, *left.parameters)
        )
        for iri in asked.types
    ]
    return [*parts, SqlFilter(f"e.only_type = 0 and ({asked.sql})", asked.parameters)]


def _limited(
    realm: Realm, asked: SqlFilter, columns: str, after: int, limit: int
) -> tuple[str, tuple[Any, ...]]:
    which, parameters = reached(realm, asked)
    return (
        f"({columns} {which} and e.number > %s order by e.number limit %s)",
        (*parameters, after, limit),
    )


def _joined(parts: Sequence[tuple[str, tuple[Any, ...]]]) -> tuple[str, tuple[Any, ...]]:
    return (
        " union all ".join(statement for statement, _ in parts),
        tuple(value for _, parameters in parts for value in parameters),
    )
