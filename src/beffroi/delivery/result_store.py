"""The only SQL of visits counted and of what was taken to answer them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from beffroi.delivery.results_usage import (
    ALL,
    FILLER,
    HOST,
    NGINX,
    POSTGRESQL,
    SlotFigures,
    SlotUsage,
    UsageReading,
)
from beffroi.delivery.visit_log import Cursor
from beffroi.delivery.visits import Slot, VisitCounts
from beffroi.kernel.database import Connection, execute, fetch_all, fetch_optional
from beffroi.kernel.errors import ConflictError


class CountedVisits(msgspec.Struct, frozen=True):
    """What was made of a batch of a log.

    Attributes:
        before, after: Where the batch begins and ends.
        organisations: Whose each application is.
    """

    before: Cursor | None
    after: Cursor
    counts: Mapping[Slot, VisitCounts]
    uses: Mapping[str, datetime]
    organisations: Mapping[str, str]


class VisitTotals(msgspec.Struct, frozen=True):
    """All that was ever counted of an application's visits."""

    application: str
    organisation: str
    requests: int
    bytes: int


async def visit_cursor(connection: Connection, log: str) -> Cursor | None:
    """Return how far a log was counted."""
    return await fetch_optional(
        connection,
        Cursor,
        'select inode, position as "offset", mark from delivery.visit_cursor where log = %s',
        (log,),
    )


async def keep_visits(connection: Connection, log: str, counted: CountedVisits) -> None:
    """Add a batch and move the log's cursor past it, both or neither.

    Raises:
        ConflictError: The cursor is not where the batch begins: somebody else counted it.
    """
    await _move_cursor(connection, log, counted)
    organisations = {**counted.organisations, ALL: ""}
    totals: defaultdict[datetime, VisitCounts] = defaultdict(VisitCounts)
    for slot, counts in counted.counts.items():
        totals[slot.start] += counts
    rows = [
        {
            "application": slot.application,
            "organisation": organisations[slot.application],
            "slot": slot.start,
            **msgspec.structs.asdict(counts),
        }
        for slot, counts in (
            *counted.counts.items(),
            *((Slot(ALL, start), counts) for start, counts in totals.items()),
        )
    ]
    await execute(connection, _ADD_COUNTS, (_json(rows),))
    await execute(connection, _ADD_TOTALS, (_json(rows), ALL))
    uses = [
        {"application": name, "organisation": organisations[name], "at": at}
        for name, at in counted.uses.items()
    ]
    await execute(
        connection,
        """
        insert into delivery.last_use (application, organisation, at)
        select application, organisation, at
        from jsonb_to_recordset(%s::jsonb)
            as one (application text, organisation text, at timestamptz)
        on conflict (application) do update set organisation = excluded.organisation,
            at = greatest(last_use.at, excluded.at)
        """,
        (_json(uses),),
    )


async def visit_totals(connection: Connection) -> Sequence[VisitTotals]:
    """Return all that was ever counted of each application, whatever was forgotten since."""
    return await fetch_all(
        connection,
        VisitTotals,
        "select application, organisation, requests, bytes from delivery.visit_total",
    )


async def kept_last_uses(connection: Connection) -> Mapping[str, datetime]:
    """Return when each application was last used."""
    rows = await fetch_all(connection, _LastUse, "select application, at from delivery.last_use")
    return {row.application: row.at for row in rows}


async def usage_readings(connection: Connection) -> Mapping[str, UsageReading]:
    """Return the readings of the last round; whoever reads them holds them until the end."""
    rows = await fetch_all(
        connection, UsageReading, "select * from delivery.usage_reading for update"
    )
    return {row.subject: row for row in rows}


