"""What the console looks at beyond single entities: tenants, recent history."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from beffroi.exchange.asking.reach import ENTITIES, Reach, Realm
from beffroi.exchange.model import Attribute, Iri
from beffroi.kernel.database import Connection, fetch_tuples

_TENANTS_MOST: Final = 50
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
