"""The only SQL of the exchange's entities and their history."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import msgspec

from beffroi.exchange.asking import SqlFilter
from beffroi.exchange.model import Attribute, Entity, Iri
from beffroi.kernel.database import Connection, execute, fetch_tuples, fetch_value

Key = tuple[str, str]
"""A tenant and an id."""

Attributes = dict[Iri, tuple[Attribute, ...]]
_ATTRIBUTES: Final = msgspec.json.Decoder(Attributes)
_ENCODER: Final = msgspec.json.Encoder()


class HeldEntity(msgspec.Struct, frozen=True, gc=False):
    """An entity, and whose it is.

    Attributes:
        organisation: Of the account that created it.
        number: In the order of creation.
    """

    organisation: str
    number: int
    entity: Entity


class EntityRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An entity as it is written.

    Attributes:
        bounds: Of its location, as PostgreSQL writes a box, in degrees.
    """

    tenant: str
    organisation: str
    id: str
    types: tuple[Iri, ...]
    scopes: tuple[str, ...]
    document: Attributes
    bounds: str | None
    created_at: datetime | None
    modified_at: datetime | None
    expires_at: datetime | None


class ChangeRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is written of an entity of which nothing but attributes changed.

    Attributes:
        changed: Attributes that are new or other than before.
        gone: Names of those that are no more.
    """

    tenant: str
    id: str
    changed: Attributes
    gone: tuple[Iri, ...]
    modified_at: datetime | None


class HistoryRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An instance of an attribute as it was.

    Attributes:
        at: When it was observed, else when it was written.
        ended: It was deleted then.
        value: Where it is a number.
    """

    tenant: str
    entity: str
    organisation: str
    at: datetime
    written_at: datetime
    ended: bool
    value: float | None
    attribute: Iri
    dataset_id: str
    instance: Attribute


class EvolutionRow(msgspec.Struct, frozen=True, kw_only=True):
    """An entity as history alone knows it."""

    tenant: str
    organisation: str
    id: str
    types: tuple[Iri, ...]
    scopes: tuple[str, ...]
    created_at: datetime | None
    modified_at: datetime | None
    deleted_at: datetime | None


_HELD: Final = """
select e.tenant, e.organisation, e.number, e.id, e.types, e.scopes, e.document::text,
    e.created_at, e.modified_at, e.expires_at
from exchange.entity e
"""
_FOR_UPDATE: Final = (
    _HELD + "join unnest(%s::text[], %s::text[]) as asked(tenant, id) using (tenant, id) "
    "order by e.tenant, e.id for update of e"
)
_OF_TENANT: Final = "where e.tenant = %s and (e.expires_at is null or e.expires_at > now()) "
_KEEP: Final = """
insert into exchange.entity (tenant, id, organisation, types, scopes, document, bounds,
    created_at, modified_at, expires_at)
select tenant, id, organisation, types, scopes, document, bounds, created_at, modified_at,
    expires_at
from jsonb_to_recordset(%s::jsonb) as given(tenant text, id text, organisation text,
    types text[], scopes text[], document jsonb, bounds box, created_at timestamptz,
    modified_at timestamptz, expires_at timestamptz)
on conflict (tenant, id) do update set organisation = excluded.organisation,
    types = excluded.types, scopes = excluded.scopes,
    document = excluded.document, bounds = excluded.bounds, created_at = excluded.created_at,
    modified_at = excluded.modified_at, expires_at = excluded.expires_at
"""
_CHANGE: Final = """
update exchange.entity e
set document = (e.document - given.gone) || given.changed, modified_at = given.modified_at
from jsonb_to_recordset(%s::jsonb) as given(tenant text, id text, changed jsonb, gone text[],
    modified_at timestamptz)
where e.tenant = given.tenant and e.id = given.id
"""
# Of the json only the instances become jsonb: that is a fifth less to do than of jsonb.
_ADD_HISTORY: Final = """
insert into exchange.history (tenant, entity, attribute, dataset_id, organisation, at, written_at,
    ended, value, instance)
select tenant, entity, attribute, dataset_id, organisation, at, written_at, ended, value, instance
from json_to_recordset(%s::json) as given(tenant text, entity text, attribute text,
    dataset_id text, organisation text, at timestamptz, written_at timestamptz, ended boolean,
    value float8, instance jsonb)
"""
_KEEP_EVOLUTION: Final = """
insert into exchange.evolution (tenant, id, organisation, types, scopes, created_at, modified_at,
    deleted_at)
select tenant, id, organisation, types, scopes, created_at, modified_at, deleted_at
from jsonb_to_recordset(%s::jsonb) as given(tenant text, id text, organisation text,
    types text[], scopes text[], created_at timestamptz, modified_at timestamptz,
    deleted_at timestamptz)
on conflict (tenant, id) do update set types = excluded.types, scopes = excluded.scopes,
    created_at = least(evolution.created_at, excluded.created_at),
    modified_at = excluded.modified_at, deleted_at = excluded.deleted_at
"""


