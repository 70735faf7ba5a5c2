"""Issuing a month while its process is killed: all statements or none, numbers without a gap."""

import asyncio
import random
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final, LiteralString

import pytest

from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database, execute, fetch_value
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.operations import Operations, OperationState
from beffroi.kernel.rights.model import PLATFORM
from beffroi.ledger.months import months_of
from beffroi.ledger.statement_service import StatementService
from tests.conftest import MakeDatabase
from tests.support.programs import kill_program, program, told
from tests.support.shared_accounts import ACCOUNTS_YAML, JULY, KnownUse
from tests.support.waiting import eventually

ISSUER = "tests.integration.ledger.programs.issuer"
JUNE = date(2026, 6, 1)
KILLS = 6
MOMENTS: Final[Mapping[str, LiteralString]] = {
    "before_its_turn": "lock table ledger.issued_month in share row exclusive mode",
    "before_its_numbers": "select * from ledger.statement_series for update",
    "before_its_statements": "lock table ledger.statement in share mode",
    "before_its_commit": "select pg_advisory_xact_lock(x'6C6F67'::bigint)",
}


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    return await make_database("kernel", "ledger")


@pytest.fixture
async def service(database: Database, tmp_path: Path) -> StatementService:
    file = tmp_path / "accounts.yaml"
    file.write_text(ACCOUNTS_YAML, encoding="utf-8")
    clock = SystemClock()
    made = StatementService(database, Operations(database, clock), KnownUse(), clock)
    await made.apply_accounts(PLATFORM, file)
    return made


async def _waiters(database: Database) -> int:
    async with database.transaction(EVERYTHING) as connection:
        count: int = await fetch_value(
            connection,
            "select count(*) from pg_stat_activity"
            " where datname = current_database() and wait_event_type = 'Lock'",
            None,
        )
    return count


async def _numbers(service: StatementService) -> list[str]:
    return sorted(one.number for one in await service.statements(PLATFORM))


def _without_gap(months: int) -> list[str]:
    """Return the numbers of whole months: three bodies outside VAT, one that gets invoices."""
    titles = [f"CTT-2026-{number:06d}" for number in range(1, 3 * months + 1)]
    return [*titles, *(f"CTT-F-2026-{number:06d}" for number in range(1, months + 1))]


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_process_killed_while_it_issues_leaves_no_trace(
    database: Database, service: StatementService, moment: str
) -> None:
    await service.issue(PLATFORM, JUNE)
    async with (
        program(ISSUER, database.url.reveal(), "2026-07") as issuer,
        database.transaction(EVERYTHING) as connection,
    ):
        await execute(connection, MOMENTS[moment], None)
        assert await told(issuer) == "issuing"
        await eventually(lambda: _waiters(database), within_s=15)
        await kill_program(issuer)
    assert await service.statements_of(PLATFORM, JULY) == []
    issued = await service.issue(PLATFORM, JULY)
    assert len(issued) == 4
    assert await _numbers(service) == _without_gap(2)
    operations = Operations(database, SystemClock())
    assert await operations.settle_interrupted() == 1
    states = [one.state for one in await operations.newest(PLATFORM, "2026-07")]
    assert states == [OperationState.SUCCEEDED, OperationState.INTERRUPTED]


async def test_processes_killed_at_any_moment_leave_whole_months_and_no_gap(
    database: Database, service: StatementService
) -> None:
    whole = 0
    for _ in range(KILLS):
        month = months_of(2026)[whole]
        async with program(ISSUER, database.url.reveal(), f"{month:%Y-%m}") as issuer:
            assert await told(issuer) == "issuing"
            await asyncio.sleep(random.uniform(0, 0.12))  # noqa: S311
            await kill_program(issuer)
        await eventually(lambda: _nobody_else(database))
        found = len(await service.statements_of(PLATFORM, month))
        assert found in (0, 4)
        whole += found == 4
    await service.issue(PLATFORM, months_of(2026)[whole])
    expected = _without_gap(whole + 1)
    assert await _numbers(service) == expected
    assert [await service.replay(PLATFORM, number) for number in expected] == [()] * len(expected)


async def _nobody_else(database: Database) -> bool:
    """Tell whether no killed process' transaction is open any more."""
    async with database.transaction(EVERYTHING) as connection:
        count: int = await fetch_value(
            connection,
            "select count(*) from pg_stat_activity where datname = current_database()"
            " and pid <> pg_backend_pid() and xact_start is not null",
            None,
        )
    return count == 0
