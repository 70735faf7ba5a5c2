"""The only SQL that tells which types and attributes entities have."""

from collections.abc import Sequence
from typing import Final

import msgspec

from beffroi.exchange.model import Iri
from beffroi.kernel.database import Connection, fetch_tuples, fetch_value

_ALIVE: Final = "e.tenant = %(tenant)s and (e.expires_at is null or e.expires_at > now())"
_USES: Final = f"""
with held as (
    select t.type, e.id, e.document
    from exchange.entity e cross join unnest(e.types) as t(type)
    where {_ALIVE} and (%(type)s::text is null or e.types @> array[%(type)s::text])
        and (%(attribute)s::text is null or e.document ? %(attribute)s)
), counted as (
    select type, count(*) as entities from held group by type
), used as (
    select held.type, a.name, array_agg(distinct i.instance->>'kind') as kinds
    from held cross join jsonb_each(held.document) as a(name, instances)
    cross join jsonb_array_elements(a.instances) as i(instance)
    where %(attribute)s::text is null or a.name = %(attribute)s
    group by held.type, a.name
)
select counted.type, counted.entities, coalesce(used.name, ''), coalesce(used.kinds, '{{}}')
from counted left join used using (type)
where %(type)s::text is null or counted.type = %(type)s
order by counted.type, used.name
"""  # noqa: S608 - text of ours alone


class TypeUse(msgspec.Struct, frozen=True):
    """What entities of a type have.

    Attributes:
        entities: How many are of the type.
        attribute: What at least one of them has; "" where none has anything.
        kinds: Of that attribute's instances.
    """

    type: Iri
    entities: int
    attribute: Iri
    kinds: tuple[str, ...]


async def type_uses(
    connection: Connection, tenant: str, type_iri: Iri | None, attribute: Iri | None
) -> Sequence[TypeUse]:
    """Return types and their attributes, sorted; a name given keeps the others out."""
    asked = {"tenant": tenant, "type": type_iri, "attribute": attribute}
    rows = await fetch_tuples(connection, _USES, asked)
    return [TypeUse(row[0], row[1], row[2], tuple(row[3])) for row in rows]


async def attribute_instances(connection: Connection, tenant: str, attribute: Iri) -> int:
    """Count instances of an attribute."""
    found = await fetch_value(
        connection,
        "select coalesce(sum(jsonb_array_length(e.document -> %(attribute)s)), 0)"  # noqa: S608
        f" from exchange.entity e where {_ALIVE} and e.document ? %(attribute)s",
        {"tenant": tenant, "attribute": attribute},
    )
    return int(found)
