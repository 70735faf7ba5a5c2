"""The only SQL of what was used: readings of meters, records of minutes, their sums."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from beffroi.kernel.database import Connection, execute, fetch_all, fetch_value
from beffroi.ledger.metering import (
    Doubt,
    KeptReading,
    Meter,
    MeterKey,
    MeterReading,
    SuspectReading,
)
from beffroi.ledger.usage_records import HostEnergyRecord, UsageRecord
from beffroi.ledger.usage_sums import HostEnergy, UsageSum, added

# One round at a time: the key of an advisory lock.
_ROUND_LOCK: Final = 0x6C656467
# A sum of a month of 500 applications takes longer than a statement may; one of days does not.
_SUMMED_AT_ONCE: Final = timedelta(days=2)
# Of each meter: a whole day would be 1440.
_SUSPECTS_A_DAY: Final = 24


class Step(StrEnum):
    """How long the times are that use is summed over."""

    HOUR = "hour"
    DAY = "day"


class StepsWanted(msgspec.Struct, frozen=True):
    """Which sums of hours or days are wanted.

    Attributes:
        zone: Whose hours and days they are.
        application: That one alone; nothing for all.
        organisations: Theirs alone; nothing for all.
        together: One sum of all applications, without a name, instead of one for each.
    """

    step: Step
    zone: ZoneInfo
    application: str | None = None
    organisations: tuple[str, ...] | None = None
    together: bool = False


class StepSum(msgspec.Struct, frozen=True):
    """What an application used in one hour or day."""

    begin: datetime
    sums: UsageSum


class KeptMonth(msgspec.Struct, frozen=True):
    """A month (UTC) of records; folded: one an hour instead of one a minute."""

    month: date
    folded: bool


async def begin_round(connection: Connection) -> Mapping[MeterKey, KeptReading]:
    """Return each meter's last reading; until the transaction ends nobody else counts."""
    await _hold_rounds(connection)
    rows = await fetch_all(
        connection,
        KeptReading,
        "select subject, meter, run, value, at, doubted_value, doubted_at from ledger.reading",
    )
    return {(row.subject, row.meter): row for row in rows}


async def _hold_rounds(connection: Connection) -> None:
    """Wait until nobody counts; nobody does until the transaction ends."""
    await execute(connection, "select pg_advisory_xact_lock(%s)", (_ROUND_LOCK,))


async def last_reading_at(connection: Connection) -> datetime | None:
    """Return when a meter was read last; nothing before the first time."""
    found: datetime | None = await fetch_value(
        connection, "select max(at) from ledger.reading", None
    )
    return found


async def keep_readings(connection: Connection, kept: Sequence[KeptReading]) -> None:
    """Put readings in the place of those before."""
    await execute(connection, _KEEP_READINGS, (_json(kept),))


async def keep_suspects(connection: Connection, suspects: Sequence[SuspectReading]) -> None:
    """Put readings aside that cannot be; of a meter that never tells sense a few a day."""
    rows = [
        {
            **msgspec.structs.asdict(one.reading),
            "value": str(one.reading.value),
            "before": one.before,
            "reason": one.reason,
        }
        for one in suspects
    ]
    parameters = {"rows": _json(rows), "most": _SUSPECTS_A_DAY}
    await execute(connection, _KEEP_SUSPECTS, parameters)


async def add_usage(
    connection: Connection,
    records: Sequence[UsageRecord],
    energies: Sequence[HostEnergyRecord],
) -> None:
    """Add records to those that their minutes have already."""
    await keep_months(connection, _minutes(records, energies))
    await execute(connection, _ADD_USAGE, (_json(records),))
    if energies:
        await execute(connection, _ADD_ENERGY, (_json(energies),))


def _minutes(
    records: Sequence[UsageRecord], energies: Sequence[HostEnergyRecord]
) -> Iterator[datetime]:
    yield from (record.minute for record in records)
    yield from (record.minute for record in energies)


async def keep_months(connection: Connection, moments: Iterable[datetime]) -> None:
    """Make the partitions of the months (UTC) that moments lie in; nobody else counts then."""
    await _hold_rounds(connection)
    for month in sorted({moment.astimezone(UTC).date().replace(day=1) for moment in moments}):
        await execute(connection, "select ledger.keep_month(%s)", (month,))


async def kept_months(connection: Connection) -> Sequence[KeptMonth]:
    """Return the months that have records, oldest first."""
    return await fetch_all(
        connection,
        KeptMonth,
        "select month, folded_at is not null as folded from ledger.usage_month order by month",
    )


async def fold_month(connection: Connection, month: date) -> None:
    """Put one record an hour in the place of a month's minutes; may take minutes.

    Nobody counts meanwhile: a record that came in between would be lost.
    """
    await execute(connection, "set local statement_timeout = '30min'")
    await _hold_rounds(connection)
    await execute(connection, "select ledger.fold_month(%s)", (month,))


