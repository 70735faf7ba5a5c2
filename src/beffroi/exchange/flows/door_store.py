"""The only SQL of what comes in by doors that are no flows: accounts, and topics of entities."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from beffroi.exchange.flows.model import FlowMinute
from beffroi.kernel.database import Connection, execute, fetch_tuples


class Door(StrEnum):
    """By what something came in.

    What comes over MQTT is written by accounts too, and counts for both.
    """

    ACCOUNTS = "accounts"
    MQTT = "mqtt"


class DoorNews(msgspec.Struct, frozen=True, kw_only=True):
    """What came in for an organisation since it was written last."""

    organisation: str
    door: Door
    carried: int
    refused: int


async def add_minute(connection: Connection, news: Sequence[DoorNews]) -> None:
    """Add to what came in this minute."""
    ordered = sorted(news, key=lambda one: (one.organisation, one.door))
    await execute(
        connection,
        """
        insert into exchange.door_minute as held (organisation, door, minute, carried, refused)
        select organisation, door, date_trunc('minute', now()), sum(carried), sum(refused)
        from jsonb_to_recordset(%s::jsonb) as given(organisation text, door text, carried bigint,
            refused bigint)
        where carried + refused > 0 group by 1, 2 order by 1, 2
        on conflict (organisation, door, minute) do update set
            carried = held.carried + excluded.carried, refused = held.refused + excluded.refused
        """,
        (msgspec.json.encode(ordered).decode(),),
    )


async def minutes_since(connection: Connection, since: datetime) -> dict[Door, list[FlowMinute]]:
    """Return what came in by each door, minute by minute, as far as it may be seen."""
    rows = await fetch_tuples(
        connection,
        "select door, minute, sum(carried)::bigint, sum(refused)::bigint from exchange.door_minute "
        "where minute >= %s group by 1, 2 order by 1, 2",
        (since,),
    )
    found: dict[Door, list[FlowMinute]] = {}
    for door, *minute in rows:
        found.setdefault(Door(door), []).append(FlowMinute(*minute))
    return found


async def forget_minutes(connection: Connection, before: datetime) -> None:
    """Forget the minutes before a moment."""
    await execute(connection, "delete from exchange.door_minute where minute < %s", (before,))
