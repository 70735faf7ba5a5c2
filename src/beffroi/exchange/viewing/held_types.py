"""Which types the console shows, by the counts that are kept; what others give is counted."""

from collections.abc import Sequence
from typing import Final

import msgspec

from beffroi.exchange.asking.question import SqlFilter
from beffroi.exchange.asking.reach import Realm
from beffroi.exchange.asking.store import is_whole, reached
from beffroi.exchange.model import Iri
from beffroi.kernel.database import Connection, fetch_tuples

_TYPES_MOST: Final = 100
_LOOKED_AT: Final = 20
_TYPED: Final = "cross join unnest(e.types) as t(type)"
# Of those that expired none counts, also before it is cleared away.
_OWN: Final = """
with told as (
    select c.organisation, c.type, c.entities from exchange.type_count c
    where c.tenant = %s and {own}
    union all
    select c.organisation, c.type, c.entities from exchange.type_change c
    where c.tenant = %s and {own}
    union all
    select e.organisation, t.type, -1 {expired}
), held as (
    select organisation, type, sum(entities)::bigint as entities from told
    group by 1, 2 having sum(entities) > 0
)
select h.type, sum(h.entities)::bigint, array_agg(h.organisation order by h.organisation),
    array(select distinct c.attribute from exchange.type_name c
        where c.tenant = %s and c.type = h.type and {own} order by 1)
from held h group by h.type order by h.type limit %s
"""
_GIVEN: Final = """
with counted as (
    select t.type, e.organisation, count(*) as entities {reached} group by 1, 2
), held as (
    select type, sum(entities)::bigint as entities,
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
_OF_TYPES: Final = "e.types && %s::text[] and e.organisation <> %s"
_BY_INDEX: Final = """
(e.only_type = 0 or e.only_type in (select hashtextextended(g.type, 0)
    from unnest(%s::text[]) as g(type)))
"""


class TypeHeld(msgspec.Struct, frozen=True):
    """What is held of a type.

    Attributes:
        organisations: Who feeds it.
        attributes: That its entities have, or once had.
    """

    type: Iri
    entities: int
    organisations: tuple[str, ...]
    attributes: tuple[Iri, ...]


async def types_held(connection: Connection, realm: Realm) -> Sequence[TypeHeld]:
    """Return the first 100 types by name."""
    held = await _own(connection, realm)
    if not realm.reach.grants:
        return held
    joined = {one.type: one for one in held}
    for one in await _given(connection, realm):
        joined[one.type] = _joined(joined[one.type], one) if one.type in joined else one
    return [joined[name] for name in sorted(joined)][:_TYPES_MOST]


async def _own(connection: Connection, realm: Realm) -> Sequence[TypeHeld]:
    scope = realm.reach.scope
    if not scope.everything and not scope.organisation:
        return ()
    own = "true" if scope.everything else "c.organisation = %s"
    each = (realm.tenant,) if scope.everything else (realm.tenant, scope.organisation)
    expired, parameters = reached(realm, SqlFilter("true"), also=_TYPED, expired=True)
    rows = await fetch_tuples(
        connection,
        _OWN.format(own=own, expired=expired),
        (*each, *each, *parameters, *each, _TYPES_MOST),
    )
    return [TypeHeld(kind, count, tuple(by), tuple(names)) for kind, count, by, names in rows]


async def _given(connection: Connection, realm: Realm) -> Sequence[TypeHeld]:
    types = sorted({iri for one in realm.reach.grants for iri in one.types})
    asked = SqlFilter(_OF_TYPES, (types, realm.reach.scope.organisation or ""))
    if is_whole(realm):
        asked = SqlFilter(f"{_BY_INDEX} and {asked.sql}", (types, *asked.parameters))
    which, parameters = reached(realm, asked, also=_TYPED)
    sampled = SqlFilter("e.types @> array[held.type] and e.organisation = any(held.organisations)")
    of_type, also = reached(realm, sampled)
    rows = await fetch_tuples(
        connection,
        _GIVEN.format(reached=which, of_type=of_type),
        (*parameters, _TYPES_MOST, *also, _LOOKED_AT),
    )
    return [TypeHeld(kind, count, tuple(by), tuple(names)) for kind, count, by, names in rows]


def _joined(one: TypeHeld, other: TypeHeld) -> TypeHeld:
    return TypeHeld(
        one.type,
        one.entities + other.entities,
        tuple(sorted({*one.organisations, *other.organisations})),
        tuple(sorted({*one.attributes, *other.attributes})),
    )
