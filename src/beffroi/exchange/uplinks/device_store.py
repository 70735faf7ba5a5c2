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
        "select distinct entity from exchange.uplink_device "
        "where organisation = %s and uplink = %s and entity <> ''",
        (organisation, uplink),
    )
    return {row[0] for row in rows}
