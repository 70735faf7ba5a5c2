"""Each second and joule is recorded once, whatever is killed, and read by whom it concerns."""

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from beffroi.energy.model import Method
from beffroi.kernel.database import Database, Scope, execute, fetch_all, fetch_value
from beffroi.kernel.database.migrations import migrate
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import UnavailableError
from beffroi.ledger import usage_store
from beffroi.ledger.metering import Doubt, KeptReading, Meter, MeterReading
from beffroi.ledger.metering_service import (
    HOURS_KEPT_MONTHS,
    MINUTES_KEPT_MONTHS,
    MeteringService,
)
from beffroi.ledger.model import UsageUnit
from beffroi.ledger.usage_sums import kwh
from tests.integration.ledger.programs.meter import APPLICATIONS
from tests.support.postgres import PostgresServer
from tests.support.programs import kill_program, program, told
from tests.unit.ledger.meters import HOST, NOON, after, host_reading, reading

METER = "tests.integration.ledger.programs.meter"
KILLS = 8
CPU = Meter.CPU_S
CPU_CORE_H, RUNNING_H = UsageUnit.CPU_CORE_H, UsageUnit.RUNNING_H


@pytest.fixture
async def tables(make_database: Callable[..., Awaitable[Database]]) -> Database:
    return await make_database("kernel", "ledger")


@pytest.fixture
def service(tables: Database) -> MeteringService:
    return MeteringService(tables)


def _minutely(
    minutes: int, at: datetime = NOON, application: str = "bus", organisation: str = "ville"
) -> list[MeterReading]:
    """Readings of a processor that is busy a quarter of the time."""
    return [
        MeterReading(application, organisation, CPU, "run", 15 * n, at + timedelta(minutes=n))
        for n in range(minutes + 1)
    ]


class _Totals(msgspec.Struct, frozen=True):
    application: str
    cpu_us: int
    requests: int
    running_ms: int


async def _totals(database: Database) -> dict[str, _Totals]:
    async with database.transaction(EVERYTHING) as connection:
        rows = await fetch_all(
            connection,
            _Totals,
            "select application, sum(cpu_us)::bigint as cpu_us,"
            " sum(requests)::bigint as requests, sum(running_ms)::bigint as running_ms"
            " from ledger.usage group by application",
        )
    return {row.application: row for row in rows}


async def _kept(database: Database) -> dict[tuple[str, Meter], KeptReading]:
    async with database.transaction(EVERYTHING) as connection:
        return dict(await usage_store.begin_round(connection))


async def test_nothing_is_missed_and_nothing_doubled_however_often_the_meter_is_killed(
    tables: Database,
) -> None:
    drawn = random.Random(4)  # noqa: S311 - when to kill is no secret
    first: dict[tuple[str, Meter], KeptReading] = {}
    for _ in range(KILLS):
        async with program(METER, tables.url.reveal()) as process:
            assert await told(process) == "recorded"
            first = first or await _first_kept(tables)
            await asyncio.sleep(drawn.uniform(0, 0.25))
            await kill_program(process)
    last = await _kept(tables)
    totals = await _totals(tables)
    assert len(totals) == APPLICATIONS + 1
    for number in range(APPLICATIONS):
        name = f"a{number}"
        cpu, requests = (name, Meter.CPU_S), (name, Meter.REQUESTS)
        assert totals[name].cpu_us == last[cpu].value - first[cpu].value
        assert totals[name].requests == last[requests].value - first[requests].value
        watched_ms = (last[cpu].at - first[cpu].at).total_seconds() * 1000
        assert totals[name].running_ms == pytest.approx(watched_ms, abs=1)
    energy = (HOST.name, Meter.HOST_ENERGY_J)
    assert await _energy_mj(tables) == last[energy].value - first[energy].value


async def _first_kept(tables: Database) -> dict[tuple[str, Meter], KeptReading]:
    """Return the readings now, with what was recorded up to them taken away."""
    async with tables.transaction(EVERYTHING) as connection:
        kept = dict(await usage_store.begin_round(connection))
        await execute(connection, "delete from ledger.usage")
        await execute(connection, "delete from ledger.host_energy")
    return kept


