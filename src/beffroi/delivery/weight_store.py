"""The only SQL of weight reports."""

from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from beffroi.delivery.weight_report import WeightReport
from beffroi.kernel.database import Connection, execute, fetch_all, fetch_optional, fetch_value

_KEPT: Final = timedelta(days=400)


class _Named(msgspec.Struct, frozen=True):
    application: str


class _Encoded(msgspec.Struct, frozen=True):
    encoded: WeightReport


async def reported(connection: Connection, week: date) -> frozenset[str]:
    """Return the applications whose report of a week is kept."""
    rows = await fetch_all(
        connection,
        _Named,
        "select application from delivery.weight_report where week = %s",
        (week,),
    )
    return frozenset(row.application for row in rows)


async def keep_report(connection: Connection, report: WeightReport) -> None:
    """Keep a report in the place of the week's former one; forget those of 400 days ago."""
    await execute(
        connection,
        """
        insert into delivery.weight_report (application, organisation, week, encoded)
        values (%s, %s, %s, %s::jsonb)
        on conflict (application, week) do update
            set organisation = excluded.organisation, encoded = excluded.encoded
        """,
        (
            report.application,
            report.organisation,
            report.week,
            msgspec.json.encode(report).decode(),
        ),
    )
    await execute(
        connection, "delete from delivery.weight_report where week < %s", (report.week - _KEPT,)
    )


async def newest_report(connection: Connection, application: str) -> WeightReport | None:
    """Return an application's last report."""
    row = await fetch_optional(
        connection,
        _Encoded,
        "select encoded from delivery.weight_report where application = %s"
        " order by week desc limit 1",
        (application,),
    )
    return None if row is None else row.encoded


async def purges_since(connection: Connection, application: str, since: datetime) -> int:
    """Count an application's purges, of which the newest 200 are known."""
    count: int = await fetch_value(
        connection,
        "select count(*) from delivery.purge where application = %s and requested_at >= %s",
        (application, since),
    )
    return count