async def drop_month(connection: Connection, month: date) -> None:
    """Delete a month's records; nobody counts meanwhile."""
    await _hold_rounds(connection)
    await execute(connection, "select ledger.drop_month(%s)", (month,))


async def forget_readings(connection: Connection, moment: datetime) -> int:
    """Delete meters that were not read since a moment; return how many."""
    return await execute(connection, "delete from ledger.reading where at < %s", (moment,))


async def forget_suspects(connection: Connection, moment: datetime) -> int:
    """Delete readings put aside before a moment; return how many."""
    return await execute(connection, "delete from ledger.suspect_reading where at < %s", (moment,))


class _SuspectRow(msgspec.Struct, frozen=True):
    subject: str
    meter: Meter
    run: str
    value: float
    at: datetime
    before: float | None
    reason: Doubt


async def suspect_readings(connection: Connection, since: datetime) -> Sequence[SuspectReading]:
    """Return the readings put aside since a moment, newest first, 1000 at most."""
    rows = await fetch_all(
        connection,
        _SuspectRow,
        "select subject, meter, run, value, at, before, reason from ledger.suspect_reading"
        " where at >= %s order by at desc limit 1000",
        (since,),
    )
    return [
        SuspectReading(
            MeterReading(row.subject, "", row.meter, row.run, row.value, row.at),
            row.before,
            row.reason,
        )
        for row in rows
    ]


async def usage_sums(
    connection: Connection, since: datetime, until: datetime
) -> Sequence[UsageSum]:
    """Sum each application's records from a moment to another, ordered by name."""
    await execute(connection, _IN_MEMORY)
    found: list[UsageSum] = []
    begin = since
    while begin < until:
        end = min(begin + _SUMMED_AT_ONCE, until)
        found += await fetch_all(connection, UsageSum, _SUMS, (begin, end))
        begin = end
    return added(found)


class _StepRow(UsageSum, frozen=True):
    begin: datetime


async def step_sums(
    connection: Connection, since: datetime, until: datetime, wanted: StepsWanted
) -> Sequence[StepSum]:
    """Sum records by hour or day of a zone, oldest first."""
    await execute(connection, _IN_MEMORY)
    grouped: defaultdict[datetime, list[UsageSum]] = defaultdict(list)
    begin = since
    while begin < until:
        end = min(begin + _SUMMED_AT_ONCE, until)
        rows = await fetch_all(
            connection,
            _StepRow,
            _STEP_SUMS,
            {
                "since": begin,
                "until": end,
                "step": wanted.step,
                "zone": wanted.zone.key,
                "application": wanted.application,
                "organisations": None
                if wanted.organisations is None
                else list(wanted.organisations),
                "together": wanted.together,
            },
        )
        for row in rows:
            values = [getattr(row, name) for name in UsageSum.__struct_fields__]
            grouped[row.begin].append(UsageSum(*values))
        begin = end
    return [StepSum(moment, one) for moment in sorted(grouped) for one in added(grouped[moment])]


async def host_energy_sums(
    connection: Connection, since: datetime, until: datetime
) -> Sequence[HostEnergy]:
    """Sum the energy of each host, ordered by name."""
    return await fetch_all(
        connection,
        HostEnergy,
        """
        select host, sum(energy_mj)::bigint as energy_mj, sum(low_mj)::bigint as low_mj,
            sum(high_mj)::bigint as high_mj, sum(idle_mj)::bigint as idle_mj,
            sum(marginal_mj)::bigint as marginal_mj, sum(unreserved_mj)::bigint as unreserved_mj,
            sum(platform_mj)::bigint as platform_mj, bool_or(modelled) as modelled
        from ledger.host_energy where minute >= %s and minute < %s group by host order by host
        """,
        (since, until),
    )


def _json(rows: object) -> str:
    return msgspec.json.encode(rows).decode()


_KEEP_READINGS = """
insert into ledger.reading (subject, meter, run, value, at, doubted_value, doubted_at)
select subject, meter, run, value, at, doubted_value, doubted_at
from jsonb_to_recordset(%s::jsonb) as one (subject text, meter text, run text, value bigint,
    at timestamptz, doubted_value bigint, doubted_at timestamptz)
on conflict (subject, meter) do update set run = excluded.run, value = excluded.value,
    at = excluded.at, doubted_value = excluded.doubted_value, doubted_at = excluded.doubted_at
"""

_KEEP_SUSPECTS = """
insert into ledger.suspect_reading (subject, meter, run, at, value, before, reason)
select subject, meter, run, at, value::double precision, before, reason
from jsonb_to_recordset(%(rows)s::jsonb) as one (subject text, meter text, run text,
    at timestamptz, value text, before double precision, reason text)
where (
    select count(*) from ledger.suspect_reading as kept
    where kept.subject = one.subject and kept.meter = one.meter
        and kept.at > one.at - interval '1 day'
) < %(most)s
"""

