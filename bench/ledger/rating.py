"""A month of minutes for 500 applications, summed, rated and stated. Target: under 60 s."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

from beffroi.kernel.database import Database, execute, fetch_value
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.ledger.metering_service import MeteringService
from beffroi.ledger.model import (
    REVENUE_KEY,
    Accounts,
    AllocationKey,
    Body,
    BodyKind,
    Charging,
    CostCentre,
    CostNature,
    Issuer,
    KeyBasis,
    Rate,
    Usage,
    UsageUnit,
)
from beffroi.ledger.month_records import month_records
from beffroi.ledger.rating import segments
from beffroi.ledger.statements import statements_of
from bench.measuring import Figures, keep
from bench.scratch_database import scratch_database

_MONTH = date(2026, 11, 1)
_DAYS = 30
_APPLICATIONS, _BODIES = 500, 20
_METHOD = (
    f"{_APPLICATIONS} applications of {_BODIES} bodies, a record a minute of November 2026 (UTC, "
    "30 days: 21.6 million), written day by day in order of time as metering does; PostgreSQL "
    "from the wheel with its default settings but 64 MiB of shared buffers, same disk. summed_s: "
    "the use of every application in both parts of a month whose rates change on the 15th; "
    "stated_s: 20 statements, of 15 bodies that share 9 costs and 5 that pay 8 rates, with their "
    "digest. Target: rated_and_stated_s < 60."
)
# Its indexes are made once it is full: ten times as quick as a record at a time.
_BEGIN_MONTH = """
create table ledger.usage_2026_11 (like ledger.usage including defaults including constraints)
"""
_END_MONTH = """
alter table ledger.usage_2026_11 add primary key (application, organisation, minute);
create index on ledger.usage_2026_11 using brin (minute) with (pages_per_range = 32);
select ledger.attach_month('usage', 'usage_2026_11', '2026-11-01')
"""
_WRITE_DAY = """
insert into ledger.usage_2026_11 (minute, cpu_us, memory_mib_ms, storage_mib_ms, database_mib_ms,
    backup_mib_ms, traffic_bytes, requests, running_ms, marginal_mj, idle_mj, minutes, modelled,
    application, organisation)
select minute, (random() * 6e6)::bigint, 256 * 60000 + (random() * 1e6)::bigint, 2048 * 60000,
    512 * 60000, 4096 * 60000, (random() * 5e6)::bigint, (random() * 100)::bigint, 60000,
    (random() * 2e5)::bigint, 40000, 1, number %% 7 = 0,
    'application-' || to_char(number, 'FM000'), 'commune-' || to_char(number %% %(bodies)s, 'FM00')
from generate_series(%(since)s::timestamptz, %(since)s::timestamptz + interval '1439 minutes',
        interval '1 minute') as minute,
    generate_series(1, %(applications)s) as number
order by minute
"""


def _bodies() -> Iterator[Body]:
    for number in range(_BODIES):
        name = f"commune-{number:02}"
        charging = Charging.BY_RATES if number % 4 == 0 else Charging.SHARES_COSTS
        yield Body(
            name=name,
            title=name.title(),
            kind=BodyKind.COMMUNE,
            organisations=(name,),
            siret=f"{number:014}",
            inhabitants=1000 + 700 * number,
            posts=10 + number,
            charging=charging,
        )


def _costs(keys: list[str]) -> Iterator[CostCentre]:
    for number, key in enumerate(keys * 3):
        yield CostCentre(
            name=f"cost-{number}",
            title=f"Cost {number}",
            nature=CostNature.MONTHLY,
            key=key,
            since=date(2026, 1, 1),
            amount_eur=Decimal(1000 + 777 * number),
        )


def _rates() -> Iterator[Rate]:
    units = list(UsageUnit)[:8]
    for number, unit in enumerate(units):
        for part, since in enumerate((date(2026, 1, 1), date(2026, 11, 15))):
            yield Rate(
                name=f"rate-{number}-{part}",
                title=f"Rate {unit}",
                since=since,
                until=date(2026, 11, 15) if part == 0 else None,
                eur=Decimal("0.0123") * (number + 1 + part),
                unit=unit,
            )


def _accounts() -> Accounts:
    keys = (
        AllocationKey(name=REVENUE_KEY, title="Revenue", basis=KeyBasis.EQUAL),
        AllocationKey(name="people", title="Inhabitants", basis=KeyBasis.INHABITANTS),
        AllocationKey(
            name="use",
            title="Use",
            basis=KeyBasis.USAGE,
            units={UsageUnit.CPU_CORE_H: Decimal(1), UsageUnit.MEMORY_GIB_H: Decimal("0.1")},
        ),
    )
    costs = _costs([key.name for key in keys])
    issuer = Issuer(
        title="Agglo",
        siret="0" * 14,
        address=("1 rue de la Mairie",),
        postcode="59000",
        town="Lille",
        number_prefix="AG",
    )
    return Accounts(
        issuer=issuer,
        bodies={one.name: one for one in _bodies()},
        keys={one.name: one for one in keys},
        costs={one.name: one for one in costs},
        rates={one.name: one for one in _rates()},
    )


async def _write(database: Database, days: int) -> None:
    async with await database.dedicated() as connection:
        await execute(connection, "set beffroi.everything = 'on'")
        await execute(connection, _BEGIN_MONTH, None)
        for day in range(days):
            since = datetime(2026, 11, 1 + day, tzinfo=UTC)
            values = {"since": since, "bodies": _BODIES, "applications": _APPLICATIONS}
            await execute(connection, _WRITE_DAY, values)
        await execute(connection, _END_MONTH, None)
        await execute(connection, "analyze ledger.usage")


async def rated(days: int) -> dict[str, Figures]:
    async with scratch_database(("kernel", "ledger")) as database:
        begun_s = time.perf_counter()
        await _write(database, days)
        written_s = time.perf_counter() - begun_s
        accounts, service = _accounts(), MeteringService(database)
        begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
        usage: list[Usage] = []
        for span in segments(accounts, _MONTH):
            usage += await service.usage(EVERYTHING, span.begins_at, span.ends_at)
        summed_s = time.perf_counter() - begun_s
        statements = statements_of(month_records(accounts, 1, _MONTH, usage))
        spent_s = time.perf_counter() - begun_s
        return {
            f"{days} days": {
                "records": await _count(database),
                "written_s": round(written_s, 1),
                "summed_s": round(summed_s, 2),
                "stated_s": round(spent_s - summed_s, 2),
                "rated_and_stated_s": round(spent_s, 2),
                "own_cpu_s": round(time.process_time() - begun_cpu_s, 2),
                "statements": len(statements),
                "lines": sum(len(one.lines) for one in statements),
            }
        }


async def _count(database: Database) -> int:
    async with database.transaction(EVERYTHING) as connection:
        await execute(connection, "set local statement_timeout = '10min'")
        found: int = await fetch_value(connection, "select count(*) from ledger.usage")
    return found


def measure() -> None:
    keep("ledger_rating", _METHOD, asyncio.run(rated(_DAYS)))
