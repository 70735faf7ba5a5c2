"""Changes of history itself, in SQL."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from beffroi.exchange.model import Attribute, Iri
from beffroi.exchange.store import Key
from beffroi.exchange.temporal.instance_ids import InstanceKey
from beffroi.kernel.database import Connection, Scope, execute, fetch_tuples

_DAY: Final = timedelta(days=1)
_INSTANCE: Final = msgspec.json.Decoder(Attribute)
_REACHED: Final = "tenant = %s and entity = %s and (%s or organisation = %s)"
_HELD: Final = "entity_key = exchange.entity_key(%s, %s) and " + _REACHED
_ONE: Final = _HELD + (
    " and attribute = %s and number = %s and written_at >= %s and written_at < %s"
)


_TOLD: Final = """
with told as (
    select row_number() over () as place, given.*
    from jsonb_to_recordset(%s::jsonb) as given(tenant text, entity text, attribute text,
        dataset_id text, organisation text, at timestamptz, written_at timestamptz,
        ended boolean, value float8, instance jsonb)
)"""
# What was observed of a data set at a time is one instance: told again, it is corrected.
_SAME: Final = """
    h.entity_key = exchange.entity_key(told.tenant, told.entity)
        and h.attribute_key = hashtextextended(told.attribute, 0)
        and h.tenant = told.tenant and h.entity = told.entity and h.attribute = told.attribute
        and h.dataset_id = told.dataset_id and h.at = told.at
        and h.at <> h.written_at and told.at <> told.written_at
"""
_TOLD_BEFORE: Final = f"""
{_TOLD} select told.at from told where exists (select from exchange.history h where {_SAME})
"""  # noqa: S608 - text of ours alone
_TELL: Final = f"""
{_TOLD}, corrected as (
    update exchange.history h set value = told.value, instance = told.instance,
        said = null,
        ended = told.ended, changed_at = told.written_at
    from told where {_SAME}
    returning told.place
)
insert into exchange.history (tenant, entity, attribute, dataset_id, organisation, at, written_at,
    ended, value, instance)
select tenant, entity, attribute, dataset_id, organisation, at, written_at, ended, value, instance
from told where place not in (select place from corrected) order by place
"""  # noqa: S608 - text of ours alone


class HistoryRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An instance of an attribute as it was.

    Attributes:
        at: When it was observed, else when it was written.
        ended: It was deleted then.
        value: Where it is a number.
    """

    tenant: str
    entity: str
    organisation: str
    at: datetime
    written_at: datetime
    ended: bool
    value: float | None
    attribute: Iri
    dataset_id: str
    instance: Attribute


class KnownOwner(msgspec.Struct, frozen=True):
    """What the exchange knows of an id.

    Attributes:
        lives: It is there now; otherwise history alone knows it.
    """

    organisation: str
    lives: bool
    types: tuple[Iri, ...]
    scopes: tuple[str, ...]


class HeldInstance(msgspec.Struct, frozen=True):
    """An instance as history has it.

    Attributes:
        at: When it was observed, else when it was written.
    """

    at: datetime
    said: Attribute


async def hold(connection: Connection, key: Key) -> None:
    """Let nobody else change the history of an entity until the transaction ends."""
    await execute(
        connection,
        "select pg_advisory_xact_lock(hashtextextended(%s || chr(10) || %s, 0))",
        key,
    )


async def owner_of(connection: Connection, key: Key) -> KnownOwner | None:
    """Return whose an entity is, or was."""
    rows = await fetch_tuples(
        connection,
        "select organisation, true as lives, types, scopes from exchange.entity "
        "where tenant = %s and id = %s union all "
        "select organisation, false, types, scopes from exchange.evolution "
        "where tenant = %s and id = %s order by lives desc limit 1",
        (*key, *key),
    )
    if not rows:
        return None
    organisation, lives, types, scopes = rows[0]
    return KnownOwner(organisation, lives, tuple(types), tuple(scopes))


async def times_told_again(
    connection: Connection, rows: Sequence[HistoryRow]
) -> Sequence[datetime]:
    """Return the times of those that history has already: telling them corrects them."""
    found = await fetch_tuples(connection, _TOLD_BEFORE, (msgspec.json.encode(rows).decode(),))
    return [row[0] for row in found]


async def tell(connection: Connection, rows: Sequence[HistoryRow]) -> None:
    """Keep what was so; the day that it is written on has its partition."""
    await execute(connection, _TELL, (msgspec.json.encode(rows).decode(),))


async def delete_attribute(
    connection: Connection, key: Key, scope: Scope, attribute: Iri, dataset_id: str | None
) -> int:
    """Delete the instances of an attribute; return how many.

    Args:
        connection: Where to.
        key: Of the entity.
        scope: Whose rows may go.
        attribute: Which.
        dataset_id: Of which data set; nothing: of all.
    """
    parameters: tuple[Any, ...] = (*key, *_reached(key, scope), attribute, dataset_id, dataset_id)
    return await execute(
        connection,
        f"delete from exchange.history where {_HELD} and attribute = %s "  # noqa: S608
        "and (%s::text is null or dataset_id = %s)",
        parameters,
    )


async def delete_instance(
    connection: Connection, key: Key, scope: Scope, attribute: Iri, instance: InstanceKey
) -> None:
    """Delete one instance."""
    await execute(
        connection,
        f"delete from exchange.history where {_ONE}",  # noqa: S608
        _one(key, scope, attribute, instance),
    )


async def instance_of(
    connection: Connection, key: Key, scope: Scope, attribute: Iri, instance: InstanceKey
) -> HeldInstance | None:
    """Return one instance; nobody else corrects it until ``hold`` ends."""
    rows = await fetch_tuples(
        connection,
        "select at, exchange.instance_text(instance, said, created_at, modified_at) "  # noqa: S608
        f"from exchange.history where {_ONE}",
        _one(key, scope, attribute, instance),
    )
    return HeldInstance(rows[0][0], _INSTANCE.decode(rows[0][1])) if rows else None


async def correct_instance(
    connection: Connection, row: HistoryRow, scope: Scope, instance: InstanceKey
) -> None:
    """Put what an instance should be in the place of what it was; it was deleted no longer."""
    written = msgspec.json.encode(row.instance).decode()
    await execute(
        connection,
        "update exchange.history set at = coalesce(%s, written_at), value = %s, "  # noqa: S608
        f"instance = %s::jsonb, said = null, ended = false, changed_at = %s where {_ONE}",
        (
            *(row.instance.observed_at, row.value, written, row.written_at),
            *_one((row.tenant, row.entity), scope, row.attribute, instance),
        ),
    )


async def delete_all(connection: Connection, key: Key, scope: Scope) -> int:
    """Delete all that history knows of an entity; return how many rows."""
    instances = await execute(
        connection,
        f"delete from exchange.history where {_HELD}",  # noqa: S608
        (*key, *_reached(key, scope)),
    )
    entities = await execute(
        connection,
        "delete from exchange.evolution where tenant = %s and id = %s "
        "and (%s or organisation = %s)",
        _reached(key, scope),
    )
    return instances + entities


def _reached(key: Key, scope: Scope) -> tuple[Any, ...]:
    return (*key, scope.everything, scope.organisation)


def _one(key: Key, scope: Scope, attribute: Iri, instance: InstanceKey) -> Sequence[Any]:
    day = instance.day
    return (*key, *_reached(key, scope), attribute, instance.number, day, day + _DAY)