async def _energy_mj(tables: Database) -> int:
    async with tables.transaction(EVERYTHING) as connection:
        found: int = await fetch_value(
            connection, "select sum(energy_mj)::bigint from ledger.host_energy"
        )
    return found


async def test_what_was_recorded_survives_a_crash_of_postgresql(postgres: PostgresServer) -> None:
    database = Database(await postgres.create_database("metered"))
    await database.open()
    await migrate(database, ("kernel", "ledger"))
    service = MeteringService(database)
    first, *others = _minutely(10)
    await service.record([first])
    for one in others[:5]:
        await service.record([one])
    await postgres.restart()
    await database.close()
    database = Database(postgres.url("metered"))
    await database.open()
    service = MeteringService(database)
    for one in others[5:]:
        await service.record([one])
    [found] = await service.usage(EVERYTHING, NOON, after(3600))
    await database.close()
    assert (found.quantities[CPU_CORE_H], found.minutes) == (Decimal("0.041667"), 10)


async def test_a_round_that_is_recorded_again_changes_nothing(
    tables: Database, service: MeteringService
) -> None:
    for one in _minutely(3):
        await service.record([one])
    before = await _totals(tables)
    await service.record([_minutely(3)[-1]])
    assert await _totals(tables) == before


async def test_two_recorders_at_once_count_once(tables: Database, service: MeteringService) -> None:
    await service.record([reading(CPU, 0, 0)])
    other = MeteringService(tables)
    await asyncio.gather(
        *(one.record([reading(CPU, 30, 60)]) for one in [service, other, service, other])
    )
    assert (await _totals(tables))["bus"].cpu_us == 30_000_000


async def test_an_organisation_reads_its_own_use_alone(service: MeteringService) -> None:
    for own, foreign in zip(_minutely(2), _minutely(2, NOON, "wiki", "lomme"), strict=True):
        await service.record([own, foreign])
    found = await service.usage(Scope("lomme"), NOON, after(3600))
    assert [one.application for one in found] == ["wiki"]
    assert await service.usage(Scope(), NOON, after(3600)) == ()
    [hour] = await service.total_by_hour(Scope("ville"), NOON, after(3600))
    assert hour.quantities[CPU_CORE_H] == Decimal("0.008333")


async def test_partitions_are_kept_apart_too(tables: Database, service: MeteringService) -> None:
    for one in _minutely(2):
        await service.record([one])
    async with tables.transaction(Scope("lomme")) as connection:
        assert await fetch_value(connection, "select count(*) from ledger.usage_2026_03") == 0
    async with tables.transaction(Scope("ville")) as connection:
        assert await fetch_value(connection, "select count(*) from ledger.usage_2026_03") == 2
        assert await fetch_value(connection, "select count(*) from ledger.reading") == 0


async def test_a_month_that_nobody_made_ahead_is_made_on_demand(
    tables: Database, service: MeteringService
) -> None:
    new_year = datetime(2027, 1, 1, tzinfo=UTC)
    for one in _minutely(4, new_year - timedelta(minutes=2)):
        await service.record([one])
    async with tables.transaction(EVERYTHING) as connection:
        months = await usage_store.kept_months(connection)
    assert [f"{one.month}" for one in months] == ["2026-12-01", "2027-01-01"]
    assert (await _totals(tables))["bus"].cpu_us == 60_000_000


async def test_the_hours_of_all_applications_are_added_up_in_the_database(
    service: MeteringService,
) -> None:
    names = [f"a{number}" for number in range(40)]
    each = [_minutely(120, application=name) for name in names]
    for readings in zip(*each, strict=True):
        await service.record(readings)
    found = await service.total_by_hour(EVERYTHING, NOON, after(3 * 3600))
    assert [one.since for one in found] == [NOON, after(3600)]
    assert [one.quantities[CPU_CORE_H] for one in found] == [Decimal(10), Decimal(10)]


