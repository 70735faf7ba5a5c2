"""The only SQL of what becomes of flows from moment to moment."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from beffroi.exchange.flows import door_store
from beffroi.exchange.flows.model import ToldError
from beffroi.kernel.database import Connection, execute

REFUSED_KEPT: Final = 20
_MINUTES_KEPT: Final = timedelta(hours=48)
_DEAD_KEPT: Final = timedelta(days=30)
_DEAD_MOST: Final = 10_000


class FlowNews(msgspec.Struct, kw_only=True):
    """What became of a flow since it was written last.

    Attributes:
        failing_since: When it began to fail; it did not, where this is nothing.
        is_well: It carried or recovered after its last failure.
    """

    organisation: str
    name: str
    carried: int = 0
    refused: int = 0
    last_carried_at: datetime | None = None
    last_observed_at: datetime | None = None
    failing_since: datetime | None = None
    error: ToldError | None = None
    is_well: bool = False
    lag_s: float | None = None


class NewRefused(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a flow could not carry.

    Attributes:
        content: What can be sent again, in JSON; nothing where only the excerpt is kept.
    """

    organisation: str
    name: str
    error: ToldError
    told: str
    content: bytes | None = None


async def write_news(connection: Connection, news: Sequence[FlowNews]) -> None:
    """Add to what is known of flows; of those that are gone nothing is kept."""
    ordered = sorted(news, key=lambda one: (one.organisation, one.name))
    given = msgspec.json.encode(ordered).decode()
    await execute(
        connection,
        """
        with given as (
            select * from jsonb_to_recordset(%s::jsonb) as given(organisation text, name text,
                carried bigint, refused bigint, last_carried_at timestamptz,
                last_observed_at timestamptz, failing_since timestamptz, error jsonb,
                is_well boolean, lag_s double precision)
        ), held as (
            select s.organisation, s.name from exchange.flow_state s
            join given using (organisation, name) order by 1, 2 for no key update of s
        ), told as (
            update exchange.flow_state s set
                carried = s.carried + given.carried,
                refused = s.refused + given.refused,
                last_carried_at = greatest(s.last_carried_at, given.last_carried_at),
                last_observed_at = greatest(s.last_observed_at, given.last_observed_at),
                failing_since = case when given.is_well then null
                    else coalesce(s.failing_since, given.failing_since) end,
                last_error = coalesce(nullif(given.error, 'null'), s.last_error),
                lag_s = coalesce(given.lag_s, s.lag_s)
            from given join held using (organisation, name)
            where s.organisation = given.organisation and s.name = given.name
        )
        insert into exchange.flow_minute (organisation, name, minute, carried, refused)
        select organisation, name, date_trunc('minute', now()), carried, refused
        from given join held using (organisation, name) where carried + refused > 0
        on conflict (organisation, name, minute) do update set
            carried = exchange.flow_minute.carried + excluded.carried,
            refused = exchange.flow_minute.refused + excluded.refused
        """,
        (given,),
    )


async def add_refused(connection: Connection, refused: Sequence[NewRefused]) -> None:
    """Keep what could not be carried; of excerpts the last 20 of each flow."""
    await execute(
        connection,
        "insert into exchange.flow_refused (organisation, name, code, facts, told, content) "
        "select given.organisation, given.name, given.code, given.facts, given.told, "
        "given.content from unnest(%s::text[], %s::text[], %s::text[], %s::jsonb[], %s::text[], "
        "%s::jsonb[]) with ordinality "
        "as given(organisation, name, code, facts, told, content, place) "
        "join exchange.flow f on f.organisation = given.organisation and f.name = given.name "
        "order by place",
        (
            [one.organisation for one in refused],
            [one.name for one in refused],
            [one.error.code for one in refused],
            [msgspec.json.encode(one.error.values).decode() for one in refused],
            [one.told for one in refused],
            [None if one.content is None else one.content.decode() for one in refused],
        ),
    )
    for organisation, name in sorted({(one.organisation, one.name) for one in refused}):
        await execute(
            connection,
            "delete from exchange.flow_refused where number in (select number "
            "from exchange.flow_refused where organisation = %s and name = %s "
            "and content is null order by number desc offset %s)",
            (organisation, name, REFUSED_KEPT),
        )


async def forget_old(connection: Connection, now: datetime) -> None:
    """Forget the minutes of the day before yesterday, and dead letters beyond what is kept."""
    await execute(
        connection, "delete from exchange.flow_minute where minute < %s", (now - _MINUTES_KEPT,)
    )
    await door_store.forget_minutes(connection, now - _MINUTES_KEPT)
    await execute(
        connection,
        "delete from exchange.flow_refused where at < %s or number in (select number from "
        "(select number, row_number() over (partition by organisation, name "
        "order by number desc) as place from exchange.flow_refused) ranked where place > %s)",
        (now - _DEAD_KEPT, _DEAD_MOST),
    )
