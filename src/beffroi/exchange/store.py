"""The only SQL of the exchange's entities and their history."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import msgspec

from beffroi.exchange.model import Attribute, Entity, Iri
from beffroi.exchange.writing.history_columns import HistoryColumns
from beffroi.kernel.database import Connection, execute, fetch_tuples, fetch_value
from beffroi.kernel.database.columns import (
    EncodedTexts,
    Texts,
    Times,
    array_text,
    often_alike,
    storable_lines,
)
from beffroi.kernel.errors import ConflictError

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


class FoundEntity(msgspec.Struct, frozen=True, gc=False):
    """An entity as the writer finds it.

    Attributes:
        version: Changes with every write.
        size: Of its document as text.
        held: Nothing where the version was known.
        place: Where it lies for as long as it is locked; nothing where it was just written.
    """

    version: str
    size: int
    held: HeldEntity | None
    place: str = ""


class KeptEntity(msgspec.Struct, frozen=True, gc=False):
    """What PostgreSQL made of an entity that was written whole.

    Attributes:
        version: As of ``FoundEntity``.
        number: As of ``HeldEntity``.
        size: Of its document as text.
        is_new: None of its id was there.
    """

    version: str
    number: int
    size: int
    is_new: bool


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

    id: str
    changed: Attributes
    gone: tuple[Iri, ...]
    modified_at: datetime | None


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


# Locked one after another in the order asked for: two groups that meet wait, and do not deadlock.
# Where the version that the caller knows still holds, documents are not even looked at. That is
# told with the row: one that was waited for is asked again, what it is joined to is not.
# «is not distinct from»: of all indexes, the key alone begins with what is asked for.
_FOR_UPDATE: Final = """
select locked.tenant, locked.id, locked.xmin::text, locked.ctid::text, {held}
from unnest(%s::text[], %s::text[], %s::text[]) as asked(tenant, id, version)
cross join lateral (
    select e.*, e.xmin, e.ctid, e.xmin::text <> asked.version as is_other
    from exchange.entity e
    where e.id = asked.id and e.tenant is not distinct from asked.tenant for update of e
) as locked
""".format(  # noqa: S608 - text of ours alone
    held=", ".join(
        f"case when locked.is_other then locked.{column} end"
        for column in (
            *("organisation", "number", "types", "scopes", "document::text"),
            *("created_at", "modified_at", "expires_at"),
        )
    )
)
# Numbered in the order given, written in that of keys: two groups that make the same entities wait,
# and do not deadlock.
_KEEP: Final = """
insert into exchange.entity (number, tenant, id, organisation, types, scopes, document, bounds,
    created_at, modified_at, expires_at) overriding system value
select * from (select nextval('exchange.entity_number_seq'),
    coalesce(given.tenant, %s) as tenant, id, coalesce(given.organisation, %s),
    coalesce(given.types, %s)::text[], coalesce(given.scopes, %s)::text[], document::jsonb,
    bounds::box, coalesce(given.created_at, %s::timestamptz),
    coalesce(given.modified_at, %s::timestamptz), coalesce(given.expires_at, %s::timestamptz)
from unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[],
    %s::timestamptz[], %s::text[], %s::text[], %s::text[])
    as given(tenant, organisation, types, scopes, created_at, modified_at, expires_at,
        id, bounds, document)) as numbered
order by tenant, id
on conflict (tenant, id) do update set organisation = excluded.organisation,
    types = excluded.types, scopes = excluded.scopes,
    document = excluded.document, bounds = excluded.bounds, created_at = excluded.created_at,
    modified_at = excluded.modified_at, expires_at = excluded.expires_at
returning tenant, id, number, xmin::text, xmax = 0
"""
# By the place where a row was found, which stays as long as it is locked: neither is it looked for
# again, nor has PostgreSQL another way. What casts could tell would have to be hidden: no casts.
_CHANGE: Final = """
with changed as (
    update exchange.entity e set
        document = case when given.gone is null then e.document
            else e.document - given.gone::text[] end || given.changed::jsonb,
        modified_at = coalesce(given.modified_at, %s::timestamptz)
    from unnest((select %s::timestamptz[]), (select %s::text[]::tid[]), (select %s::text[]),
        (select %s::text[])) as given(modified_at, place, changed, gone)
    where e.ctid = given.place
    returning e.xmin
)
select (select xmin::text from changed limit 1), (select count(*) from changed)
"""
_ADD_HISTORY: Final = """
insert into exchange.history (tenant, organisation, dataset_id, written_at, ended, at, created_at,
    modified_at, entity, attribute, value, said)
