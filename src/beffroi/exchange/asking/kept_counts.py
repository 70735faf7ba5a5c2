"""How many entities there are of each type: counts that are kept, and what came since.

PostgreSQL notes what comes, goes and changes its types in the commit of each write
(``exchange.type_change``). ``fold`` adds that to the counts; who asks adds up both, so that nothing
is ever missing. One that expired counts until it is deleted: it is taken off.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from beffroi.exchange.asking.question import SqlFilter
from beffroi.exchange.asking.reach import Realm
from beffroi.exchange.asking.store import reached
from beffroi.exchange.model import Iri
from beffroi.kernel.database import Connection, execute, fetch_tuples, fetch_value

_TYPED: Final = "cross join unnest(e.types) as t(type)"
_FOLD: Final = """
with gone as (
    delete from exchange.type_change where ctid = any(array(
        select ctid from exchange.type_change limit %s)) returning *
), added as (
    insert into exchange.type_count as kept (tenant, organisation, type, entities)
    select tenant, organisation, type, sum(entities) from gone group by 1, 2, 3 order by 1, 2, 3
    on conflict (tenant, organisation, type) do update
        set entities = kept.entities + excluded.entities
)
select count(*) from gone
"""
_KEPT: Final = """
select c.type, c.entities from {table} c where c.tenant = %s and {own}
    and (%s::text[] is null or c.type = any(%s))
"""
_EXPIRED: Final = "%s::text[] is null or t.type = any(%s)"
_COUNTED: Final = """
select type, sum(entities)::bigint from ({parts}) as c(type, entities)
group by type having sum(entities) > 0 order by type
"""
# One that is of several of the types is counted for each.
_AGAIN: Final = """
select coalesce(sum(
    (select count(*) from unnest(e.types) as t(type) where t.type = any(%s)) - 1), 0)
"""
_OF_SEVERAL: Final = "e.only_type = 0 and e.types && %s::text[]"


async def fold(connection: Connection, *, most: int) -> int:
    """Add changes to the counts; return how many: less than asked for: no other is left."""
    added = await fetch_value(connection, _FOLD, (most,))
    await execute(connection, "delete from exchange.type_count where entities = 0")
    return int(added)


def are_kept_for(realm: Realm) -> bool:
    """Tell whether counts tell what an asker sees: not of what others give."""
    scope = realm.reach.scope
    return not realm.reach.grants and (scope.everything or bool(scope.organisation))


async def counts(
    connection: Connection, realm: Realm, types: Sequence[Iri] | None = None
) -> Mapping[Iri, int]:
    """Return how many entities are of each type that there is; of some types, or of all.

    One of several types counts for each.
    """
    scope = realm.reach.scope
    own = "true" if scope.everything else "c.organisation = %s"
    whose = () if scope.everything else (scope.organisation,)
    named = None if types is None else list(types)
    which: tuple[Any, ...] = (realm.tenant, *whose, named, named)
    expired, parameters = reached(
        realm, SqlFilter(_EXPIRED, (named, named)), also=_TYPED, expired=True
    )
    parts = " union all ".join(
        [
            _KEPT.format(table="exchange.type_count", own=own),
            _KEPT.format(table="exchange.type_change", own=own),
            f"select t.type, -1 {expired}",
        ]
    )
    statement = _COUNTED.format(parts=parts)
    return dict(await fetch_tuples(connection, statement, (*which, *which, *parameters)))


async def count_of_types(connection: Connection, realm: Realm, types: Sequence[Iri]) -> int:
    """Count the entities that are of one of some types, or of several of them."""
    total = sum((await counts(connection, realm, types)).values())
    if len(types) < 2:
        return total
    again, parameters = reached(realm, SqlFilter(_OF_SEVERAL, (list(types),)))
    rows = await fetch_tuples(connection, f"{_AGAIN} {again}", (list(types), *parameters))
    return total - int(rows[0][0])
