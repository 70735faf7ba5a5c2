"""The only SQL that tells which types and attributes entities have.

Entities of one type alone are counted from an index, one step of it per type. The attributes of a
type are those of its first 100 entities and of its latest 100, and of all that the writer ever met
(``known_names``) those that an entity has now.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from beffroi.exchange.asked_store import is_whole, reached
from beffroi.exchange.asking import SqlFilter
from beffroi.exchange.model import Iri
from beffroi.exchange.reach import Realm
from beffroi.kernel.database import Connection, fetch_tuples

_LOOKED_AT: Final = 100
_TYPED: Final = "cross join unnest(e.types) as t(type)"
_ALL: Final = """
held as (select t.type, e.document {all} and (%s::text is null or t.type = %s))
"""
_COUNTED: Final = "counted as (select type, count(*) as entities from held group by type)"
_USED: Final = """
used as (
    select held.type, a.name, array_agg(distinct i.instance->>'kind') as kinds
    from held cross join jsonb_each(held.document) as a(name, instances)
    cross join jsonb_array_elements(a.instances) as i(instance)
    where %s::text is null or a.name = %s
    group by held.type, a.name
)
select counted.type, counted.entities, coalesce(used.name, ''), coalesce(used.kinds, '{{}}')
from counted left join used using (type)
where %s::text is null or used.name is not null order by counted.type, used.name
"""
_STEPS: Final = """
with recursive steps(only_type) as (
    (select e.only_type {first} order by e.only_type limit 1)
    union all
    select (select e.only_type {next} order by e.only_type limit 1)
    from steps where steps.only_type is not null
)
"""
_COUNTED_BY_STEPS: Final = """
counted as (
    select named.type, (select count(*) {of_step}) as entities, steps.only_type
    from steps cross join lateral (select e.types[1] as type {of_step} limit 1) as named
    where steps.only_type <> 0 and (%s::text is null or named.type = %s)
)
"""
_LOOKED: Final = """
held as (
    select counted.type, looked.document from counted cross join lateral (
        (select e.document {of_counted} order by e.number limit {most})
        union all
        (select e.document {of_counted} order by e.number desc limit {most})
    ) as looked
)
"""
_RARE: Final = """
select n.type, n.attribute, n.kind,
    (select count(*) {of_name})
from (select distinct type, attribute, kind from exchange.type_name
    where tenant = %s and (%s::text is null or type = %s)
        and (%s::text is null or attribute = %s)
    except select * from unnest(%s::text[], %s::text[], %s::text[])) as n
