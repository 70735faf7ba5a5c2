"""Conditions on history, made of texts of ours; values are parameters."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from beffroi.exchange.asking.reach import Realm
from beffroi.exchange.temporal.model import Selection, Stretch, TimeProperty, Times

Parameters = tuple[Any, ...]

STAMPS: Final = {
    TimeProperty.OBSERVED_AT: "h.at",
    TimeProperty.CREATED_AT: "h.written_at",
    TimeProperty.MODIFIED_AT: "coalesce(h.changed_at, h.written_at)",
    TimeProperty.DELETED_AT: "h.written_at",
}
"""The time of an instance that counts."""

# offset 0: the numbers are worked out once, and an index looks for them behind row-level security.
_ASKED: Final = """
(select given.*, exchange.entity_key(%s, given.entity) as entity_key
    from unnest(%s::text[], %s::text[]::timestamptz[], %s::text[]::timestamptz[])
    as given(entity, low, high) offset 0) as asked
"""
_WANTED: Final = """
cross join (select given.attribute, hashtextextended(given.attribute, 0) as attribute_key
    from unnest(%s::text[]) as given(attribute) offset 0) as name
"""
# The names of an entity's attributes, each found by one step in the index.
_NAMES: Final = """
cross join lateral (
    with recursive named(attribute, attribute_key) as (
        (select h.attribute, h.attribute_key from exchange.history h
            where h.entity_key = asked.entity_key and h.tenant = %s and h.entity = asked.entity
                and ({reached}) order by h.attribute_key limit 1)
        union all
        select beyond.attribute, beyond.attribute_key from named cross join lateral (
            select h.attribute, h.attribute_key from exchange.history h
            where h.entity_key = asked.entity_key and h.tenant = %s and h.entity = asked.entity
                and h.attribute_key > named.attribute_key and ({reached})
            order by h.attribute_key limit 1) as beyond
    )
    select attribute, attribute_key from named where attribute <> all(%s)
) as name
"""
# A deletion that came as history was observed; one that the exchange wrote has no such time.
_TOLD: Final = "(not h.ended or h.at <> h.written_at)"
# What was not observed has the time that it was written at; few others need a look inside.
INSTANCE: Final = "exchange.instance_of(h.instance, h.said)"
_OBSERVED: Final = f"(h.at <> h.written_at or {INSTANCE} ? 'observed_at')"


class Condition(msgspec.Struct, frozen=True):
    """A condition on ``exchange.history h``, with its parameters."""

    sql: str
    parameters: Parameters = ()


def walked(
    realm: Realm, stretches: Sequence[Stretch], selection: Selection
) -> tuple[str, Parameters]:
    """Return ``asked`` and ``name``: the stretches of entities, and the names of attributes.

    Going from name to name keeps each look into history to one range of its index, whatever else
    PostgreSQL would think of.
    """
    asked = (
        realm.tenant,
        [one.entity for one in stretches],
        [_bound(one.low, "-infinity") for one in stretches],
        [_bound(one.high, "infinity") for one in stretches],
    )
    if selection.attributes is not None:
        wanted = sorted(selection.attributes - selection.without)
        return _ASKED + _WANTED, (*asked, wanted)
    left_out = sorted(selection.without)
    reached = realm.reach.history_condition()
    own = (realm.tenant, *reached.parameters)
    return _ASKED + _NAMES.format(reached=reached.sql), (*asked, *own, *own, left_out)


def held_in(realm: Realm, selection: Selection) -> Condition:
    """Return the condition that an instance is of the walked name and stretch, and reached."""
    reached = realm.reach.history_condition()
    stamp = STAMPS[selection.times.property]
    which = chosen(selection, attributes=False)
    return Condition(
        "h.entity_key = asked.entity_key and h.attribute_key = name.attribute_key "
        "and h.tenant = %s and h.entity = asked.entity and h.attribute = name.attribute "
        f"and {stamp} >= asked.low and {stamp} < asked.high and ({reached.sql}) and {which.sql}",
        (realm.tenant, *reached.parameters, *which.parameters),
    )


def chosen(selection: Selection, *, attributes: bool = True) -> Condition:
    """Return the condition that instances are of the kind and the attributes asked for.

    Args:
        selection: Which.
        attributes: Whether to look at attributes; otherwise something else has chosen them.
    """
    parts, parameters = [kinds(selection.times)], []
    if attributes and selection.attributes is not None:
        parts.append("h.attribute = any(%s)")
        parameters.append(sorted(selection.attributes))
    if attributes and selection.without:
        parts.append("h.attribute <> all(%s)")
        parameters.append(sorted(selection.without))
    if selection.dataset_ids is not None:
        parts.append("h.dataset_id = any(%s)")
        parameters.append(sorted(selection.dataset_ids))
    return Condition(" and ".join(parts), tuple(parameters))


def kinds(times: Times) -> str:
    """Return the condition that instances have the time that counts."""
    if times.property is TimeProperty.DELETED_AT:
        return "h.ended"
    parts = [] if times.audit else [_TOLD]
    if times.property is TimeProperty.OBSERVED_AT and times.relation is not None:
        parts.append(f"(h.ended or {_OBSERVED})" if times.audit else _OBSERVED)
    return " and ".join(parts) or "true"


def within(times: Times) -> Condition:
    """Return the condition that instances lie in the times asked for."""
    stamp = STAMPS[times.property]
    bounds = ((">=", times.low), ("<", times.high))
    told = [(sign, bound) for sign, bound in bounds if bound is not None]
    return Condition(
        " and ".join([f"{stamp} {sign} %s" for sign, _ in told]) or "true",
        tuple([bound for _, bound in told]),
    )


def stretch_of(entity: str, times: Times) -> Stretch:
    """Return all of the times asked for, of one entity."""
    return Stretch(entity, times.low, times.high)


def _bound(instant: datetime | None, infinite: str) -> str:
    return infinite if instant is None else instant.isoformat()
