"""The only SQL of the devices that uplinks heard of."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from beffroi.kernel.database import Connection, execute, fetch_all, fetch_tuples

_ENCODER: Final = msgspec.json.Encoder()
# Flows that ended meanwhile keep no devices; rows are locked in one order by every process.
_NOTE: Final = """
insert into exchange.uplink_device (organisation, uplink, device, entity, first_seen_at,
    last_seen_at, received, ignored, battery, rssi, snr, gateways)
select g.organisation, g.uplink, g.device, g.entity, g.at, g.at, g.received, g.ignored, g.battery,
    g.rssi, g.snr, g.gateways
from jsonb_to_recordset(%s::jsonb) as g(organisation text, uplink text, device text, entity text,
    at timestamptz, received bigint, ignored bigint, battery float8, rssi float8, snr float8,
    gateways integer)
join exchange.flow f on f.organisation = g.organisation and f.name = g.uplink
order by g.organisation, g.uplink, g.device
on conflict (organisation, uplink, device) do update set
    entity = case when excluded.entity <> '' then excluded.entity else uplink_device.entity end,
    last_seen_at = greatest(uplink_device.last_seen_at, excluded.last_seen_at),
    received = uplink_device.received + excluded.received,
    ignored = uplink_device.ignored + excluded.ignored,
    battery = coalesce(excluded.battery, uplink_device.battery),
    rssi = coalesce(excluded.rssi, uplink_device.rssi),
    snr = coalesce(excluded.snr, uplink_device.snr),
    gateways = coalesce(excluded.gateways, uplink_device.gateways)
"""

_HOLD_COUNT: Final = """
insert into exchange.uplink_count (organisation, uplink, entities)
select organisation, name, 0 from exchange.flow where organisation = %s and name = %s
on conflict (organisation, uplink) do update set entities = uplink_count.entities
returning entities
"""
_THERE: Final = """
select entity from exchange.uplink_entity
where organisation = %s and uplink = %s and entity = any(%s)
"""
_ADMIT: Final = """
with added as (
    insert into exchange.uplink_entity (organisation, uplink, entity)
    select %(organisation)s, %(uplink)s, unnest(%(entities)s::text[])
)
update exchange.uplink_count set entities = entities + cardinality(%(entities)s::text[])
where organisation = %(organisation)s and uplink = %(uplink)s
"""
_RELEASE: Final = """
with gone as (
    delete from exchange.uplink_entity u
    where organisation = %(organisation)s and uplink = %(uplink)s and entity = any(%(entities)s)
        and not exists (select from exchange.entity e where e.tenant = %(tenant)s
            and e.id = u.entity and e.organisation = %(organisation)s)
    returning 1
)
update exchange.uplink_count set entities = entities - (select count(*) from gone)
where organisation = %(organisation)s and uplink = %(uplink)s
"""


class DeviceNews(msgspec.Struct, kw_only=True):
    """What was heard of a device since it was written last."""

    organisation: str
    uplink: str
    device: str
    entity: str
    at: datetime
    received: int = 0
    ignored: int = 0
    battery: float | None = None
    rssi: float | None = None
    snr: float | None = None
    gateways: int | None = None


class KnownDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device of an uplink, and how it was heard last.

    Attributes:
        battery: In percent.
        rssi: In dBm.
        snr: In dB.
    """

    device: str
    entity: str
    first_seen_at: datetime
    last_seen_at: datetime
    received: int
    ignored: int
    battery: float | None
    rssi: float | None
    snr: float | None
    gateways: int | None


async def note_devices(connection: Connection, news: Sequence[DeviceNews]) -> None:
    """Write what was heard."""
    await execute(connection, _NOTE, (_ENCODER.encode(news).decode(),))


async def devices_of(
    connection: Connection, organisation: str, uplink: str, *, offset: int = 0, limit: int
) -> Sequence[KnownDevice]:
    """Return devices, those first that were silent for the longest."""
    return await fetch_all(
        connection,
        KnownDevice,
        "select device, entity, first_seen_at, last_seen_at, received, ignored, battery, rssi, "
        "snr, gateways from exchange.uplink_device where organisation = %s and uplink = %s "
        "order by last_seen_at, device offset %s limit %s",
        (organisation, uplink, offset, limit),
    )


async def count_devices(connection: Connection, organisation: str, uplink: str) -> int:
    """Count the devices of an uplink."""
    rows = await fetch_tuples(
        connection,
        "select count(*) from exchange.uplink_device where organisation = %s and uplink = %s",
        (organisation, uplink),
    )
    return int(rows[0][0])


async def entities_of(connection: Connection, organisation: str, uplink: str) -> set[str]:
    """Return the ids of all entities that an uplink made."""
    rows = await fetch_tuples(
        connection,
        "select entity from exchange.uplink_entity where organisation = %s and uplink = %s",
        (organisation, uplink),
    )
    return {row[0] for row in rows}


async def admit(
    connection: Connection, key: tuple[str, str], entities: Sequence[str], most: int
) -> set[str]:
    """Let entities in, the first ones first, as far as an uplink may make more.

    Every process that does waits for the others, so that together they let no more in.

    Args:
        connection: In a transaction.
        key: The organisation and the uplink.
        entities: Ids, each once.
        most: How many an uplink may have made in all.

    Returns:
        Those that are in, whoever let them in; all where the uplink ended meanwhile.
    """
    held = await fetch_tuples(connection, _HOLD_COUNT, key)
    if not held:
        return set(entities)
    rows = await fetch_tuples(connection, _THERE, (*key, list(entities)))
    there = {row[0] for row in rows}
    news = [one for one in entities if one not in there][: max(0, most - held[0][0])]
    if news:
        organisation, uplink = key
        asked = {"organisation": organisation, "uplink": uplink, "entities": news}
        await execute(connection, _ADMIT, asked)
    return there.union(news)


async def release(
    connection: Connection, key: tuple[str, str], tenant: str, entities: Sequence[str]
) -> None:
    """Give the places of entities back that were let in and could not be made."""
    organisation, uplink = key
    asked = {"organisation": organisation, "uplink": uplink, "tenant": tenant}
    await execute(connection, _RELEASE, {**asked, "entities": entities})
