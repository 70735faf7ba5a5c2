"""The only SQL of what processes that listen for MQTT tell each other."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from beffroi.exchange.mqtt.seen import SeenAccount
from beffroi.kernel.database import Connection, execute, fetch_all, fetch_tuples, fetch_value

_CLAIM: Final = """
insert into exchange.mqtt_client (organisation, account, client_id, session, came_at)
values (%s, %s, %s, %s, clock_timestamp())
on conflict (account, client_id) do update set
    organisation = excluded.organisation, session = excluded.session, came_at = clock_timestamp()
returning came_at
"""
_TELL: Final = """
with gone as (
    delete from exchange.mqtt_account where process = %s or told_at < now() - interval '1 minute'
), old as (
    delete from exchange.mqtt_client where came_at < now() - interval '1 hour'
)
select 1
"""
_KEEP: Final = """
insert into exchange.mqtt_account
    (organisation, process, account, clients, since, messages, rate, told_at)
select organisation, %s, account, clients, since, messages, rate, now()
from jsonb_to_recordset(%s::jsonb) as told(organisation text, account text, clients integer,
    since timestamptz, messages bigint, rate float8)
"""


async def claim(
    connection: Connection, organisation: str, account: str, client_id: str, session: str
) -> datetime:
    """Give the name of a client to a session; return when, by the database's clock."""
    parameters = (organisation, account, client_id, session)
    came_at: datetime = await fetch_value(connection, _CLAIM, parameters)
    return came_at


async def claims_of(connection: Connection, last_s: float) -> Sequence[tuple[Any, ...]]:
    """Return account, client, session and time of the claims of the last seconds."""
    return await fetch_tuples(
        connection,
        "select account, client_id, session, came_at from exchange.mqtt_client "
        "where came_at > now() - %s * interval '1 second'",
        (last_s,),
    )


async def tell(connection: Connection, process: str, accounts: Sequence[SeenAccount]) -> None:
    """Put what a process sees in the place of what it told before; forget what is old."""
    await execute(connection, _TELL, (process,))
    await execute(connection, _KEEP, (process, msgspec.json.encode(accounts).decode()))


async def told_by_others(
    connection: Connection, process: str, last_s: float
) -> Sequence[SeenAccount]:
    """Return what other processes told in the last seconds."""
    return await fetch_all(
        connection,
        SeenAccount,
        "select account, organisation, clients, since, messages, rate from exchange.mqtt_account "
        "where process <> %s and told_at > now() - %s * interval '1 second'",
        (process, last_s),
    )
