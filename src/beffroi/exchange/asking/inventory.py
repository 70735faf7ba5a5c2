"""The only SQL that tells which types and attributes entities have.

Entities are counted by what is kept of them (``kept_counts``); where others give some of theirs,
from an index, one step of it per type. The attributes of a type are those of all that the writer
ever met (``known_names``) that an entity has now: mostly the first one that is looked at.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from beffroi.exchange.asking import kept_counts
from beffroi.exchange.asking.question import SqlFilter
from beffroi.exchange.asking.reach import Realm
from beffroi.exchange.asking.store import is_whole, reached
from beffroi.exchange.model import Iri
from beffroi.kernel.database import Connection, fetch_tuples

_TYPED: Final = "cross join unnest(e.types) as t(type)"
_SEVERAL: Final = SqlFilter("e.only_type = 0")
_COUNTED: Final = """
select t.type, count(*) {which} and (%s::text is null or t.type = %s) group by t.type
"""
_USED: Final = """
select t.type, a.name, array_agg(distinct i.instance ->> 'kind') {which}
    and (%s::text is null or t.type = %s) and (%s::text is null or a.name = %s)
group by t.type, a.name
"""
_NAMED: Final = f"""{_TYPED} cross join jsonb_each(e.document) as a(name, instances)
cross join jsonb_array_elements(a.instances) as i(instance)"""
_STEPS: Final = """
with recursive steps(only_type) as (
    (select e.only_type {first} order by e.only_type limit 1)
    union all
    select (select e.only_type {next} order by e.only_type limit 1)
    from steps where steps.only_type is not null
)
"""
_COUNTED_BY_STEPS: Final = """
select named.type, (select count(*) {of_step})
from steps cross join lateral (select e.types[1] as type {of_step} limit 1) as named
where steps.only_type <> 0 and (%s::text is null or named.type = %s)
"""
# Each name is looked for by itself, in the order of the index, until an entity has it.
_HELD: Final = """
select n.type, n.attribute, array_agg(n.kind)
from (select distinct type, attribute, kind from exchange.type_name
    where tenant = %s and (%s or organisation = %s) and (%s::text is null or type = %s)
        and (%s::text is null or attribute = %s)) as n
cross join lateral (select {holding} limit 1) as held
group by n.type, n.attribute
"""
_HOLDING: Final = SqlFilter(
    "e.only_type = hashtextextended(n.type, 0) and e.types[1] = n.type "
    "and e.document -> n.attribute @> jsonb_build_array(jsonb_build_object('kind', n.kind))"
)
_Kinds = tuple[Iri, Iri, Sequence[str]]
"""Of a type and an attribute."""


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
    names = type_iri, type_iri, attribute, attribute
    among = _SEVERAL if is_whole(realm) else SqlFilter("true")
    which, parameters = reached(realm, _of_type(among, type_iri), also=_NAMED)
    kinds: list[_Kinds] = await fetch_tuples(
        connection, _USED.format(which=which), (*parameters, *names)
    )
    if is_whole(realm):
        kinds += await _held_names(connection, realm, type_iri, attribute)
    counts = await _counts(connection, realm, type_iri)
    return _uses(counts, kinds, every_type=attribute is None)


async def type_names(connection: Connection, realm: Realm) -> list[Iri]:
    """Return the types, sorted."""
    if kept_counts.are_kept_for(realm):
        return sorted(await kept_counts.counts(connection, realm))
    among = _SEVERAL if is_whole(realm) else SqlFilter("true")
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


async def _counts(connection: Connection, realm: Realm, type_iri: Iri | None) -> Mapping[Iri, int]:
    """Return how many entities are of each type; one of several types counts for each."""
    if kept_counts.are_kept_for(realm):
        return await kept_counts.counts(connection, realm, None if type_iri is None else [type_iri])
    among = _SEVERAL if is_whole(realm) else SqlFilter("true")
    which, parameters = reached(realm, _of_type(among, type_iri), also=_TYPED)
    counts = Counter(
        dict(
            await fetch_tuples(
                connection, _COUNTED.format(which=which), (*parameters, type_iri, type_iri)
            )
        )
    )
    if is_whole(realm):
        steps, values = _steps(realm)
        of_step, own = reached(realm, SqlFilter("e.only_type = steps.only_type"))
        rows = await fetch_tuples(
            connection,
            steps + _COUNTED_BY_STEPS.format(of_step=of_step),
            (*values, *own, *own, type_iri, type_iri),
        )
        counts.update(dict(rows))
    return counts


async def _held_names(
    connection: Connection, realm: Realm, type_iri: Iri | None, attribute: Iri | None
) -> list[_Kinds]:
    """Return what is known of entities of one type alone, where one of them has it now."""
    scope = realm.reach.scope
    all_names = scope.everything or bool(realm.reach.grants)
    holding, parameters = reached(realm, _HOLDING)
    told = type_iri, type_iri, attribute, attribute
    return await fetch_tuples(
        connection,
        _HELD.format(holding=holding),
        (realm.tenant, all_names, scope.organisation, *told, *parameters),
    )


def _of_type(among: SqlFilter, type_iri: Iri | None) -> SqlFilter:
    if type_iri is None:
        return among
    return SqlFilter(f"{among.sql} and e.types @> %s::text[]", ([type_iri],))


def _steps(realm: Realm) -> tuple[str, tuple[Any, ...]]:
    first, parameters = reached(realm, SqlFilter("true"))
    following, also = reached(realm, SqlFilter("e.only_type > steps.only_type"))
    return _STEPS.format(first=first, next=following), (*parameters, *also)


def _uses(counts: Mapping[Iri, int], kinds: Iterable[_Kinds], *, every_type: bool) -> list[TypeUse]:
    """Join what entities of several types have, and those of one type alone."""
    found: dict[Iri, dict[Iri, set[str]]] = {iri: {} for iri in counts} if every_type else {}
    for iri, attribute, held in kinds:
        if iri in counts:
            found.setdefault(iri, {}).setdefault(attribute, set()).update(held)
    return [
        TypeUse(iri, counts[iri], attribute, tuple(sorted(held)))
        for iri, attributes in sorted(found.items())
        for attribute, held in sorted((attributes or {"": set()}).items())
    ]