select coalesce(given.tenant, %s), coalesce(given.organisation, %s),
    coalesce(given.dataset_id, %s), coalesce(given.written_at, %s::timestamptz),
    coalesce(given.ended, %s), coalesce(given.at, %s::timestamptz),
    coalesce(given.created_at, %s::timestamptz), coalesce(given.modified_at, %s::timestamptz),
    given.entity, given.attribute, given.value, given.said
from unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::boolean[],
    %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::text[], %s::float8[],
    %s::text[]) as given(tenant, organisation, dataset_id, written_at, ended, at, created_at,
        modified_at, entity, attribute, value, said)
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


async def held_for_update(
    connection: Connection, keys: Sequence[Key], known: Mapping[Key, str]
) -> Mapping[Key, FoundEntity]:
    """Return those that exist; until the transaction ends nobody else changes them.

    Args:
        connection: Where to.
        keys: Which, in order.
        known: Versions of those that the caller knows: where one still holds, the entity itself
            is left out.
    """
    asked = (
        Texts([tenant for tenant, _ in keys]),
        Texts([entity_id for _, entity_id in keys]),
        Texts([known.get(key, "") for key in keys]),
    )
    rows = await fetch_tuples(connection, _FOR_UPDATE, asked)
    return {(row[0], row[1]): _found(row) for row in rows}


async def keep_entities(
    connection: Connection, rows: Sequence[EntityRow]
) -> Mapping[Key, KeptEntity]:
    """Create entities, or put them in the place of those of their id."""
    alike = often_alike(
        (Texts, [one.tenant for one in rows]),
        (Texts, [one.organisation for one in rows]),
        (Texts, [array_text(one.types) for one in rows]),
        (Texts, [array_text(one.scopes) for one in rows]),
        (Times, [one.created_at for one in rows]),
        (Times, [one.modified_at for one in rows]),
        (Times, [one.expires_at for one in rows]),
    )
    documents = storable_lines([one.document for one in rows])
    own = (
        Texts([one.id for one in rows]),
        Texts([one.bounds for one in rows]),
        EncodedTexts(documents),
    )
    kept = await fetch_tuples(connection, _KEEP, (*alike, *own))
    sizes = {(row.tenant, row.id): len(one) for row, one in zip(rows, documents, strict=True)}
    return {
        (tenant, key): KeptEntity(version, number, sizes[tenant, key], is_new)
        for tenant, key, number, version, is_new in kept
    }


async def change_entities(
    connection: Connection, places: Sequence[str], rows: Sequence[ChangeRow]
) -> tuple[str, Sequence[int]]:
    """Write what changed of entities that ``held_for_update`` found.

    Args:
        connection: Where to.
        places: Where each was found.
        rows: What changed.

    Returns:
        The version of all of them, and how long each change is as text.
    """
    changes = storable_lines([one.changed for one in rows])
    gone = [array_text(one.gone) if one.gone else None for one in rows]
    own = (Texts(places), EncodedTexts(changes), Texts(gone if any(gone) else ()))
    alike = often_alike((Times, [one.modified_at for one in rows]))
    [(version, count)] = await fetch_tuples(connection, _CHANGE, (*alike, *own))
    if count != len(rows):
        raise ConflictError("kernel.changed_meanwhile")
    return version, [len(one) for one in changes]


async def forget_entities(connection: Connection, places: Sequence[str]) -> None:
    """Delete entities that ``held_for_update`` found there; their history stays."""
    gone = await execute(
        connection,
        "delete from exchange.entity e where e.ctid = any((select %s::text[])::tid[])",
        (Texts(places),),
    )
    if gone != len(places):
        raise ConflictError("kernel.changed_meanwhile")


async def add_history(connection: Connection, columns: HistoryColumns) -> None:
    """Keep what was so; the days that it was written on have their partitions."""
    await execute(connection, _ADD_HISTORY, columns.parameters())


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


def held_in_row(row: tuple[Any, ...]) -> HeldEntity:
    """Read a row: tenant, organisation, number, id, types and so on, as entities are selected."""
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


def _found(row: tuple[Any, ...]) -> FoundEntity:
    tenant, entity_id, version, place, organisation, number, types, scopes, document, *times = row
    if document is None:
        return FoundEntity(version, 0, None, place)
    held = held_in_row((tenant, organisation, number, entity_id, types, scopes, document, *times))
    return FoundEntity(version, len(document), held, place)