_ADD_USAGE = """
insert into ledger.usage as kept (application, organisation, minute, minutes, cpu_us,
    memory_mib_ms, storage_mib_ms, database_mib_ms, backup_mib_ms, traffic_bytes, requests,
    running_ms, marginal_mj, idle_mj, modelled)
select application, organisation, minute, minutes, cpu_us, memory_mib_ms, storage_mib_ms,
    database_mib_ms, backup_mib_ms, traffic_bytes, requests, running_ms, marginal_mj, idle_mj,
    modelled
from jsonb_to_recordset(%s::jsonb) as one (application text, organisation text,
    minute timestamptz, minutes smallint, cpu_us bigint, memory_mib_ms bigint,
    storage_mib_ms bigint, database_mib_ms bigint, backup_mib_ms bigint, traffic_bytes bigint,
    requests bigint, running_ms bigint, marginal_mj bigint, idle_mj bigint, modelled boolean)
on conflict (application, organisation, minute) do update set
    minutes = greatest(kept.minutes, excluded.minutes),
    cpu_us = kept.cpu_us + excluded.cpu_us,
    memory_mib_ms = kept.memory_mib_ms + excluded.memory_mib_ms,
    storage_mib_ms = kept.storage_mib_ms + excluded.storage_mib_ms,
    database_mib_ms = kept.database_mib_ms + excluded.database_mib_ms,
    backup_mib_ms = kept.backup_mib_ms + excluded.backup_mib_ms,
    traffic_bytes = kept.traffic_bytes + excluded.traffic_bytes,
    requests = kept.requests + excluded.requests,
    running_ms = kept.running_ms + excluded.running_ms,
    marginal_mj = kept.marginal_mj + excluded.marginal_mj,
    idle_mj = kept.idle_mj + excluded.idle_mj,
    modelled = kept.modelled or excluded.modelled
"""

_ADD_ENERGY = """
insert into ledger.host_energy as kept (host, minute, energy_mj, low_mj, high_mj, idle_mj,
    marginal_mj, unreserved_mj, platform_mj, modelled)
select host, minute, energy_mj, low_mj, high_mj, idle_mj, marginal_mj, unreserved_mj,
    platform_mj, modelled
from jsonb_to_recordset(%s::jsonb) as one (host text, minute timestamptz, energy_mj bigint,
    low_mj bigint, high_mj bigint, idle_mj bigint, marginal_mj bigint, unreserved_mj bigint,
    platform_mj bigint, modelled boolean)
on conflict (host, minute) do update set
    energy_mj = kept.energy_mj + excluded.energy_mj,
    low_mj = kept.low_mj + excluded.low_mj,
    high_mj = kept.high_mj + excluded.high_mj,
    idle_mj = kept.idle_mj + excluded.idle_mj,
    marginal_mj = kept.marginal_mj + excluded.marginal_mj,
    unreserved_mj = kept.unreserved_mj + excluded.unreserved_mj,
    platform_mj = kept.platform_mj + excluded.platform_mj,
    modelled = kept.modelled or excluded.modelled
"""

# With the usual 4 MB the records are sorted on disk, which takes five times as long.
_IN_MEMORY: Final = "set local work_mem = '32MB'"
_SUMMED: Final = """
sum(cpu_us)::bigint as cpu_us,
    sum(memory_mib_ms)::bigint as memory_mib_ms, sum(storage_mib_ms)::bigint as storage_mib_ms,
    sum(database_mib_ms)::bigint as database_mib_ms, sum(backup_mib_ms)::bigint as backup_mib_ms,
    sum(traffic_bytes)::bigint as traffic_bytes, sum(requests)::bigint as requests,
    sum(running_ms)::bigint as running_ms, sum(marginal_mj)::bigint as marginal_mj,
    sum(idle_mj)::bigint as idle_mj, sum(minutes)::bigint as minutes,
    bool_or(modelled) as modelled, min(minute) as begins_at,
    max(minute) + case when max(minutes) > 1 then interval '1 hour' else interval '1 minute' end
        as ends_at
from ledger.usage
"""
_SUMS: Final = (
    "select application, organisation, "
    + _SUMMED
    + " where minute >= %s and minute < %s group by application, organisation"
)
_STEP_SUMS: Final = (
    """
    select date_trunc(%(step)s, minute, %(zone)s) as begin,
        case when %(together)s then '' else application end as application,
        case when %(together)s then '' else organisation end as organisation,
    """
    + _SUMMED
    + """
    where minute >= %(since)s and minute < %(until)s
        and (%(application)s::text is null or application = %(application)s)
        and (%(organisations)s::text[] is null or organisation = any(%(organisations)s))
    group by 1, 2, 3
    """
)