where exists (select {holding})
"""
_OF_NAME: Final = SqlFilter("e.only_type = hashtextextended(n.type, 0) and e.types[1] = n.type")
_HOLDING: Final = SqlFilter(
    f"{_OF_NAME.sql} and e.document -> n.attribute "
    "@> jsonb_build_array(jsonb_build_object('kind', n.kind))"
)


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
    connection: Connection, realm: Realm, type_iri: Iri | None, attribute: Iri | None
) -> Sequence[TypeUse]:
    """Return types and their attributes, sorted; a name given keeps the others out."""
    if not is_whole(realm):
        return await _uses(connection, realm, SqlFilter("true"), type_iri, attribute)
    several = await _uses(connection, realm, SqlFilter("e.only_type = 0"), type_iri, attribute)
    return _together(several, await _single_uses(connection, realm, type_iri, attribute))


async def type_names(connection: Connection, realm: Realm) -> list[Iri]:
    """Return the types, sorted."""
    among = SqlFilter("e.only_type = 0") if is_whole(realm) else SqlFilter("true")
    which, parameters = reached(realm, among, also=_TYPED)
    rows = await fetch_tuples(connection, f"select distinct t.type {which}", parameters)
    names = {row[0] for row in rows}
    if is_whole(realm):
        steps, values = _steps(realm)
        of_step, own = reached(realm, SqlFilter("e.only_type = steps.only_type"))
        rows = await fetch_tuples(
            connection,
            f"{steps} select (select e.types[1] {of_step} limit 1) "  # noqa: S608
            "from steps where only_type <> 0",
            (*values, *own),
        )
        names |= {row[0] for row in rows}
    return sorted(names)


async def attribute_instances(connection: Connection, realm: Realm, attribute: Iri) -> int:
    """Count instances of an attribute."""
    which, parameters = reached(realm, SqlFilter("e.document ? %s", (attribute,)))
    rows = await fetch_tuples(
        connection,
        f"select coalesce(sum(jsonb_array_length(e.document -> %s)), 0) {which}",
        (attribute, *parameters),
    )
    return int(rows[0][0])


async def _uses(
    connection: Connection,
    realm: Realm,
    among: SqlFilter,
    type_iri: Iri | None,
    attribute: Iri | None,
) -> list[TypeUse]:
    """Look at every entity."""
    which, parameters = reached(realm, among, also=_TYPED)
    rows = await fetch_tuples(
        connection,
        f"with {_ALL.format(all=which)}, {_COUNTED}, {_USED.format()}",
        (*parameters, type_iri, type_iri, attribute, attribute, attribute),
    )
    return [_use(row) for row in rows]


async def _single_uses(
    connection: Connection, realm: Realm, type_iri: Iri | None, attribute: Iri | None
) -> list[TypeUse]:
    """Go from type to type of the entities of one type alone."""
    steps, values = _steps(realm)
    of_step, all_of = reached(realm, SqlFilter("e.only_type = steps.only_type"))
    of_counted, _ = reached(realm, SqlFilter("e.only_type = counted.only_type"))
    statement = ", ".join(
        (
            steps,
            _COUNTED_BY_STEPS.format(of_step=of_step),
            _LOOKED.format(of_counted=of_counted, most=_LOOKED_AT),
            _USED.format(),
        )
    )
    rows = await fetch_tuples(
        connection,
        statement,
        (*values, *all_of * 2, type_iri, type_iri, *all_of * 2, attribute, attribute, attribute),
    )
    seen = [_use(row) for row in rows]
    return [*seen, *await _rare_uses(connection, realm, seen, type_iri, attribute)]


async def _rare_uses(
    connection: Connection,
    realm: Realm,
    seen: Sequence[TypeUse],
    type_iri: Iri | None,
    attribute: Iri | None,
) -> list[TypeUse]:
    """Return what is known of types and was not seen yet, where an entity has it now."""
    of_name, all_of = reached(realm, _OF_NAME)
    holding, having = reached(realm, _HOLDING)
    known = [(one.type, one.attribute, kind) for one in seen for kind in one.kinds]
    rows = await fetch_tuples(
        connection,
        _RARE.format(of_name=of_name, holding=holding),
        (
            *(*all_of, realm.tenant, type_iri, type_iri, attribute, attribute),
            *([one[place] for one in known] for place in range(3)),
            *having,
        ),
    )
    return [TypeUse(name, entities, found, (kind,)) for name, found, kind, entities in rows]


def _steps(realm: Realm) -> tuple[str, tuple[Any, ...]]:
    first, parameters = reached(realm, SqlFilter("true"))
    following, also = reached(realm, SqlFilter("e.only_type > steps.only_type"))
    return _STEPS.format(first=first, next=following), (*parameters, *also)


def _use(row: tuple[Any, ...]) -> TypeUse:
    return TypeUse(row[0], row[1], row[2], tuple(row[3]))


def _together(some: Sequence[TypeUse], others: Sequence[TypeUse]) -> list[TypeUse]:
    """Add up what entities of several types have, and those of one type alone."""
    entities: Counter[Iri] = Counter()
    kinds: dict[Iri, dict[Iri, set[str]]] = {}
    for uses in (some, others):
        entities.update({one.type: one.entities for one in uses})
        for one in uses:
            held = kinds.setdefault(one.type, {})
            if one.attribute:
                held.setdefault(one.attribute, set()).update(one.kinds)
    return [
        TypeUse(name, entities[name], attribute, tuple(sorted(held)))
        for name, attributes in sorted(kinds.items())
        for attribute, held in sorted((attributes or {"": set()}).items())
    ]
