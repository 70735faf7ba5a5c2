"""The only SQL of the journal of accesses."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from beffroi.exchange.model import Iri
from beffroi.kernel.database import Connection, execute, fetch_all

_KEEP: Final = """
insert into exchange.access (organisation, actor, actor_organisation, verb, purpose, tenant,
    treatment, types, attributes, entities, ids)
select organisation, actor, actor_organisation, verb, purpose, tenant, treatment, types,
    attributes, entities, ids
from jsonb_to_recordset(%s::jsonb) as given(organisation text, actor text,
    actor_organisation text, verb text, purpose text, tenant text, treatment text, types text[],
    attributes text[], entities bigint, ids text[])
"""
_ENCODER: Final = msgspec.json.Encoder()


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """That somebody read personal data of an organisation.

    Attributes:
        organisation: Whose data.
        verb: How: retrieve, query, history, notification, export, page.
        purpose: As the reader told it.
        attributes: Personal ones that were told.
        entities: How many.
        ids: Of the entities, where they are 100 at most.
    """

    organisation: str
    actor: str
    actor_organisation: str
    verb: str
    purpose: str
    tenant: str
    treatment: str
    types: tuple[Iri, ...]
    attributes: tuple[Iri, ...]
    entities: int
    ids: tuple[str, ...]


class HeldAccess(Access, frozen=True, kw_only=True):
    """An access as the journal has it."""

    number: int
    at: datetime


async def keep(connection: Connection, accesses: Sequence[Access]) -> None:
    """Add to the journal."""
    await execute(connection, _KEEP, (_ENCODER.encode(accesses).decode(),))


async def accesses(
    connection: Connection, organisation: str, *, before: int | None, limit: int
) -> list[HeldAccess]:
    """Return accesses to an organisation's data, the last first."""
    return await fetch_all(
        connection,
        HeldAccess,
        "select * from exchange.access where organisation = %s "
        "and (%s::bigint is null or number < %s) order by number desc limit %s",
        (organisation, before, before, limit),
    )


async def accesses_to(
    connection: Connection, entity_id: str, organisation: str | None, limit: int
) -> list[HeldAccess]:
    """Return accesses that name an entity, the last first."""
    return await fetch_all(
        connection,
        HeldAccess,
        "select * from exchange.access where ids @> array[%s::text] "
        "and (%s::text is null or organisation = %s) order by number desc limit %s",
        (entity_id, organisation, organisation, limit),
    )


async def forget_old(connection: Connection) -> int:
    """Let go of what was kept for a year."""
    return await execute(
        connection, "delete from exchange.access where at < now() - interval '365 days'"
    )
