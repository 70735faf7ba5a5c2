"""The only SQL that finds and erases what tells of a person, table by table.

Texts are looked for first; what holds them is then decided on exactly, outside.
"""

from collections.abc import Sequence
from typing import Any, Final

from beffroi.exchange.store import HeldEntity, held_in_row
from beffroi.kernel.database import Connection, execute, fetch_tuples

_OWNED: Final = "(%(owner)s::text is null or {table}organisation = %(owner)s)"
_ENTITIES: Final = """
select e.tenant, e.organisation, e.number, e.id, e.types, e.scopes, e.document::text,
    e.created_at, e.modified_at, e.expires_at
from exchange.entity e
where (e.id = %(id)s or strpos(e.document::text, %(text)s) > 0) and {owned}
order by e.number
"""
_HISTORY: Final = """
select h.tenant, h.entity, h.attribute, h.at, h.written_at, h.ended, h.number,
    exchange.instance_text(h.instance, h.said, h.created_at, h.modified_at)
from exchange.history h
where (h.entity = %(id)s or strpos(coalesce(h.said, h.instance::text), %(text)s) > 0) and {owned}
order by h.at, h.number
"""
_ABOUT_ENTITIES: Final = """
select c.relname from pg_class c
join pg_attribute e on e.attrelid = c.oid and e.attname = 'entity'
join pg_attribute o on o.attrelid = c.oid and o.attname = 'organisation'
where c.relnamespace = 'exchange'::regnamespace and c.relkind in ('r', 'p')
    and not c.relispartition and c.relname <> 'history' order by 1
"""
_TABLES: Final = """
select n.nspname, c.relname
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and c.relname <> 'entity_asked'
    and (n.nspname = 'exchange' or (n.nspname = 'kernel' and c.relname ^@ 'log_'))
order by n.nspname, c.relname
"""


class Asked:
    """For whom, and in whose data, something is looked for."""

    def __init__(self, identifier: str, text: str, owner: str | None) -> None:
        self.parameters = {"id": identifier, "text": text, "owner": owner}


async def take_time(connection: Connection) -> None:
    """Let statements of this transaction read whole tables."""
    await execute(connection, "select set_config('statement_timeout', '600000', true)")


async def hold_followers(connection: Connection) -> None:
    """Wait for those who read the log, and let them wait: what they still write is seen."""
    await fetch_tuples(connection, "select name from kernel.follower order by name for update")


async def entities(connection: Connection, asked: Asked) -> list[tuple[str, HeldEntity]]:
    """Return entities that may tell of a person, each after its tenant."""
    statement = _ENTITIES.format(owned=_OWNED.format(table="e."))
    rows = await fetch_tuples(connection, statement, asked.parameters)
    return [(row[0], held_in_row(row)) for row in rows]


async def history(connection: Connection, asked: Asked) -> list[tuple[Any, ...]]:
    """Return instances that may tell of a person."""
    statement = _HISTORY.format(owned=_OWNED.format(table="h."))
    return await fetch_tuples(connection, statement, asked.parameters)


async def forget_history(connection: Connection, rows: Sequence[tuple[str, str, int]]) -> int:
    """Delete instances, each by its tenant, entity and number."""
    gone = await fetch_tuples(
        connection,
        "with gone as (delete from exchange.history h using "
        "unnest(%s::text[], %s::text[], %s::bigint[]) as asked(tenant, entity, number) "
        "where h.tenant = asked.tenant and h.entity = asked.entity and h.number = asked.number "
        "returning 1) select count(*) from gone",
        tuple([row[place] for row in rows] for place in range(3)),
    )
    return int(gone[0][0])


async def forget_evolutions(connection: Connection, asked: Asked) -> int:
    """Delete what is known of an entity that is no more."""
    owned = _OWNED.format(table="")
    return await _deleted(
        connection,
        f"delete from exchange.evolution where id = %(id)s and {owned}",  # noqa: S608
        asked,
    )


async def forget_named(connection: Connection, asked: Asked) -> int:
    """Delete the rows of other tables that are about an entity: figures over time, devices."""
    gone = 0
    for (table,) in await fetch_tuples(connection, _ABOUT_ENTITIES):
        owned = _OWNED.format(table="")
        gone += await _deleted(
            connection,
            f'delete from exchange."{table}" where entity = %(id)s and {owned}',  # noqa: S608
            asked,
        )
    return gone


async def texts_of(
    connection: Connection, table: str, columns: Sequence[str], asked: Asked
) -> list[tuple[Any, ...]]:
    """Return rows of a table that may tell of a person: where they are, then their texts."""
    shown = ", ".join(f"t.{one}::text" for one in columns)
    met = " or ".join(f"strpos(t.{one}::text, %(text)s) > 0" for one in columns)
    owned = _OWNED.format(table="t.") if table != "occasion" else "true"
    statement = f"select t.ctid::text, {shown} from exchange.{table} t where ({met}) and {owned}"  # noqa: S608
    return await fetch_tuples(connection, statement, asked.parameters)


async def forget_rows(connection: Connection, table: str, places: Sequence[str]) -> int:
    """Delete rows that ``texts_of`` returned in the same transaction."""
    if table == "occasion":
        await execute(
            connection,
            "delete from exchange.delivery d using exchange.occasion o "
            "where d.number >> 20 = o.number and o.ctid = any(%s::text[]::tid[])",
            (list(places),),
        )
    rows = await fetch_tuples(
        connection,
        f"with gone as (delete from exchange.{table} where ctid = any(%s::text[]::tid[]) "  # noqa: S608
        "returning 1) select count(*) from gone",
        (list(places),),
    )
    return int(rows[0][0])


async def rename_accesses(connection: Connection, asked: Asked, mark: str, pattern: str) -> int:
    """Put a mark in the place of an id in the journal of accesses; a pattern finds it in texts."""
    owned = _OWNED.format(table="")
    rows = await fetch_tuples(
        connection,
        "with renamed as (update exchange.access set ids = array_replace(ids, %(id)s, %(mark)s), "  # noqa: S608
        "purpose = regexp_replace(purpose, %(pattern)s, %(mark)s, 'g') "
        "where (ids @> array[%(id)s::text] or purpose ~ %(pattern)s) "
        f"and {owned} returning 1) select count(*) from renamed",
        {**asked.parameters, "mark": mark, "pattern": pattern},
    )
    return int(rows[0][0])


async def tables_with(connection: Connection, text: str) -> list[str]:
    """Return the tables of the exchange, and the log, in which a text still stands."""
    found = []
    for schema, table in await fetch_tuples(connection, _TABLES):
        rows = await fetch_tuples(
            connection,
            f'select exists (select from "{schema}"."{table}" t where strpos(t::text, %s) > 0)',  # noqa: S608
            (text,),
        )
        if rows[0][0]:
            found.append(f"{schema}.{table}")
    return found


async def _deleted(connection: Connection, statement: str, asked: Asked) -> int:
    rows = await fetch_tuples(
        connection,
        f"with gone as ({statement} returning 1) select count(*) from gone",  # noqa: S608
        asked.parameters,
    )
    return int(rows[0][0])
