"""Rounds of metering: what is slow is measured aside and holds, what fails is told and retried."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal

import pytest

from beffroi.energy.ports import EnergyReading
from beffroi.kernel.database import Database, fetch_value
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import UnavailableError
from beffroi.ledger.meter_rounds import MeterRounds
from beffroi.ledger.metering import MeteredHost
from beffroi.ledger.metering_service import MeteringService
from beffroi.ledger.model import Usage, UsageUnit
from beffroi.ledger.ports import ApplicationLoad, HostReading, VisitTotal
from tests.conftest import MakeDatabase
from tests.support.clocks import ManualClock
from tests.unit.ledger.meters import HOST, NOON, after

GIB = 2**30


class Town:
    """What a platform with one application reads; busy a quarter of the time, 70 W."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.measured = 0
        self.may_measure = asyncio.Event()
        self.may_measure.set()
        self.fails = False
        self.declared = False
        self.earlier_visits = 0

    async def applications(self) -> Sequence[ApplicationLoad]:
        cpu_s = self._clock.monotonic_s() / 4
        return [ApplicationLoad("bus", "ville", "run", cpu_s, GIB)]

    async def hosts(self) -> Sequence[HostReading]:
        at_s = self._clock.monotonic_s()
        energy = EnergyReading(at_s * 70, "run", self._clock.now())
        return [HostReading(HOST.name, "boot", at_s / 2, energy)]

    async def visits(self) -> Sequence[VisitTotal]:
        requests = int(self._clock.monotonic_s())
        found = [VisitTotal("bus", "ville", "", requests, requests * 1000)]
        if self.declared:
            total = self.earlier_visits + requests
            found.append(VisitTotal("plage", "ville", "", total, total * 1000))
        return found

    async def stored_bytes(self) -> Mapping[str, int]:
        self.measured += 1
        await self.may_measure.wait()
        if self.fails:
            raise UnavailableError("kernel.database_unreachable")
        return {"bus": 2 * GIB, "removed": GIB}

    async def database_bytes(self) -> Mapping[str, int]:
        return {"bus": GIB}

    async def backup_bytes(self) -> Mapping[str, int]:
        return {}

    async def metered_hosts(self) -> Sequence[MeteredHost]:
        return [HOST]

    async def organisations(self) -> Mapping[str, str]:
        return {"bus": "ville"}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def town(clock: ManualClock) -> Town:
    return Town(clock)


@pytest.fixture
async def tables(make_database: MakeDatabase) -> Database:
    return await make_database("kernel", "ledger")


@pytest.fixture
def service(tables: Database) -> MeteringService:
    return MeteringService(tables)


@pytest.fixture
def rounds(service: MeteringService, town: Town, clock: ManualClock) -> MeterRounds:
    return MeterRounds(service, town, town, town, clock)


async def _pass(rounds: MeterRounds, clock: ManualClock, minutes: int) -> None:
    for _ in range(minutes):
        clock.move(60)
        await rounds.measure()
        await asyncio.sleep(0)


async def _used(service: MeteringService) -> Usage:
    [found] = await service.usage(EVERYTHING, NOON, after(86_400))
    return found


async def test_everything_is_recorded_minute_by_minute(
    rounds: MeterRounds, service: MeteringService, clock: ManualClock
) -> None:
    await rounds.measure()
    await _pass(rounds, clock, 60)
    found = await _used(service)
    assert found.minutes == 60
    quantities = found.quantities
    assert quantities[UsageUnit.CPU_CORE_H] == Decimal("0.25")
    assert quantities[UsageUnit.MEMORY_GIB_H] == Decimal(1)
    assert quantities[UsageUnit.REQUESTS_1000] == Decimal("3.6")
    assert quantities[UsageUnit.RUNNING_H] == Decimal(1)
    assert UsageUnit.BACKUP_GIB_H not in quantities
    [host] = await service.host_energy(NOON, after(86_400))
    assert (host.energy_mj, host.modelled) == (70 * 3_600_000, False)


