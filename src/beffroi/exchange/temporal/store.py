"""What history and the entities in it are asked, in SQL; instances come in one statement."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from beffroi.exchange.asking import SqlFilter
from beffroi.exchange.model import Attribute, AttributeKind, Iri
from beffroi.exchange.reach import ENTITIES, Realm
from beffroi.exchange.temporal.conditions import (
    INSTANCE,
    STAMPS,
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
from beffroi.kernel.database import Connection, fetch_tuples

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
# offset 0: an index looks for the number behind row-level security.
_KEYED: Final = """
cross join lateral (select exchange.entity_key(%s, known.id) as entity_key offset 0) as keyed
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
    statement, parameters = _having(realm, question.asked, selection)
    order, sign = ("desc", "<") if question.descending else ("asc", ">")
    if beyond is not None:
        statement += f" and known.id {sign} %s"
        parameters = (*parameters, beyond)
    rows = await fetch_tuples(
        connection, f"{statement} order by known.id {order} limit %s", (*parameters, limit)
    )
    return [_known(row) for row in rows]


async def count_entities(
    connection: Connection, realm: Realm, asked: SqlFilter, selection: Selection
) -> int:
    """Count the entities that have instances of the selection."""
    statement, parameters = _having(realm, asked, selection)
    rows = await fetch_tuples(
        connection,
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


def _known_to(realm: Realm, asked: SqlFilter) -> tuple[str, tuple[Any, ...]]:
    reached, before = realm.reach.condition(), realm.reach.evolution_condition()
    statement = _KNOWN.format(
        entities=ENTITIES, asked=asked.sql, reached=reached.sql, reached_before=before.sql
    )
    return statement, (
        *(realm.tenant, *reached.parameters, *asked.parameters),
        *(realm.tenant, *before.parameters, *asked.parameters),
    )


def _having(realm: Realm, asked: SqlFilter, selection: Selection) -> tuple[str, tuple[Any, ...]]:
    asked_for = Selection(
        times=selection.times, attributes=selection.having, dataset_ids=selection.dataset_ids
    )
    which, when = chosen(asked_for), within(selection.times)
    known, parameters = _known_to(realm, asked)
    reached = realm.reach.history_condition()
    statement = (
        f"{known} {_KEYED} where exists (select from exchange.history h "
        "where h.entity_key = keyed.entity_key and h.tenant = %s and h.entity = known.id "
        f"and ({reached.sql}) and {when.sql} and {which.sql})"
    )
    had = (realm.tenant, realm.tenant, *reached.parameters, *when.parameters, *which.parameters)
    return statement, (*parameters, *had)


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