async def keep_usage(
    connection: Connection, taken: Iterable[SlotUsage], readings: Sequence[UsageReading]
) -> None:
    """Add what was taken and put the readings in the place of the last round's."""
    rows = list(taken)
    totals = [
        msgspec.structs.replace(one, subject=ALL, organisation="")
        for one in rows
        if one.subject != HOST
    ]
    await execute(connection, _ADD_USAGE, (_json([*rows, *totals]),))
    await execute(connection, "delete from delivery.usage_reading")
    await execute(
        connection,
        """
        insert into delivery.usage_reading
        select * from jsonb_to_recordset(%s::jsonb) as one (
            subject text, organisation text, run text, at timestamptz, cpu_s double precision,
            memory_bytes bigint, joules double precision)
        """,
        (_json(readings),),
    )


async def slot_figures(
    connection: Connection, application: str, since: datetime, until: datetime
) -> Sequence[SlotFigures]:
    """Return an application's slots, oldest first, those without a visit included."""
    return await fetch_all(
        connection,
        SlotFigures,
        _SLOT_FIGURES,
        {
            "application": application,
            "since": since,
            "until": until,
            "all": ALL,
            "host": HOST,
            "nginx": NGINX,
            "filler": FILLER,
            "postgresql": POSTGRESQL,
        },
    )


async def forget_before(connection: Connection, moment: datetime) -> int:
    """Delete slots of before a moment; return how many rows that was."""
    visits = await execute(
        connection, "delete from delivery.visit_count where slot < %s", (moment,)
    )
    usage = await execute(connection, "delete from delivery.cpu_usage where slot < %s", (moment,))
    return visits + usage


class _LastUse(msgspec.Struct, frozen=True):
    application: str
    at: datetime


async def _move_cursor(connection: Connection, log: str, counted: CountedVisits) -> None:
    after = counted.after
    if counted.before is None:
        moved = await execute(
            connection,
            "insert into delivery.visit_cursor (log, inode, position, mark)"
            " values (%s, %s, %s, %s) on conflict do nothing",
            (log, after.inode, after.offset, after.mark),
        )
    else:
        before = counted.before
        moved = await execute(
            connection,
            """
            update delivery.visit_cursor set inode = %s, position = %s, mark = %s
            where log = %s and inode = %s and position = %s and mark = %s
            """,
            (
                *(after.inode, after.offset, after.mark, log),
                *(before.inode, before.offset, before.mark),
            ),
        )
    if not moved:
        raise ConflictError("kernel.changed_meanwhile")


def _json(rows: object) -> str:
    return msgspec.json.encode(rows).decode()


_ADD_COUNTS = """
insert into delivery.visit_count (application, organisation, slot, requests, pages, stored,
    stored_pages, fills, passes, passed_pages, renderings, bytes, persons, crawlers, probes, errors)
select application, organisation, slot, requests, pages, stored, stored_pages, fills, passes,
    passed_pages, renderings, bytes, persons, crawlers, probes, errors
from jsonb_to_recordset(%s::jsonb) as one (application text, organisation text, slot timestamptz,
    requests bigint, pages bigint, stored bigint, stored_pages bigint, fills bigint, passes bigint,
    passed_pages bigint, renderings bigint, bytes bigint, persons bigint, crawlers bigint,
    probes bigint, errors bigint)
on conflict (application, organisation, slot) do update set
    requests = visit_count.requests + excluded.requests,
    pages = visit_count.pages + excluded.pages,
    stored = visit_count.stored + excluded.stored,
    stored_pages = visit_count.stored_pages + excluded.stored_pages,
    fills = visit_count.fills + excluded.fills,
    passes = visit_count.passes + excluded.passes,
    passed_pages = visit_count.passed_pages + excluded.passed_pages,
    renderings = visit_count.renderings + excluded.renderings,
    bytes = visit_count.bytes + excluded.bytes,
    persons = visit_count.persons + excluded.persons,
    crawlers = visit_count.crawlers + excluded.crawlers,
    probes = visit_count.probes + excluded.probes,
    errors = visit_count.errors + excluded.errors
"""