async def test_an_application_that_came_or_went_has_no_minutes_missing(
    service: MeteringService,
) -> None:
    """One came at a quarter past, the other went at 20 past."""
    came = _minutely(45, after(15 * 60), "came")
    for minute, one in enumerate(_minutely(60, application="stays")):
        went = _minutely(20, application="went")[minute : minute + 1]
        await service.record([one, *went, *came[minute - 15 : minute - 14][: minute >= 15]])
    found = {one.application: one for one in await service.usage(EVERYTHING, NOON, after(7200))}
    assert {name: (one.since, one.until) for name, one in found.items()} == {
        "came": (after(14 * 60), after(3600)),
        "stays": (NOON, after(3600)),
        "went": (NOON, after(20 * 60)),
    }
    assert {name: one.minutes for name, one in found.items()} == {
        "came": 46,
        "stays": 60,
        "went": 20,
    }


async def test_minutes_in_which_nobody_knows_what_was_held_are_missing(
    service: MeteringService,
) -> None:
    """The platform was silent for three hours: CPU time counts, memory and storage do not."""
    for at_s in (0, 60, 60 + 3 * 3600, 120 + 3 * 3600):
        stored = reading(Meter.STORAGE_BYTES, 2**30, at_s, "")
        await service.record([reading(CPU, at_s / 4, at_s), stored])
    until = after(4 * 3600)
    [found] = await service.usage(EVERYTHING, NOON, until)
    assert (found.until - found.since) // timedelta(minutes=1) == 182
    assert found.minutes == 2
    assert found.quantities[UsageUnit.STORAGE_GIB_H] == Decimal("0.033333")
    assert found.quantities[CPU_CORE_H] == Decimal("0.758333")


async def test_use_is_told_by_hour_and_by_day_of_paris(service: MeteringService) -> None:
    """The 29 March 2026 has 23 hours in Paris: from 23:00 to 22:00 in UTC."""
    begin = datetime(2026, 3, 28, 23, tzinfo=UTC)
    await service.record([MeterReading("bus", "ville", CPU, "run", 0, begin)])
    for hour in range(1, 25):
        at = begin + timedelta(hours=hour)
        await service.record([MeterReading("bus", "ville", CPU, "run", 360 * hour, at)])
    end = begin + timedelta(hours=24)
    days = await service.usage_by_day(EVERYTHING, begin, end, "bus")
    assert [one.quantities[CPU_CORE_H] for one in days] == [Decimal("2.3"), Decimal("0.1")]
    assert (days[0].since, days[0].until) == (begin, begin + timedelta(hours=23))
    hours = await service.total_by_hour(EVERYTHING, begin, end)
    assert len(hours) == 24
    assert {one.quantities[CPU_CORE_H] for one in hours} == {Decimal("0.1")}
    assert await service.usage_by_day(EVERYTHING, begin, end, "wiki") == ()


async def test_folding_a_month_changes_no_sum(tables: Database, service: MeteringService) -> None:
    for number, one in enumerate(_minutely(150)):
        energy = host_reading(Meter.HOST_ENERGY_J, 4000 * number, 60 * number)
        await service.record(
            [one, host_reading(Meter.HOST_CPU_S, 30 * number, 60 * number), energy], [HOST]
        )
    until = NOON + timedelta(hours=3)
    before = await service.usage(EVERYTHING, NOON, until)
    energy_before = await service.host_energy(NOON, until)
    await service.keep_up(NOON + timedelta(days=31 * (MINUTES_KEPT_MONTHS + 1)))
    [bus] = await service.usage(EVERYTHING, NOON, until)
    assert bus == msgspec.structs.replace(before[0], until=until)
    assert await service.host_energy(NOON, until) == energy_before
    async with tables.transaction(EVERYTHING) as connection:
        assert await fetch_value(connection, "select count(*) from ledger.usage") == 3
        months = await usage_store.kept_months(connection)
    assert [one.folded for one in months if f"{one.month}" == "2026-03-01"] == [True]
    assert before[0].minutes == 150
    async with tables.transaction(Scope("lomme")) as connection:
        assert await fetch_value(connection, "select count(*) from ledger.usage_2026_03") == 0


