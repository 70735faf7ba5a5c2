"""What history and the entities in it are asked, in SQL; instances come in one statement."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from beffroi.exchange.asking.question import SqlFilter
from beffroi.exchange.asking.reach import ENTITIES, Realm
from beffroi.exchange.asking.store import by_type
from beffroi.exchange.model import Attribute, AttributeKind, Iri
from beffroi.exchange.temporal.conditions import (
    INSTANCE,
    STAMPS,
    Condition,
    chosen,
    held_in,
    walked,
    within,
)
from beffroi.exchange.temporal.model import (
    Instance,
    KnownEntity,
    Selection,
    Stretch,
    TemporalQuestion,
)
from beffroi.kernel.database import Connection, execute, fetch_tuples

_INSTANCE: Final = msgspec.json.Decoder(Attribute)
_SHOWN: Final = """
h.entity, h.attribute, h.dataset_id, h.number, {stamp} as stamp, h.written_at, h.changed_at,
    h.ended, h.at,
    exchange.instance_text(h.instance, h.said, h.created_at, h.modified_at)
"""
_KNOWN: Final = """
select known.id, known.types, known.scopes, known.created_at, known.modified_at, known.deleted_at,
    known.organisation
from (
    select e.id, e.types, e.scopes, e.created_at, e.modified_at, null::timestamptz as deleted_at,
        e.organisation
    from {entities} where e.tenant = %s and ({reached}) and ({asked})
    union all
    select e.id, e.types, e.scopes, e.created_at, e.modified_at, e.deleted_at, e.organisation
    from exchange.evolution e where e.tenant = %s and ({reached_before}) and ({asked})
        and not exists (
            select from exchange.entity_asked c where c.tenant = e.tenant and c.id = e.id)
) as known
"""
_IDS: Final = """
select e.id from {entities} where e.tenant = %s and ({reached}) and ({asked})
"""
_IDS_BEFORE: Final = """
select e.id from exchange.evolution e where e.tenant = %s and ({reached}) and ({asked})
    and not exists (select from exchange.entity_asked c where c.tenant = e.tenant and c.id = e.id)
