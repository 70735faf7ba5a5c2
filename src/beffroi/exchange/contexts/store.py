"""The only SQL of the @contexts that are kept."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from beffroi.exchange.contexts.model import ContextDocument, ContextKind, KeptContext
from beffroi.exchange.contexts.uses import Uses
from beffroi.kernel.database import Connection, execute, fetch_all, fetch_tuples, fetch_value

_COLUMNS: Final = "id, kind, name, organisation, created_at, last_used_at, hits"
_ADD: Final = """
insert into exchange.context (id, tenant, kind, name, organisation, document, created_at)
values (%s, %s, %s, %s, %s, %s, %s)
"""


async def context_named(connection: Connection, tenant: str, name: str) -> ContextDocument | None:
    """Return what a tenant knows by an id, or everyone by the address that it was fetched from."""
    rows = await fetch_tuples(
        connection,
        f"select {_COLUMNS}, document::text from exchange.context "  # noqa: S608
        "where id = %(name)s and (tenant = %(tenant)s or kind = 'Cached') "
        "or tenant = '' and kind = 'Cached' and name = %(name)s",
        {"tenant": tenant, "name": name},
    )
    return _document(rows[0]) if rows else None


async def contexts_of(
    connection: Connection, tenant: str, kinds: Sequence[ContextKind]
) -> Sequence[KeptContext]:
    """Return what a tenant knows, the oldest first."""
    return await fetch_all(
        connection,
        KeptContext,
        "select id, kind, name, organisation, created_at, last_used_at, hits "
        "from exchange.context where kind = any(%s) and (tenant = %s or kind = 'Cached') "
        "order by created_at, id",
        (list(kinds), tenant),
    )


async def add_context(connection: Connection, tenant: str, added: ContextDocument) -> None:
    """Keep one that is not there yet."""
    await execute(connection, _ADD, _values(tenant, added))


async def keep_by_name(
    connection: Connection, tenant: str, given: ContextDocument
) -> tuple[KeptContext, bool]:
    """Keep one by its name, in the place of that which says something else.

    Returns:
        What is kept, and whether something else was.
    """
    stale = await fetch_value(
        connection,
        "select document::text <> %s from exchange.context "
        "where tenant = %s and kind = %s and name = %s",
        (_text(given), tenant, given.kept.kind, given.kept.name),
    )
    rows = await fetch_tuples(
        connection,
        f"{_ADD} on conflict (tenant, kind, name) where name <> '' do update "
        "set document = excluded.document, created_at = case "
        "when context.document::text = excluded.document::text then context.created_at "
        f"else excluded.created_at end returning {_COLUMNS}",
        _values(tenant, given),
    )
    return _kept(rows[0]), stale is True


async def id_by_name(
    connection: Connection, tenant: str, kind: ContextKind, name: str
) -> str | None:
    """Return the id of what is kept by a name."""
    found: str | None = await fetch_value(
        connection,
        "select id from exchange.context where tenant = %s and kind = %s and name = %s",
        (tenant, kind, name),
    )
    return found


async def forget_context(connection: Connection, context_id: str) -> int:
    """Delete one; return how many there were."""
    return await execute(connection, "delete from exchange.context where id = %s", (context_id,))


async def forget_least_used(connection: Connection, most: int) -> None:
    """Delete copies beyond a number: those that were not used for longest."""
    await execute(
        connection,
        "delete from exchange.context where id in (select id from exchange.context "
        "where tenant = '' and kind = 'Cached' "
        "order by coalesce(last_used_at, created_at) desc offset %s)",
        (most,),
    )


async def add_uses(connection: Connection, uses: Mapping[str, Uses]) -> None:
    """Count uses; those of a @context that is gone are lost."""
    await execute(
        connection,
        "update exchange.context c set hits = c.hits + used.hits, "
        "last_used_at = greatest(c.last_used_at, used.last_at) "
        "from unnest(%s::text[], %s::bigint[], %s::timestamptz[]) as used(id, hits, last_at) "
        "where c.id = used.id",
        (
            list(uses),
            [one.hits for one in uses.values()],
            [one.last_at for one in uses.values()],
        ),
    )


def _values(tenant: str, given: ContextDocument) -> tuple[Any, ...]:
    kept = given.kept
    return (
        kept.id,
        tenant,
        kept.kind,
        kept.name,
        kept.organisation,
        _text(given),
        kept.created_at,
    )


def _text(given: ContextDocument) -> str:
    return msgspec.json.encode(given.content).decode()


def _document(row: tuple[Any, ...]) -> ContextDocument:
    return ContextDocument(_kept(row), msgspec.json.decode(row[7]))


def _kept(row: tuple[Any, ...]) -> KeptContext:
    return KeptContext(
        id=row[0],
        kind=ContextKind(row[1]),
        name=row[2],
        organisation=row[3],
        created_at=row[4],
        last_used_at=row[5],
        hits=row[6],
    )
