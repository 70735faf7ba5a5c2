"""What recording each minute of each application takes. Target: 1 % of a core for 100."""

import asyncio
import statistics
import time
from datetime import UTC, datetime, timedelta

from beffroi.energy.model import EPYC, power_model
from beffroi.energy.ports import Coverage, MeterCapabilities
from beffroi.kernel.database import Database, fetch_value
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.processes.tables import process_row
from beffroi.ledger.metering import Meter, MeteredHost, MeteredTenant, MeterReading
from beffroi.ledger.metering_service import MeteringService
from bench.measuring import Figures, cpu_s, keep
from bench.scratch_database import scratch_database

_BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
_WARM_UP, _MINUTES = 10, 120
_COUNTED = (Meter.CPU_S, Meter.TRAFFIC_BYTES, Meter.REQUESTS)
_HELD = (Meter.MEMORY_BYTES, Meter.STORAGE_BYTES, Meter.DATABASE_BYTES, Meter.BACKUP_BYTES)
_METHOD = (
    f"{_MINUTES} rounds after {_WARM_UP} to warm up, each of 7 meters for each application and 2 "
    "for each host (10 hosts), all of which changed, with the energy divided; PostgreSQL from the "
    "wheel with fsync on, same disk. CPU of the recording process and of all of PostgreSQL's "
    "processes, divided by the minute that a round stands for. Reading the meters is not in it. "
    "bytes_per_record: of the month's partition with its indexes. Target: at most 1 % of a core "
    "for 100 applications."
)


def _hosts(applications: int) -> tuple[MeteredHost, ...]:
    meter = MeterCapabilities("bench", Coverage.MACHINE, accuracy=0.05)
    return tuple(
        MeteredHost(
            name=f"host-{host}",
            power=power_model(EPYC, 64, shared=False),
            cpus=64,
            memory_mib=524_288,
            tenants=tuple(
                MeteredTenant(f"application-{number:03}", f"commune-{number % 20:02}", 1024)
                for number in range(host, applications, 10)
            ),
            meter=meter,
        )
        for host in range(10)
    )


def _readings(applications: int, minute: int) -> list[MeterReading]:
    now = _BEGIN + timedelta(minutes=minute)
    found = []
    for host in range(10):
        name = f"host-{host}"
        found.append(MeterReading(name, "", Meter.HOST_CPU_S, "boot", minute * 600.5, now))
        found.append(MeterReading(name, "", Meter.HOST_ENERGY_J, "boot", minute * 9000.5, now))
    for number in range(applications):
        whose = (f"application-{number:03}", f"commune-{number % 20:02}")
        found += [
            MeterReading(*whose, meter, "run", minute * (number % 50), now) for meter in _COUNTED
        ]
        found += [MeterReading(*whose, meter, "run", 2**28 + minute * 4096, now) for meter in _HELD]
    return found


async def _recorded(applications: int) -> Figures:
    async with scratch_database(("kernel", "ledger")) as database:
        service, hosts = MeteringService(database), _hosts(applications)
        server = await _postmaster(database)
        times_ms = []
        begun_own, begun_server = 0.0, 0.0
        for minute in range(_WARM_UP + _MINUTES):
            if minute == _WARM_UP:
                begun_own, begun_server = time.process_time(), cpu_s(server)
            readings = _readings(applications, minute)
            begun_s = time.perf_counter()
            await service.record(readings, hosts)
            times_ms.append((time.perf_counter() - begun_s) * 1000)
        own_s = (time.process_time() - begun_own) / _MINUTES
        server_s = (cpu_s(server) - begun_server) / _MINUTES
        return {
            "own_cpu_ms_per_round": round(own_s * 1000, 1),
            "postgresql_cpu_ms_per_round": round(server_s * 1000, 1),
            "percent_of_a_core": round((own_s + server_s) / 60 * 100, 3),
            "median_ms": round(statistics.median(times_ms[_WARM_UP:]), 1),
            "bytes_per_record": await _bytes_per_record(database),
        }


async def _postmaster(database: Database) -> int:
    """Return the process that all of PostgreSQL's are children of."""
    async with database.transaction(EVERYTHING) as connection:
        backend = await fetch_value(connection, "select pg_backend_pid()")
    row = process_row(backend)
    assert row is not None
    return row.parent


async def _bytes_per_record(database: Database) -> float:
    async with database.transaction(EVERYTHING) as connection:
        size: int = await fetch_value(
            connection, "select pg_total_relation_size('ledger.usage_2026_11')"
        )
        count: int = await fetch_value(connection, "select count(*) from ledger.usage")
    return round(size / count, 1)


def measure() -> None:
    figures = {
        f"{applications} applications": asyncio.run(_recorded(applications))
        for applications in (100, 500)
    }
    keep("ledger_metering", _METHOD, figures)
