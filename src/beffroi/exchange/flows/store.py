"""The only SQL of flows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from beffroi.exchange.flows.model import (
    Direction,
    FlowMinute,
    FlowState,
    HeldFlow,
    PlannedFlow,
    RefusedItem,
    ToldError,
)
from beffroi.exchange.model import Json
from beffroi.kernel.database import Connection, execute, fetch_all, fetch_tuples
from beffroi.kernel.log.entries import last_seq
from beffroi.kernel.log.trimming import Holder

CHANNEL: Final = "beffroi_flows"
_FLOW: Final = """
select f.organisation, f.name, f.tenant, f.source, f.direction, f.kind, f.declared::text,
    f.files::text, f.is_paused, f.changed_at
from exchange.flow f
"""
_STATE: Final = """
select s.organisation, s.name, s.position::text, s.carried, s.refused, s.last_carried_at,
    s.last_observed_at, s.failing_since, s.last_error::text, s.lag_s
from exchange.flow_state s
"""
Key = tuple[str, str]


async def all_flows(connection: Connection) -> Sequence[HeldFlow]:
    """Return every flow that the transaction may see, by name."""
    rows = await fetch_tuples(connection, _FLOW + "order by f.name, f.organisation")
    return [_flow(row) for row in rows]


async def flow_of(connection: Connection, organisation: str, name: str) -> HeldFlow | None:
    """Return one flow."""
    rows = await fetch_tuples(
        connection, _FLOW + "where f.organisation = %s and f.name = %s", (organisation, name)
    )
    return _flow(rows[0]) if rows else None


async def flows_named(connection: Connection, organisation: str) -> Sequence[HeldFlow]:
    """Return the flows of an organisation, held for a change; another change waits for this one."""
    await execute(
        connection,
        "select pg_advisory_xact_lock(hashtextextended('exchange.flow ' || %s, 0))",
        (organisation,),
    )
    rows = await fetch_tuples(
        connection,
        _FLOW + "where f.organisation = %s order by f.name for no key update",
        (organisation,),
    )
    return [_flow(row) for row in rows]


async def states(connection: Connection) -> dict[Key, FlowState]:
    """Return how every flow fares that the transaction may see."""
    return {(row[0], row[1]): _state(row) for row in await fetch_tuples(connection, _STATE)}


async def state_of(connection: Connection, organisation: str, name: str) -> FlowState:
    """Return how a flow fares."""
    rows = await fetch_tuples(
        connection, _STATE + "where s.organisation = %s and s.name = %s", (organisation, name)
    )
    return _state(rows[0]) if rows else FlowState()


async def put_flow(
    connection: Connection,
    organisation: str,
    source: str,
    planned: PlannedFlow,
    files: dict[str, bytes],
) -> None:
    """Keep a flow as it is declared; how far it came stays. A new one that goes out begins now.

    How far one of another direction came says nothing to it, nor that of another way in.
    """
    await execute(
        connection,
        "delete from exchange.flow_state s using exchange.flow f where f.organisation = %s "
        "and f.name = %s and s.organisation = f.organisation and s.name = f.name "
        "and (f.direction <> %s or (f.direction = 'in' and f.kind <> %s))",
        (organisation, planned.name, planned.direction.value, planned.kind),
    )
    await execute(
        connection,
        "insert into exchange.flow (organisation, name, tenant, source, direction, kind, "
        "declared, files) values (%s, %s, %s, %s, %s, %s, %s, %s) "
        "on conflict (organisation, name) do update set tenant = excluded.tenant, "
        "source = excluded.source, direction = excluded.direction, kind = excluded.kind, "
        "declared = excluded.declared, files = excluded.files, changed_at = clock_timestamp()",
        (
            organisation,
            planned.name,
            planned.tenant,
            source,
            planned.direction.value,
            planned.kind,
            planned.declared.decode(),
            msgspec.json.encode(files).decode(),
        ),
    )
    await execute(
        connection,
        "insert into exchange.flow_state (organisation, name, position) select %s, %s, "
        "case when %s then jsonb_build_object('seq', coalesce(max(seq), 0)) end "
        "from kernel.log on conflict do nothing",
        (organisation, planned.name, planned.direction is Direction.OUT),
    )


async def remove_flow(connection: Connection, organisation: str, name: str) -> None:
    """Forget a flow with all that is known of it."""
    await execute(
        connection,
        "delete from exchange.flow where organisation = %s and name = %s",
        (organisation, name),
    )


async def set_paused(
    connection: Connection, organisation: str, name: str, *, is_paused: bool
) -> None:
    """Let a flow rest, or carry again."""
    await execute(
        connection,
        "update exchange.flow set is_paused = %s, changed_at = clock_timestamp() "
        "where organisation = %s and name = %s",
        (is_paused, organisation, name),
    )


async def wake(connection: Connection) -> None:
    """Tell the one who runs flows that one changed; it hears once this is committed."""
    await execute(connection, "select pg_notify(%s, '')", (CHANNEL,))


async def move_to(connection: Connection, organisation: str, name: str, position: Json) -> None:
    """Set where a flow goes on, and have whoever carries it begin anew."""
    await execute(
        connection,
        "update exchange.flow set changed_at = clock_timestamp() "
        "where organisation = %s and name = %s",
        (organisation, name),
    )
    await execute(
        connection,
        "update exchange.flow_state set position = %s where organisation = %s and name = %s",
        (msgspec.json.encode(position).decode(), organisation, name),
    )


async def position_of(connection: Connection, flow: HeldFlow) -> Json:
    """Return how far a flow came; nothing: it has not begun."""
    return (await state_of(connection, *flow.key)).position


async def keep_position(connection: Connection, flow: HeldFlow, position: Json) -> bool:
    """Keep how far a flow came, unless it was changed since it was read."""
    kept = await execute(
        connection,
        "update exchange.flow_state s set position = %s from exchange.flow f "
        "where f.organisation = s.organisation and f.name = s.name and s.organisation = %s "
        "and s.name = %s and f.changed_at = %s",
        (msgspec.json.encode(position).decode(), *flow.key, flow.changed_at),
    )
    return kept == 1


async def minutes_since(
    connection: Connection, since: datetime, key: Key | None = None
) -> dict[Key, list[FlowMinute]]:
    """Return what flows carried, minute by minute; of one, or of all that may be seen."""
    asked = "" if key is None else "and organisation = %s and name = %s "
    rows = await fetch_tuples(
        connection,
        "select organisation, name, minute, carried, refused from exchange.flow_minute "  # noqa: S608
        f"where minute >= %s {asked}order by minute",
        (since, *(key or ())),
    )
    found: dict[Key, list[FlowMinute]] = {}
    for organisation, name, *minute in rows:
        found.setdefault((organisation, name), []).append(FlowMinute(*minute))
    return found


async def refused_of(
    connection: Connection, organisation: str, name: str, most: int
) -> Sequence[RefusedItem]:
    """Return what a flow could not carry, the newest first."""
    rows = await fetch_tuples(
        connection,
        "select number, at, code, facts::text, told, content is not null "
        "from exchange.flow_refused where organisation = %s and name = %s "
        "order by number desc limit %s",
        (organisation, name, most),
    )
    return [
        RefusedItem(row[0], row[1], ToldError(row[2], msgspec.json.decode(row[3])), row[4], row[5])
        for row in rows
    ]


async def want_again(connection: Connection, organisation: str, name: str) -> int:
    """Mark what a flow could not carry and is kept whole: its driver sends it first of all."""
    count = await execute(
        connection,
        "update exchange.flow_refused set wanted = true where organisation = %s and name = %s "
        "and content is not null",
        (organisation, name),
    )
    await execute(
        connection,
        "update exchange.flow set changed_at = clock_timestamp() "
        "where organisation = %s and name = %s",
        (organisation, name),
    )
    return count


async def log_places(connection: Connection) -> Sequence[Holder]:
    """Return how far flows that go out have read the log, also those that rest."""
    rows = await fetch_tuples(
        connection,
        "select f.organisation, f.name, (s.position ->> 'seq')::bigint from exchange.flow f "
        "join exchange.flow_state s on s.organisation = f.organisation and s.name = f.name "
        "where f.direction = 'out'",
    )
    return [Holder(f"{organisation}/{name}", seq or 0) for organisation, name, seq in rows]


async def last_entry_before(connection: Connection, moment: datetime, kept_from: int) -> int:
    """Return the seq of the last entry of the log before a moment.

    The log is in order of time: it is halved until the place is found.

    Args:
        connection: Where to.
        moment: Not before the first entry.
        kept_from: The seq from which on the log has every entry.
    """
    low, high = kept_from - 1, max(kept_from - 1, await last_seq(connection))
    while low < high:
        middle = (low + high + 1) // 2
        rows = await fetch_tuples(
            connection,
            "select seq, at from kernel.log where seq >= %s order by seq limit 1",
            (middle,),
        )
        if rows[0][1] < moment:
            low = rows[0][0]
        else:
            high = middle - 1
    return int(low)


class SecretName(msgspec.Struct, frozen=True):
    """A secret without its value."""

    organisation: str
    name: str
    set_at: datetime


async def put_secret(connection: Connection, organisation: str, name: str, sealed: bytes) -> None:
    """Keep a secret, in the place of what it was; flows that name it begin anew."""
    await execute(
        connection,
        "insert into exchange.secret (organisation, name, sealed) values (%s, %s, %s) "
        "on conflict (organisation, name) "
        "do update set sealed = excluded.sealed, set_at = clock_timestamp()",
        (organisation, name, sealed),
    )
    await execute(
        connection,
        "update exchange.flow set changed_at = clock_timestamp() where organisation = %s "
        "and jsonb_path_exists(declared::jsonb, '$.**.secret ? (@ == $name)', "
        "jsonb_build_object('name', %s::text))",
        (organisation, name),
    )


async def sealed_secret(connection: Connection, organisation: str, name: str) -> bytes | None:
    """Return a secret as it is kept."""
    rows = await fetch_tuples(
        connection,
        "select sealed from exchange.secret where organisation = %s and name = %s",
        (organisation, name),
    )
    return bytes(rows[0][0]) if rows else None


async def secret_names(connection: Connection, organisation: str) -> Sequence[SecretName]:
    """Return which secrets an organisation set."""
    return await fetch_all(
        connection,
        SecretName,
        "select organisation, name, set_at from exchange.secret where organisation = %s "
        "order by name",
        (organisation,),
    )


def _flow(row: tuple[Any, ...]) -> HeldFlow:
    return HeldFlow(
        organisation=row[0],
        name=row[1],
        tenant=row[2],
        source=row[3],
        direction=Direction(row[4]),
        kind=row[5],
        declared=row[6].encode(),
        files=msgspec.json.decode(row[7], type=dict[str, bytes]),
        is_paused=row[8],
        changed_at=row[9],
    )


def _state(row: tuple[Any, ...]) -> FlowState:
    return FlowState(
        position=None if row[2] is None else msgspec.json.decode(row[2]),
        carried=row[3],
        refused=row[4],
        last_carried_at=row[5],
        last_observed_at=row[6],
        failing_since=row[7],
        last_error=None if row[8] is None else msgspec.json.decode(row[8], type=ToldError),
        lag_s=row[9],
    )