"""
# offset 0: an index looks for the number behind row-level security.
_KEYED: Final = """
cross join lateral (select exchange.entity_key(%s, c.id) as entity_key offset 0) as keyed
"""
_OF_IT: Final = "h.entity_key = keyed.entity_key and h.tenant = %s and h.entity = c.id and {had}"
# Ids of a type in their order, each looked for in history until there are enough.
_HAVING_OF_TYPE: Final = f"""
select c.id
from (select u.id from ({{ids}}) as u where {{beyond}} order by u.id {{order}} offset 0) as c
{_KEYED} cross join lateral (select from exchange.history h where {_OF_IT} limit 1) as had
"""  # noqa: S608 - text of ours alone
# Among all there are, those in history may be few: PostgreSQL decides where to begin.
_HAVING: Final = f"""
select c.id from ({{ids}}) as c {_KEYED}
where {{beyond}} and exists (select from exchange.history h where {_OF_IT})
"""  # noqa: S608 - text of ours alone
# Where many instances are of few entities PostgreSQL would look for the first from the beginning of
# each day, for each id.
_BY_INDEX: Final = """
select set_config('enable_seqscan', %s, true), set_config('enable_bitmapscan', %s, true)
"""
_ATTRIBUTE_KEYS: Final = """
h.attribute_key = any(array(select hashtextextended(n.name, 0) from unnest(%s::text[]) as n(name)))
"""


async def known_entity(connection: Connection, realm: Realm, entity_id: str) -> KnownEntity | None:
    """Return an entity that is there, or was."""
    rows = await fetch_tuples(connection, *_known_to(realm, SqlFilter("e.id = %s", (entity_id,))))
    return _known(rows[0]) if rows else None


async def known_entities(
    connection: Connection,
    realm: Realm,
    question: TemporalQuestion,
    selection: Selection,
    *,
    beyond: str | None,
    limit: int,
) -> Sequence[KnownEntity]:
    """Return entities that have instances of the selection, in the order of their ids.

    Args:
        connection: Where to.
        realm: Whose.
        question: Which entities, as far as SQL can tell, and in which order.
        selection: Of whose instances one has to be there.
        beyond: The id of the last one seen; nothing: from the beginning.
        limit: How many at most.
    """
    order, sign = ("desc", "<") if question.descending else ("asc", ">")
    bound = SqlFilter("true") if beyond is None else SqlFilter(f"{{id}} {sign} %s", (beyond,))
    having, parameters = _having(realm, question.asked, selection, bound, order)
    known, values = _known_to(realm, SqlFilter("e.id = chosen.id"))
    rows = await _found(
        connection,
        question.asked,
        f"select known.* from ({having} order by c.id {order} limit %s) as chosen "  # noqa: S608
        f"cross join lateral ({known}) as known order by known.id {order}",
        (*parameters, limit, *values),
    )
    return [_known(row) for row in rows]


async def count_entities(
    connection: Connection, realm: Realm, asked: SqlFilter, selection: Selection
) -> int:
    """Count the entities that have instances of the selection."""
    statement, parameters = _having(realm, asked, selection, SqlFilter("true"), "asc")
    rows = await _found(
        connection,
        asked,
        f"select count(*) from ({statement}) as found",  # noqa: S608
        parameters,
    )
    return int(rows[0][0])


async def instances(
    connection: Connection,
    realm: Realm,
    stretches: Sequence[Stretch],
    selection: Selection,
    *,
    limit: int,
) -> Sequence[Instance]:
    """Return instances in the order of their times; where the last are asked for, backwards.

    Args:
        connection: Where to.
        realm: Whose.
        stretches: When, entity by entity.
        selection: Which of the instances.
        limit: How many at most.
    """
    stamp = STAMPS[selection.times.property]
    walk, walk_parameters = walked(realm, stretches, selection)
    held = held_in(realm, selection)
    order = "asc" if selection.last is None else "desc"
    shown = _SHOWN.format(stamp=stamp)
    statement = (
        f"select one.* from {walk} cross join lateral ("  # noqa: S608
        f"select {shown} from exchange.history h where {held.sql} "
        f"order by stamp {order}, h.number {order} limit %s) as one "
        f"order by one.stamp {order}, one.number {order} limit %s"
    )
    of_each = limit if selection.last is None else min(selection.last, limit)
    rows = await fetch_tuples(
        connection, statement, (*walk_parameters, *held.parameters, of_each, limit)
    )
    return [_instance(row) for row in rows]


async def attribute_kinds(
    connection: Connection, realm: Realm, stretches: Sequence[Stretch], selection: Selection
) -> Sequence[tuple[str, Iri, AttributeKind]]:
    """Return the attributes that have instances of the selection, by entity, with their kinds."""
    walk, walk_parameters = walked(realm, stretches, selection)
    held = held_in(realm, selection)
    rows = await fetch_tuples(
        connection,
        f"select distinct asked.entity, name.attribute, one.kind from {walk} "  # noqa: S608
        f"cross join lateral (select {INSTANCE} ->> 'kind' as kind from exchange.history h "
        f"where {held.sql} limit 1) as one",
        (*walk_parameters, *held.parameters),
    )
    return [(row[0], row[1], AttributeKind(row[2])) for row in rows]


async def has_attributes(
    connection: Connection, realm: Realm, entity_id: str, names: Sequence[Iri]
) -> bool:
    """Tell whether history knows one of these attributes of an entity, at any time."""
    reached, key = realm.reach.history_condition(), (realm.tenant, entity_id)
    rows = await fetch_tuples(
        connection,
        "select exists (select from exchange.history h "  # noqa: S608
        "where h.entity_key = exchange.entity_key(%s, %s) and h.tenant = %s and h.entity = %s "
        f"and h.attribute = any(%s) and ({reached.sql}))",
        (*key, *key, list(names), *reached.parameters),
    )
    return bool(rows[0][0])


async def _found(
    connection: Connection, asked: SqlFilter, statement: str, parameters: tuple[Any, ...]
) -> list[tuple[Any, ...]]:
    if not asked.types:
        return await fetch_tuples(connection, statement, parameters)
    await execute(connection, _BY_INDEX, ("off", "off"))
    rows = await fetch_tuples(connection, statement, parameters)
    await execute(connection, _BY_INDEX, ("on", "on"))
    return rows


def _known_to(realm: Realm, asked: SqlFilter) -> tuple[str, tuple[Any, ...]]:
    reached, before = realm.reach.condition(), realm.reach.evolution_condition()
    statement = _KNOWN.format(
        entities=ENTITIES, asked=asked.sql, reached=reached.sql, reached_before=before.sql
    )
    return statement, (
        *(realm.tenant, *reached.parameters, *asked.parameters),
        *(realm.tenant, *before.parameters, *asked.parameters),
    )


def _having(
    realm: Realm, asked: SqlFilter, selection: Selection, bound: SqlFilter, order: str
) -> tuple[str, tuple[Any, ...]]:
    """Return what finds the ids, as ``c.id``, of entities with instances of a selection."""
    reached, before = realm.reach.condition(), realm.reach.evolution_condition()
    ids = [
        (_IDS.format(entities=ENTITIES, reached=reached.sql, asked=one.sql), reached, one)
        for one in by_type(realm, asked)
    ]
    ids.append((_IDS_BEFORE.format(reached=before.sql, asked=asked.sql), before, asked))
    had, keyed = _had(realm, selection), (realm.tenant,)
    of_ids = [
        value
        for _, whose, which in ids
        for value in (realm.tenant, *whose.parameters, *which.parameters)
    ]
    told = {"ids": " union all ".join(part for part, _, _ in ids), "had": had.sql}
    if asked.types:
        beyond = bound.sql.format(id="u.id")
        statement = _HAVING_OF_TYPE.format(**told, beyond=beyond, order=order)
        return statement, (*of_ids, *bound.parameters, *keyed, realm.tenant, *had.parameters)
    statement = _HAVING.format(**told, beyond=bound.sql.format(id="c.id"))
    return statement, (*of_ids, *keyed, *bound.parameters, realm.tenant, *had.parameters)


def _had(realm: Realm, selection: Selection) -> Condition:
    """Return the condition on an instance that an entity has to have."""
    asked_for = Selection(
        times=selection.times, attributes=selection.having, dataset_ids=selection.dataset_ids
    )
    reached = realm.reach.history_condition()
    parts = [
        Condition(reached.sql, reached.parameters),
        within(selection.times),
        chosen(asked_for),
    ]
    if selection.having is not None:
        parts.append(Condition(_ATTRIBUTE_KEYS, (sorted(selection.having),)))
    return Condition(
        " and ".join(f"({one.sql})" for one in parts),
        tuple(value for one in parts for value in one.parameters),
    )


def _known(row: tuple[Any, ...]) -> KnownEntity:
    key, types, scopes, created_at, modified_at, deleted_at, organisation = row
    stamps = created_at, modified_at, deleted_at
    return KnownEntity(key, tuple(types), tuple(scopes), *stamps, organisation)


def _instance(row: tuple[Any, ...]) -> Instance:
    entity, attribute, dataset_id, number, stamp, written_at, changed_at, ended, at, text = row
    value = _INSTANCE.decode(text)
    observed = at != written_at if ended else value.observed_at is not None
    return Instance(
        *(entity, attribute, dataset_id, number, stamp, written_at, changed_at, ended),
        *(observed, value),
    )
