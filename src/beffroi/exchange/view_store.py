"""What the console looks at beyond single entities: types, tenants, recent history."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from beffroi.exchange.asked_store import reached
from beffroi.exchange.asking import SqlFilter
from beffroi.exchange.model import Attribute, Iri
from beffroi.exchange.reach import ENTITIES, Reach, Realm
from beffroi.kernel.database import Connection, fetch_tuples

_TYPES_MOST: Final = 100
_TENANTS_MOST: Final = 50
_LOOKED_AT: Final = 20
_TYPES: Final = """
with counted as (
    select t.type, e.organisation, count(*) as entities, max(e.modified_at) as changed_at
    {reached} group by t.type, e.organisation
), held as (
    select type, sum(entities)::bigint as entities, max(changed_at) as changed_at,
        array_agg(organisation order by organisation) as organisations
    from counted group by type order by type limit %s
)
select held.*, seen.attributes from held cross join lateral (
    select coalesce(array_agg(distinct a.name order by a.name), '{{}}') as attributes
    from (
        select e.document {of_type} limit %s
    ) as sample cross join jsonb_object_keys(sample.document) as a(name)
) as seen
order by held.type
"""
_SERIES: Final = """
select a.name, h.at, h.value
from (select g.name, hashtextextended(g.name, 0) as attribute_key
    from unnest(%s::text[]) as g(name) offset 0) as a cross join lateral (
    select h.at, h.value, h.number from exchange.history h
    where h.entity_key = exchange.entity_key(%s, %s) and h.attribute_key = a.attribute_key
        and h.tenant = %s and h.entity = %s and h.attribute = a.name and ({reached})
        and h.dataset_id = '' and h.value is not null and not h.ended
    order by h.at desc, h.number desc limit %s
) as h
order by a.name, h.at, h.number
"""
_INSTANCES: Final = """
select a.name, h.at, h.written_at, h.ended,
    exchange.instance_text(h.instance, h.said, h.created_at, h.modified_at)
from (select g.name, hashtextextended(g.name, 0) as attribute_key
    from unnest(%s::text[]) as g(name) offset 0) as a cross join lateral (
    select h.at, h.written_at, h.ended, h.instance, h.said, h.created_at,
        h.modified_at, h.number from exchange.history h
    where h.entity_key = exchange.entity_key(%s, %s) and h.attribute_key = a.attribute_key
        and h.tenant = %s and h.entity = %s and h.attribute = a.name and ({reached})
    order by h.at desc, h.number desc limit %s
) as h
order by h.at desc, h.number desc limit %s
"""
_INSTANCE: Final = msgspec.json.Decoder(Attribute)
Point = tuple[datetime, float]


class TypeHeld(msgspec.Struct, frozen=True):
    """What is held of a type.

    Attributes:
        organisations: Who feeds it.
        attributes: Of some of its entities.
    """

    type: Iri
    entities: int
    changed_at: datetime
    organisations: tuple[str, ...]
    attributes: tuple[Iri, ...]


class PastInstance(msgspec.Struct, frozen=True):
    """An instance of an attribute as it was.

    Attributes:
        at: When it was observed, else when it was written.
        ended: It was deleted then.
    """

    attribute: Iri
    at: datetime
    written_at: datetime
    ended: bool
    instance: Attribute


async def types_held(connection: Connection, realm: Realm) -> Sequence[TypeHeld]:
    """Return the first 100 types by name."""
    which, parameters = reached(
        realm, SqlFilter("true"), also="cross join unnest(e.types) as t(type)"
    )
    of_type, also = reached(realm, SqlFilter("e.types @> array[held.type]"))
    return [
        TypeHeld(*row)
        for row in await fetch_tuples(
            connection,
            _TYPES.format(reached=which, of_type=of_type),
            (*parameters, _TYPES_MOST, *also, _LOOKED_AT),
        )
    ]


async def tenants_seen(connection: Connection, reach: Reach) -> Sequence[str]:
    """Return the default tenant and those of which the asker sees an entity, 50 at most."""
    own = reach.condition()
    rows = await fetch_tuples(
        connection,
        "select t.name from exchange.tenant t where t.name = '' or exists "  # noqa: S608
        f"(select from {ENTITIES} where e.tenant = t.name and ({own.sql})) "
        "order by t.name limit %s",
        (*own.parameters, _TENANTS_MOST),
    )
    return [row[0] for row in rows]


async def latest_numbers(
    connection: Connection, realm: Realm, entity_id: str, attributes: Sequence[Iri], most: int
) -> dict[Iri, list[Point]]:
    """Return the last numbers of attributes, the oldest first."""
    own, key = realm.reach.history_condition(), (realm.tenant, entity_id)
    rows = await fetch_tuples(
        connection,
        _SERIES.format(reached=own.sql),
        (list(attributes), *key, *key, *own.parameters, most),
    )
    found: dict[Iri, list[Point]] = {}
    for name, at, value in rows:
        found.setdefault(name, []).append((at, value))
    return found


async def latest_instances(
    connection: Connection, realm: Realm, entity_id: str, attributes: Sequence[Iri], most: int
) -> Sequence[PastInstance]:
    """Return the last instances of attributes, the newest first."""
    own, key = realm.reach.history_condition(), (realm.tenant, entity_id)
    rows = await fetch_tuples(
        connection,
        _INSTANCES.format(reached=own.sql),
        (list(attributes), *key, *key, *own.parameters, most, most),
    )
    return [
        PastInstance(name, at, written_at, ended, _INSTANCE.decode(instance))
        for name, at, written_at, ended, instance in rows
    ]
