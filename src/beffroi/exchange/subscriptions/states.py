"""Entities as they are now, read for those who follow the log."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from beffroi.exchange.model import SCOPE, Attribute, Entity
from beffroi.exchange.store import held_in_row
from beffroi.exchange.subscriptions.moments import Key
from beffroi.kernel.database import Connection, fetch_tuples

# One look at the index for each, whatever PostgreSQL expects of so many.
_HELD: Final = """
select held.*
from unnest(%s::text[], %s::text[]) as asked(tenant, id)
cross join lateral (
    select e.tenant, e.organisation, e.number, e.id, e.types, e.scopes, e.document::text,
        e.created_at, e.modified_at, e.expires_at
    from exchange.entity e
    where e.id = asked.id and e.tenant is not distinct from asked.tenant
        and (e.expires_at is null or e.expires_at > now())
    limit 1
) as held
"""
_GONE: Final = """
select v.organisation, v.id, v.created_at, h.attribute,
    exchange.instance_text(h.instance, h.said, h.created_at, h.modified_at)
from exchange.evolution v join exchange.history h
    on h.entity_key = exchange.entity_key(v.tenant, v.id)
    and h.tenant = v.tenant and h.entity = v.id and h.written_at = v.deleted_at and h.ended
    and h.attribute <> %s
where v.tenant = %s and v.id = any(%s)
"""


async def entities_now(connection: Connection, owners: Mapping[Key, str]) -> dict[Key, Entity]:
    """Return entities as they are now; those that are gone as they were last, without types.

    Args:
        connection: Where they are.
        owners: To which organisation each belongs, or belonged: an id may be another's since.
    """
    asked = sorted(owners)
    columns = [tenant for tenant, _ in asked], [entity_id for _, entity_id in asked]
    rows = await fetch_tuples(connection, _HELD, columns)
    found = {
        (row[0], row[3]): held_in_row(row).entity
        for row in rows
        if owners[row[0], row[3]] == row[1]
    }
    gone: dict[str, dict[str, str]] = {}
    for tenant, entity_id in asked:
        if (tenant, entity_id) not in found:
            gone.setdefault(tenant, {})[entity_id] = owners[tenant, entity_id]
    for tenant, theirs in gone.items():
        found.update(await _last_held(connection, tenant, theirs))
    return found


async def _last_held(
    connection: Connection, tenant: str, owners: Mapping[str, str]
) -> dict[Key, Entity]:
    attributes: dict[str, dict[str, tuple[Attribute, ...]]] = {}
    born: dict[str, datetime] = {}
    rows = await fetch_tuples(connection, _GONE, (SCOPE, tenant, list(owners)))
    for organisation, entity_id, created_at, attribute, instance in rows:
        if owners[entity_id] != organisation:
            continue
        born[entity_id] = created_at
        of_entity = attributes.setdefault(entity_id, {})
        decoded = msgspec.json.decode(instance, type=Attribute)
        of_entity[attribute] = (*of_entity.get(attribute, ()), decoded)
    return {
        (tenant, entity_id): Entity(
            id=entity_id, types=(), attributes=attributes[entity_id], created_at=born[entity_id]
        )
        for entity_id in attributes
    }
