"""The only SQL that declares how long history is kept, and lets it go."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from beffroi.exchange.retention.model import Retention
from beffroi.kernel.database import Connection, execute, fetch_all, fetch_tuples, fetch_value

_DAY: Final = timedelta(days=1)
# Whose entities have types that are kept so long at most; of those that are gone as of others.
_ENDED: Final = """
select r.organisation, r.tenant, r.type from exchange.retention r
where r.raw_days <= %s
"""
_PAST: Final = """
exists (select from ended where ended.organisation = h.organisation and ended.tenant = h.tenant
    and ended.type = any(coalesce(
        (select e.types from exchange.entity e where e.tenant = h.tenant and e.id = h.entity),
        (select v.types from exchange.evolution v where v.tenant = h.tenant and v.id = h.entity))))
"""


async def put(connection: Connection, organisation: str, retention: Retention) -> None:
    """Declare how long a type is kept, in the place of what was declared."""
    await execute(
        connection,
        "insert into exchange.retention (organisation, tenant, type, raw_days, rolled_days) "
        "values (%s, %s, %s, %s, %s) on conflict (organisation, tenant, type) do update set "
        "raw_days = excluded.raw_days, rolled_days = excluded.rolled_days, "
        "changed_at = clock_timestamp()",
        (
            organisation,
            *(retention.tenant, retention.type, retention.raw_days, retention.rolled_days),
        ),
    )


async def remove(connection: Connection, organisation: str, tenant: str, type_iri: str) -> int:
    """Keep a type for ever again; return whether it was not."""
    return await execute(
        connection,
        "delete from exchange.retention where organisation = %s and tenant = %s and type = %s",
        (organisation, tenant, type_iri),
    )


async def declared(connection: Connection, organisation: str) -> Sequence[Retention]:
    """Return what an organisation declared, by tenant and type."""
    return await fetch_all(
        connection,
        Retention,
        "select type, raw_days, rolled_days, tenant from exchange.retention "
        "where organisation = %s order by tenant, type",
        (organisation,),
    )


async def days_to_look_at(connection: Connection, today: date) -> Sequence[date]:
    """Return the days of history, written whole and rolled up, of which something may go."""
    rows = await fetch_tuples(
        connection,
        "select day from exchange.history_days() as d(day) order by day",
    )
    least = await fetch_value(connection, "select min(raw_days) from exchange.retention")
    until = await fetch_value(
        connection, "select at from exchange.rolled_until where at > '-infinity'"
    )
    if least is None or until is None:
        return []
    return [
        day for (day,) in rows if (today - day).days > least and _beginning(day) + _DAY <= until
    ]


async def forget_instances(connection: Connection, day: date, today: date, *, most: int) -> int:
    """Delete some of the instances written on a day that are past their retention.

    Returns:
        How many; less than asked for: no other is past.
    """
    return await execute(
        connection,
        f"with ended as materialized ({_ENDED}), gone as materialized ("  # noqa: S608
        "select h.tableoid, h.ctid from exchange.history h where h.written_at >= %s "
        f"and h.written_at < %s and {_PAST} limit %s) "
        "delete from exchange.history h using gone "
        "where h.ctid = gone.ctid and h.tableoid = gone.tableoid "
        "and h.written_at >= %s and h.written_at < %s",
        (
            (today - day).days - 1,
            *(_beginning(day), _beginning(day + _DAY), most),
            *(_beginning(day), _beginning(day + _DAY)),
        ),
    )


async def all_past(connection: Connection, day: date, today: date) -> bool:
    """Tell whether every instance written on a day is past its retention."""
    left = await fetch_value(
        connection,
        f"with ended as materialized ({_ENDED}) "  # noqa: S608
        "select exists (select from exchange.history h where h.written_at >= %s "
        f"and h.written_at < %s and not {_PAST})",
        ((today - day).days - 1, _beginning(day), _beginning(day + _DAY)),
    )
    return not left


async def drop_day(connection: Connection, day: date) -> None:
    """Let a day of history go at once; whoever reads history meanwhile waits, 2 s at most.

    Nobody rolls up or corrects meanwhile either: they all read history in their transactions.
    """
    await execute(connection, "set local lock_timeout = '2s'")
    await execute(connection, f"drop table if exists exchange.history_{day:%Y_%m_%d}")


async def forget_rollups(connection: Connection, now: datetime, *, most: int) -> int:
    """Delete some of the figures that are past their retention; return how many."""
    return await execute(
        connection,
        "with gone as materialized (select h.ctid from exchange.rollup h "
        "cross join lateral (select min(r.rolled_days) as days from exchange.retention r "
        "where r.organisation = h.organisation and r.tenant = h.tenant and r.type = any(coalesce("
        "(select e.types from exchange.entity e where e.tenant = h.tenant and e.id = h.entity), "
        "(select v.types from exchange.evolution v where v.tenant = h.tenant and v.id = h.entity)"
        "))) as kept where h.at < %s - make_interval(days => kept.days) "
        "and h.at < %s - make_interval(days => (select min(rolled_days) from exchange.retention)) "
        "limit %s) delete from exchange.rollup h using gone where h.ctid = gone.ctid",
        (now, now, most),
    )


def _beginning(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