_ADD_TOTALS = """
insert into delivery.visit_total as kept (application, organisation, requests, bytes)
select application, max(organisation), sum(requests), sum(bytes)
from jsonb_to_recordset(%s::jsonb) as one (application text, organisation text, requests bigint,
    bytes bigint)
where application <> %s
group by application
on conflict (application) do update set organisation = excluded.organisation,
    requests = kept.requests + excluded.requests, bytes = kept.bytes + excluded.bytes
"""

_ADD_USAGE = """
insert into delivery.cpu_usage
    (subject, organisation, slot, cpu_s, memory_byte_s, running_s, joules)
select subject, organisation, slot, sum(cpu_s), sum(memory_byte_s), sum(running_s), sum(joules)
from jsonb_to_recordset(%s::jsonb) as one (subject text, organisation text, slot timestamptz,
    cpu_s double precision, memory_byte_s double precision, running_s double precision,
    joules double precision)
group by subject, organisation, slot
on conflict (subject, organisation, slot) do update set
    cpu_s = cpu_usage.cpu_s + excluded.cpu_s,
    memory_byte_s = cpu_usage.memory_byte_s + excluded.memory_byte_s,
    running_s = cpu_usage.running_s + excluded.running_s,
    joules = cpu_usage.joules + excluded.joules
"""

_SLOT_FIGURES = """
with own as (
    select slot, array[sum(requests), sum(pages), sum(stored), sum(stored_pages), sum(fills),
        sum(passes), sum(passed_pages), sum(renderings), sum(bytes), sum(persons), sum(crawlers),
        sum(probes), sum(errors)]::bigint[] as counts
    from delivery.visit_count
    where application = %(application)s and slot >= %(since)s and slot < %(until)s
    group by slot
), visits as (
    select slot, requests as all_requests, bytes as all_bytes, fills + passes as all_origin
    from delivery.visit_count
    where application = %(all)s and slot >= %(since)s and slot < %(until)s
), taken as (
    select slot,
        sum(cpu_s) filter (where subject = %(application)s) as cpu_s,
        sum(memory_byte_s) filter (where subject = %(application)s) as memory_byte_s,
        sum(running_s) filter (where subject = %(application)s) as running_s,
        sum(cpu_s) filter (where subject = %(nginx)s) as nginx_cpu_s,
        sum(cpu_s) filter (where subject = %(filler)s) as filler_cpu_s,
        sum(cpu_s) filter (where subject = %(postgresql)s) as postgresql_cpu_s,
        sum(cpu_s) filter (where subject = %(host)s) as host_cpu_s,
        sum(joules) filter (where subject = %(host)s) as host_joules,
        sum(running_s) filter (where subject = %(host)s) as observed_s,
        sum(memory_byte_s) filter (where subject = %(all)s) as all_memory_byte_s
    from delivery.cpu_usage
    where subject in (%(application)s, %(all)s, %(host)s, %(nginx)s, %(filler)s, %(postgresql)s)
        and slot >= %(since)s and slot < %(until)s
    group by slot
)
select slot, coalesce(counts, array_fill(0::bigint, array[13])) as counts,
    coalesce(cpu_s, 0) as cpu_s, coalesce(memory_byte_s, 0) as memory_byte_s,
    coalesce(running_s, 0) as running_s, coalesce(nginx_cpu_s, 0) as nginx_cpu_s,
    coalesce(filler_cpu_s, 0) as filler_cpu_s, coalesce(postgresql_cpu_s, 0) as postgresql_cpu_s,
    coalesce(host_cpu_s, 0) as host_cpu_s, coalesce(host_joules, 0) as host_joules,
    coalesce(observed_s, 0) as observed_s, coalesce(all_requests, 0) as all_requests,
    coalesce(all_bytes, 0) as all_bytes, coalesce(all_origin, 0) as all_origin,
    coalesce(all_memory_byte_s, 0) as all_memory_byte_s
from visits full join taken using (slot) left join own using (slot) order by slot
"""