async def test_a_late_reading_still_enters_a_folded_month(
    tables: Database, service: MeteringService
) -> None:
    for one in _minutely(2):
        await service.record([one])
    async with tables.transaction(EVERYTHING) as connection:
        await usage_store.fold_month(connection, NOON.date().replace(day=1))
    await service.record([reading(CPU, 45, 180, "run")])
    assert (await _totals(tables))["bus"].cpu_us == 45_000_000


async def _months_follow(tables: Database) -> None:
    """Note the ten years of months that come after the first, folded and empty."""
    async with tables.transaction(EVERYTHING) as connection:
        await execute(
            connection,
            "insert into ledger.usage_month (month, folded_at) select day, now()"
            " from generate_series(date '2026-04-01', date '2036-04-01', '1 month') as day",
        )


async def test_a_clock_that_jumps_ahead_by_ten_years_deletes_nothing(
    tables: Database, service: MeteringService
) -> None:
    for one in _minutely(2):
        await service.record([one])
    before = await _totals(tables)
    await service.keep_up(NOON + timedelta(days=31 * (HOURS_KEPT_MONTHS + 1)))
    assert await _totals(tables) == before


async def _dropped_soon(tables: Database) -> None:
    async with tables.transaction(EVERYTHING) as connection:
        await execute(connection, "set local statement_timeout = '200ms'")
        await usage_store.drop_month(connection, NOON.date().replace(day=1))


async def test_no_month_is_deleted_while_a_round_is_recorded(
    tables: Database, service: MeteringService
) -> None:
    for one in _minutely(2):
        await service.record([one])
    async with tables.transaction(EVERYTHING) as counting:
        await usage_store.begin_round(counting)
        with pytest.raises(UnavailableError):
            await _dropped_soon(tables)
    assert (await _totals(tables))["bus"].cpu_us == 30_000_000


async def test_after_ten_years_a_month_is_deleted(
    tables: Database, service: MeteringService
) -> None:
    for one in _minutely(2):
        await service.record([one])
    await _months_follow(tables)
    await service.keep_up(datetime(2036, 4, 2, tzinfo=UTC))
    async with tables.transaction(EVERYTHING) as connection:
        months = [f"{one.month}" for one in await usage_store.kept_months(connection)]
    assert "2026-03-01" not in months
    assert await _totals(tables) == {}


async def test_a_host_s_energy_is_divided_exactly(service: MeteringService) -> None:
    for minute in range(4):
        at_s = 60.0 * minute
        await service.record(
            [
                reading(CPU, 20 * minute, at_s),
                host_reading(Meter.HOST_CPU_S, 30 * minute, at_s),
                host_reading(Meter.HOST_ENERGY_J, 4000 * minute, at_s),
            ],
            [HOST],
        )
    [host] = await service.host_energy(NOON, after(3600))
    assert (host.energy_mj, host.modelled) == (12_000_000, False)
    parts = host.idle_mj + host.marginal_mj + host.unreserved_mj + host.platform_mj
    assert parts == host.energy_mj
    [bus] = await service.usage(EVERYTHING, NOON, after(3600))
    assert bus.energy_method is Method.METERED
    assert bus.quantities[UsageUnit.ENERGY_MARGINAL_KWH] == kwh(host.marginal_mj)


async def test_a_meter_that_is_always_absurd_fills_no_table(service: MeteringService) -> None:
    for minute in range(3 * 1440 // 10):
        await service.record([reading(CPU, math.nan, 600 * minute)])
    found = await service.suspects(NOON)
    assert len(found) == 3 * 24
    assert found[0].reading.at > after(2 * 86_400)


async def test_an_absurd_reading_is_put_aside_and_told_once(
    service: MeteringService, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "beffroi.ledger")
    values = [0, math.nan, math.nan, 5, math.nan]
    for number, value in enumerate(values):
        await service.record([reading(CPU, value, 60 * number)])
    assert len(caplog.records) == 2
    found = await service.suspects(NOON)
    assert [one.reason for one in found] == [Doubt.NO_QUANTITY] * 3
    assert found[0].before == 5
    [bus] = await service.usage(EVERYTHING, NOON, after(3600))
    assert bus.quantities[RUNNING_H] == Decimal("0.05")
