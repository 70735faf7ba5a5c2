"""What history and the entities in it are asked, in SQL; instances come in one statement."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from beffroi.exchange.asking import SqlFilter
from beffroi.exchange.model import Attribute, AttributeKind, Iri
from beffroi.exchange.temporal.conditions import STAMPS, chosen, held_in, walked, within
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
    h.ended, h.at, h.instance::text
"""
_KNOWN: Final = """
select known.id, known.types, known.scopes, known.created_at, known.modified_at, known.deleted_at
from (
    select e.id, e.types, e.scopes, e.created_at, e.modified_at, null::timestamptz as deleted_at
    from exchange.entity e where e.tenant = %s and ({asked})
    union all
    select e.id, e.types, e.scopes, e.created_at, e.modified_at, e.deleted_at
    from exchange.evolution e where e.tenant = %s and ({asked})
        and not exists (select from exchange.entity c where c.tenant = e.tenant and c.id = e.id)
) as known
"""


async def known_entity(connection: Connection, tenant: str, entity_id: str) -> KnownEntity | None:
    """Return an entity that is there, or was."""
    statement = _KNOWN.format(asked="e.id = %s")
    rows = await fetch_tuples(connection, statement, (tenant, entity_id, tenant, entity_id))
    return _known(rows[0]) if rows else None


async def known_entities(
    connection: Connection,
    tenant: str,
    question: TemporalQuestion,
    selection: Selection,
    *,
    beyond: str | None,
    limit: int,
) -> Sequence[KnownEntity]:
    """Return entities that have instances of the selection, in the order of their ids.

    Args:
        connection: Where to.
        tenant: Whose.
        question: Which entities, as far as SQL can tell, and in which order.
        selection: Of whose instances one has to be there.
        beyond: The id of the last one seen; nothing: from the beginning.
        limit: How many at most.
    """
    statement, parameters = _having(tenant, question.asked, selection)
    order, sign = ("desc", "<") if question.descending else ("asc", ">")
    if beyond is not None:
        statement += f" and known.id {sign} %s"
        parameters = (*parameters, beyond)
    rows = await fetch_tuples(
        connection, f"{statement} order by known.id {order} limit %s", (*parameters, limit)
    )
    return [_known(row) for row in rows]


async def count_entities(
    connection: Connection, tenant: str, asked: SqlFilter, selection: Selection
) -> int:
    """Count the entities that have instances of the selection."""
    statement, parameters = _having(tenant, asked, selection)
    rows = await fetch_tuples(
        connection,
        f"select count(*) from ({statement}) as found",  # noqa: S608
        parameters,
    )
    return int(rows[0][0])


async def instances(
    connection: Connection,
    tenant: str,
    stretches: Sequence[Stretch],
    selection: Selection,
    *,
    limit: int,
) -> Sequence[Instance]:
    """Return instances in the order of their times; where the last are asked for, backwards.

    Args:
        connection: Where to.
        tenant: Whose.
        stretches: When, entity by entity.
        selection: Which of the instances.
        limit: How many at most.
    """
    stamp = STAMPS[selection.times.property]
    walk, walk_parameters = walked(tenant, stretches, selection)
    held = held_in(tenant, selection)
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
    connection: Connection, tenant: str, stretches: Sequence[Stretch], selection: Selection
) -> Sequence[tuple[str, Iri, AttributeKind]]:
    """Return the attributes that have instances of the selection, by entity, with their kinds."""
    walk, walk_parameters = walked(tenant, stretches, selection)
    held = held_in(tenant, selection)
    rows = await fetch_tuples(
        connection,
        f"select distinct asked.entity, name.attribute, one.kind from {walk} "  # noqa: S608
        "cross join lateral (select h.instance ->> 'kind' as kind from exchange.history h "
        f"where {held.sql} limit 1) as one",
        (*walk_parameters, *held.parameters),
    )
    return [(row[0], row[1], AttributeKind(row[2])) for row in rows]


async def has_attributes(
    connection: Connection, tenant: str, entity_id: str, names: Sequence[Iri]
) -> bool:
    """Tell whether history knows one of these attributes of an entity, at any time."""
    rows = await fetch_tuples(
        connection,
        "select exists (select from exchange.history h "
        "where h.tenant = %s and h.entity = %s and h.attribute = any(%s))",
        (tenant, entity_id, list(names)),
    )
    return bool(rows[0][0])


def _having(tenant: str, asked: SqlFilter, selection: Selection) -> tuple[str, tuple[Any, ...]]:
    asked_for = Selection(
        times=selection.times, attributes=selection.having, dataset_ids=selection.dataset_ids
    )
    which, when = chosen(asked_for), within(selection.times)
    statement = (
        _KNOWN.format(asked=asked.sql)
        + "where exists (select from exchange.history h where h.tenant = %s "
        f"and h.entity = known.id and {when.sql} and {which.sql})"
    )
    branch = (tenant, *asked.parameters)
    return statement, (*branch, *branch, tenant, *when.parameters, *which.parameters)


def _known(row: tuple[Any, ...]) -> KnownEntity:
    key, types, scopes, created_at, modified_at, deleted_at = row
    return KnownEntity(key, tuple(types), tuple(scopes), created_at, modified_at, deleted_at)


def _instance(row: tuple[Any, ...]) -> Instance:
    entity, attribute, dataset_id, number, stamp, written_at, changed_at, ended, at, text = row
    value = _INSTANCE.decode(text)
    observed = at != written_at if ended else value.observed_at is not None
    return Instance(
        *(entity, attribute, dataset_id, number, stamp, written_at, changed_at, ended),
        *(observed, value),
    )
