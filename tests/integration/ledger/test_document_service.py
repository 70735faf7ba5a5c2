"""What is told to the maker of documents: a body's own use and costs, by few statements of SQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from beffroi.kernel.catalogue import Language
from beffroi.kernel.database import Connection, Database, Scope
from beffroi.kernel.operations import Operations
from beffroi.kernel.processes.workers import Progress, Told
from beffroi.kernel.rights.model import PLATFORM, Actor, Role
from beffroi.ledger.document_service import DocumentService
from beffroi.ledger.documents.model import (
    DocumentFile,
    DocumentKind,
    Documents,
    DocumentsRequest,
)
from beffroi.ledger.metering import Meter, MeterReading
from beffroi.ledger.metering_service import MeteringService
from beffroi.ledger.model import LineRef, UsageUnit
from beffroi.ledger.months import month_of
from beffroi.ledger.statement_service import StatementService
from tests.conftest import MakeDatabase
from tests.support.clocks import ManualClock
from tests.support.shared_accounts import ACCOUNTS_YAML, JULY

AUGUST = date(2026, 8, 1)
NOON = datetime(2026, 7, 14, 12, tzinfo=UTC)
APPLICATIONS = 20
DRANCY = Actor("ali", Role.MEMBER, "drancy")


class CountingDatabase(Database):
    """Counts the statements of SQL that it is sent."""

    sent = 0

    @asynccontextmanager
    async def transaction(self, scope: Scope, *, by_key: bool = False) -> AsyncIterator[Connection]:
        counting = self

        class Cursor(psycopg.AsyncCursor[tuple[Any, ...]]):
            async def execute(self, *arguments: Any, **options: Any) -> Any:
                counting.sent += 1
                return await super().execute(*arguments, **options)

        async with super().transaction(scope, by_key=by_key) as connection:
            connection.cursor_factory = Cursor
            yield connection
            connection.cursor_factory = psycopg.AsyncCursor


class KeepingMaker:
    """Keeps what it is asked, and writes an empty document."""

    def __init__(self) -> None:
        self.asked: list[DocumentsRequest] = []

    async def make(self, request: DocumentsRequest, told: Told) -> Documents:
        self.asked.append(request)
        (Path(request.folder) / "one.pdf").write_bytes(b"")
        told(Progress(1.0, "one.pdf"))
        file = DocumentFile("one.pdf", request.kinds[0], "application/pdf", 0, "")
        return Documents((file,))


@pytest.fixture
async def database(make_database: MakeDatabase) -> AsyncIterator[CountingDatabase]:
    counting = CountingDatabase((await make_database("kernel", "ledger")).url)
    await counting.open()
    yield counting
    await counting.close()


@pytest.fixture
def metering(database: Database) -> MeteringService:
    return MeteringService(database)


@pytest.fixture
async def statements(
    database: Database, metering: MeteringService, tmp_path: Path
) -> StatementService:
    file = tmp_path / "accounts.yaml"
    file.write_text(ACCOUNTS_YAML, encoding="utf-8")
    clock = ManualClock(datetime(2027, 3, 1, tzinfo=UTC))
    made = StatementService(database, Operations(database, clock), metering, clock)
    await made.apply_accounts(PLATFORM, file)
    return made


async def _read(
    metering: MeteringService, at: datetime, cpu_s: float, owner: str = "drancy"
) -> None:
    await metering.record(
        [
            MeterReading(f"site{number}", owner, Meter.CPU_S, "run", cpu_s, at)
            for number in range(APPLICATIONS)
        ]
    )


async def test_a_document_tells_the_use_of_its_own_body_alone(
    database: CountingDatabase, metering: MeteringService, statements: StatementService
) -> None:
    """In mid-July twenty applications move from Drancy to Le Bourget."""
    await _read(metering, NOON, 0)
    await _read(metering, NOON + timedelta(minutes=1), 30)
    await _read(metering, NOON + timedelta(days=10), 0, "le-bourget")
    await _read(metering, NOON + timedelta(days=10, hours=1), 3000, "le-bourget")
    await _read(metering, month_of(JULY).ends_at, 3000, "le-bourget")
    issued = {one.body.name: one for one in await statements.issue(PLATFORM, JULY)}
    maker = KeepingMaker()
    service = DocumentService(database, statements, metering, maker)
    number = issued["drancy"].number
    before = database.sent
    await service.of_statement(DRANCY, number, DocumentKind.STATEMENTS, Language.FR)
    assert database.sent - before < 30
    (asked,) = maker.asked
    days = [one.quantities.get(UsageUnit.CPU_CORE_H, Decimal(0)) for one in asked.days]
    used = [one.quantities.get(UsageUnit.CPU_CORE_H, Decimal(0)) for one in issued["drancy"].usage]
    assert abs(sum(days, Decimal(0)) - sum(used, Decimal(0))) < Decimal("0.001")
    assert any(days)
    assert {one.body for one in asked.history} == {"drancy"}
    await service.of_month(PLATFORM, JULY, DocumentKind.STATEMENTS, Language.FR)
    assert {one.body for one in maker.asked[1].days} == {"drancy", "le-bourget"}


async def test_a_document_tells_when_what_it_corrects_was_issued(
    database: CountingDatabase, metering: MeteringService, statements: StatementService
) -> None:
    await _read(metering, month_of(AUGUST).ends_at, 0)
    july = {one.body.name: one for one in await statements.issue(PLATFORM, JULY)}
    wrong = LineRef(july["habitat"].number, 1)
    await statements.add_correction(PLATFORM, wrong, Decimal(3), "Oubli.")
    august = {one.body.name: one for one in await statements.issue(PLATFORM, AUGUST)}
    maker = KeepingMaker()
    service = DocumentService(database, statements, metering, maker)
    number = august["habitat"].number
    await service.of_statement(PLATFORM, number, DocumentKind.INVOICES, Language.FR)
    assert maker.asked[0].issued == {wrong.statement: date(2027, 3, 1)}