async def held_for_update(connection: Connection, keys: Sequence[Key]) -> Mapping[Key, HeldEntity]:
    """Return those that exist; until the transaction ends nobody else changes them."""
    tenants, ids = [tenant for tenant, _ in keys], [key for _, key in keys]
    rows = await fetch_tuples(connection, _FOR_UPDATE, (tenants, ids))
    return {(row[0], row[3]): _held(row) for row in rows}


async def keep_entities(connection: Connection, rows: Sequence[EntityRow]) -> None:
    """Create entities, or put them in the place of those of their id."""
    await execute(connection, _KEEP, (_ENCODER.encode(rows).decode(),))


async def change_entities(connection: Connection, rows: Sequence[ChangeRow]) -> None:
    """Write what changed of entities that ``held_for_update`` found."""
    await execute(connection, _CHANGE, (_ENCODER.encode(rows).decode(),))


async def forget_entities(connection: Connection, keys: Sequence[Key]) -> None:
    """Delete entities; their history stays."""
    await execute(
        connection,
        "delete from exchange.entity e using unnest(%s::text[], %s::text[]) as gone(tenant, id) "
        "where e.tenant = gone.tenant and e.id = gone.id",
        ([tenant for tenant, _ in keys], [key for _, key in keys]),
    )


async def add_history(connection: Connection, rows: Sequence[HistoryRow]) -> None:
    """Keep what was so; the days that they were written on have their partitions."""
    await execute(connection, _ADD_HISTORY, (_ENCODER.encode(rows).decode(),))


async def keep_evolutions(connection: Connection, rows: Sequence[EvolutionRow]) -> None:
    """Keep what history needs to know of entities that are nowhere else."""
    await execute(connection, _KEEP_EVOLUTION, (_ENCODER.encode(rows).decode(),))


async def keep_day(connection: Connection, day: date) -> bool:
    """Make the partition of a day of history where it is not there yet.

    Returns:
        Whether it was: one that is made now goes again if the transaction fails.
    """
    return bool(await fetch_value(connection, "select exchange.keep_day(%s)", (day,)))


async def add_tenants(connection: Connection, names: Sequence[str]) -> bool:
    """Make tenants that are not there yet.

    Returns:
        Whether all were there before.
    """
    added = await execute(
        connection,
        "insert into exchange.tenant (name) select unnest(%s::text[]) on conflict do nothing",
        (list(names),),
    )
    return added == 0


async def tenant_exists(connection: Connection, name: str) -> bool:
    """Tell whether anything was ever kept under a tenant."""
    found = await fetch_value(
        connection, "select exists (select from exchange.tenant where name = %s)", (name,)
    )
    return bool(found)


async def entity_by_id(connection: Connection, key: Key) -> HeldEntity | None:
    """Return an entity that has not ended."""
    rows = await fetch_tuples(connection, _HELD + _OF_TENANT + "and e.id = %s", key)
    return _held(rows[0]) if rows else None


async def entities(
    connection: Connection,
    tenant: str,
    asked: SqlFilter,
    *,
    after: int = 0,
    offset: int = 0,
    limit: int,
) -> Sequence[HeldEntity]:
    """Return entities that a condition holds for, in the order of creation.

    Args:
        connection: Where to.
        tenant: Whose.
        asked: The condition.
        after: The number of the last one seen.
        offset: How many to pass over.
        limit: How many at most.
    """
    rows = await fetch_tuples(
        connection,
        f"{_HELD}{_OF_TENANT}and ({asked.sql}) and e.number > %s order by e.number "
        "offset %s limit %s",
        (tenant, *asked.parameters, after, offset, limit),
    )
    return [_held(row) for row in rows]


async def count_entities(connection: Connection, tenant: str, asked: SqlFilter) -> int:
    """Count entities that a condition holds for."""
    rows = await fetch_tuples(
        connection,
        f"select count(*) from exchange.entity e {_OF_TENANT}and ({asked.sql})",  # noqa: S608
        (tenant, *asked.parameters),
    )
    return int(rows[0][0])


def _held(row: tuple[Any, ...]) -> HeldEntity:
    _, organisation, number, key, types, scopes, document, created_at, modified_at, expires_at = row
    entity = Entity(
        id=key,
        types=tuple(types),
        scopes=tuple(scopes),
        attributes=_ATTRIBUTES.decode(document),
        created_at=created_at,
        modified_at=modified_at,
        expires_at=expires_at,
    )
    return HeldEntity(organisation, number, entity)