async def test_sizes_hold_until_they_are_measured_again(
    rounds: MeterRounds, service: MeteringService, town: Town, clock: ManualClock
) -> None:
    await rounds.measure()
    await asyncio.sleep(0)
    await _pass(rounds, clock, 121)
    found = await _used(service)
    assert town.measured == 3
    assert found.quantities[UsageUnit.STORAGE_GIB_H] == Decimal(4)
    assert found.quantities[UsageUnit.DATABASE_GIB_H] == Decimal(2)


async def test_a_clock_that_jumped_ahead_and_was_set_right_holds_nothing_up(
    rounds: MeterRounds, service: MeteringService, town: Town, clock: ManualClock
) -> None:
    year_s = timedelta(days=365).total_seconds()
    await rounds.measure()
    clock.move(year_s)
    await _pass(rounds, clock, 1)
    clock.move(-year_s)
    measured, since = town.measured, clock.now()
    await _pass(rounds, clock, 3)
    assert town.measured == measured + 1
    [found] = await service.usage(EVERYTHING, since, clock.now())
    assert found.quantities[UsageUnit.RUNNING_H] == Decimal("0.033333")


async def test_a_slow_measure_holds_nothing_up(
    rounds: MeterRounds, service: MeteringService, town: Town, clock: ManualClock
) -> None:
    town.may_measure.clear()
    await rounds.measure()
    await _pass(rounds, clock, 90)
    found = await _used(service)
    assert (town.measured, found.minutes) == (1, 90)
    assert UsageUnit.STORAGE_GIB_H not in found.quantities
    rounds.stop()


async def test_sizes_that_cannot_be_measured_are_told_and_tried_again(
    rounds: MeterRounds,
    service: MeteringService,
    town: Town,
    clock: ManualClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "beffroi.ledger")
    town.fails = True
    await rounds.measure()
    await _pass(rounds, clock, 30)
    assert len(caplog.records) == 1
    town.fails = False
    await _pass(rounds, clock, 40)
    assert (await _used(service)).quantities[UsageUnit.STORAGE_GIB_H] > 0


async def test_a_site_that_is_declared_again_next_summer_pays_no_former_visit(
    rounds: MeterRounds, service: MeteringService, town: Town, clock: ManualClock
) -> None:
    town.earlier_visits = 5_000_000
    town.declared = True
    await rounds.measure()
    await _pass(rounds, clock, 2)
    town.declared = False
    for _ in range(42):
        clock.move(86_400)
        await rounds.measure()
    town.declared = True
    since = clock.now()
    await _pass(rounds, clock, 3)
    found = {one.application: one for one in await service.usage(EVERYTHING, since, clock.now())}
    assert found["plage"].quantities[UsageUnit.REQUESTS_1000] == Decimal("0.12")


async def test_partitions_are_made_ahead(
    rounds: MeterRounds, tables: Database, clock: ManualClock
) -> None:
    clock.move(timedelta(days=25).total_seconds())
    await rounds.measure()
    async with tables.transaction(EVERYTHING) as connection:
        months = await fetch_value(connection, "select array_agg(month) from ledger.usage_month")
    assert [f"{month}" for month in sorted(months)] == ["2026-03-01", "2026-04-01"]


async def test_a_round_that_fails_is_made_up_for(
    service: MeteringService, town: Town, clock: ManualClock
) -> None:
    class Broken(Town):
        async def visits(self) -> Sequence[VisitTotal]:
            raise UnavailableError("kernel.database_unreachable")

    broken = MeterRounds(service, Broken(clock), town, town, clock)
    rounds = MeterRounds(service, town, town, town, clock)
    await rounds.measure()
    clock.move(60)
    with pytest.raises(UnavailableError):
        await broken.measure()
    await _pass(rounds, clock, 1)
    assert (await _used(service)).quantities[UsageUnit.REQUESTS_1000] == Decimal("0.12")
