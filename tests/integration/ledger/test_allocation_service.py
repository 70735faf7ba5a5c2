"""Unit costs and other keys, asked of the accounts and the months in PostgreSQL."""

import csv
from collections.abc import Awaitable
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from beffroi.kernel.catalogue import Language
from beffroi.kernel.database import Database
from beffroi.kernel.errors import BeffroiError, ForbiddenError
from beffroi.kernel.operations import Operations
from beffroi.kernel.rights.model import PLATFORM, Actor, Role
from beffroi.ledger.allocation_service import AllocationService
from beffroi.ledger.document_service import DocumentService
from beffroi.ledger.documents.french_csv import MARK
from beffroi.ledger.documents.model import DocumentKind, TableFormat
from beffroi.ledger.drivers.documents_process import DocumentsProcess
from beffroi.ledger.metering_service import MeteringService
from beffroi.ledger.statement_service import StatementService
from beffroi.ledger.unit_costs import UnitCost, UnitCostTable
from tests.conftest import MakeDatabase
from tests.support.clocks import ManualClock
from tests.support.shared_accounts import ACCOUNTS_YAML, JULY, KnownUse, with_section

LATE = datetime(2027, 3, 1, tzinfo=UTC)
AUGUST = date(2026, 8, 1)
CHOSEN = {"staff": "compute"}


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    return await make_database("kernel", "ledger")


@pytest.fixture
def accounts_file(tmp_path: Path) -> Path:
    file = tmp_path / "accounts.yaml"
    file.write_text(ACCOUNTS_YAML, encoding="utf-8")
    return file


@pytest.fixture
async def statements(database: Database, accounts_file: Path) -> StatementService:
    clock = ManualClock(LATE)
    made = StatementService(database, Operations(database, clock), KnownUse(), clock)
    await made.apply_accounts(PLATFORM, accounts_file)
    return made


@pytest.fixture
def service(statements: StatementService) -> AllocationService:
    return AllocationService(statements)


@pytest.fixture
def documents(database: Database, statements: StatementService) -> DocumentService:
    return DocumentService(database, statements, MeteringService(database), DocumentsProcess())


async def _refused(asked: Awaitable[object]) -> BeffroiError:
    with pytest.raises(BeffroiError) as raised:
        await asked
    return raised.value


def _named(table: UnitCostTable, name: str) -> UnitCost:
    return next(one for one in table.services if one.cost == name)


async def test_a_year_is_foreseen_from_the_use_of_the_year_before(
    service: AllocationService,
) -> None:
    table = await service.unit_costs(PLATFORM, 2027)
    assert (table.months_of_use, table.accounts_version) == (12, 1)
    assert table.made_on == date(2027, 3, 1)
    for one in table.services:
        assert sum(refund.refund_eur for refund in one.refunds) == one.budget_eur
    assert _named(table, "licences").forecast_units == Decimal(100)
    assert _named(table, "electricity").budget_eur > 0


async def test_a_month_that_was_issued_counts_as_it_was_kept(
    database: Database, statements: StatementService, service: AllocationService
) -> None:
    before = await service.unit_costs(PLATFORM, 2027)
    await statements.issue(PLATFORM, JULY)
    clock = ManualClock(LATE)
    unmetered = StatementService(
        database, Operations(database, clock), MeteringService(database), clock
    )
    after = await AllocationService(unmetered).unit_costs(PLATFORM, 2027)
    assert after.months_of_use == 1
    energy = _named(after, "electricity").budget_eur
    assert 0 < energy < _named(before, "electricity").budget_eur


async def test_other_keys_tell_winners_losers_and_the_steps(
    statements: StatementService, service: AllocationService
) -> None:
    await statements.issue(PLATFORM, JULY)
    await statements.issue(PLATFORM, AUGUST)
    trial = await service.simulation(PLATFORM, CHOSEN, 3)
    assert trial.simulation.months == (JULY, AUGUST)
    assert {one.outcome for one in trial.simulation.effects} == {"wins", "loses"}
    assert [step.number for step in trial.steps] == [1, 2, 3]
    totals = {sum(step.amounts_eur.values()) for step in trial.steps}
    assert totals == {trial.simulation.before_eur}
    assert trial.steps[-1].amounts_eur == {
        one.body: one.after_eur for one in trial.simulation.effects
    }


async def test_months_of_former_accounts_are_compared_with_their_own_costs(
    statements: StatementService, service: AllocationService, accounts_file: Path
) -> None:
    await statements.issue(PLATFORM, JULY)
    dearer = with_section(ACCOUNTS_YAML, "amount_eur: 95000", "amount_eur: 120000")
    accounts_file.write_text(dearer, encoding="utf-8")
    await statements.apply_accounts(PLATFORM, accounts_file)
    trial = await service.simulation(PLATFORM, CHOSEN, 2)
    issued = await statements.statements_of(PLATFORM, JULY)
    shared = sum(one.net_eur for one in issued if one.body.charging == "shares_costs")
    assert trial.simulation.before_eur == trial.simulation.after_eur == shared


async def test_what_cannot_be_compared_is_told(
    statements: StatementService, service: AllocationService
) -> None:
    error = await _refused(service.simulation(PLATFORM, CHOSEN, 1))
    assert error.code == "ledger.no_month_issued"
    await statements.issue(PLATFORM, JULY)
    for chosen, years, code in (
        ({"stuff": "compute"}, 1, "ledger.simulated_cost_unknown"),
        ({"staff": "computed"}, 1, "ledger.simulated_key_unknown"),
        (CHOSEN, 0, "ledger.smoothing_years"),
        (CHOSEN, 11, "ledger.smoothing_years"),
    ):
        error = await _refused(service.simulation(PLATFORM, chosen, years))
        assert error.code == code


async def test_members_are_not_told(service: AllocationService) -> None:
    member = Actor("ali", Role.MEMBER, "drancy")
    assert isinstance(await _refused(service.unit_costs(member, 2027)), ForbiddenError)
    assert isinstance(await _refused(service.simulation(member, CHOSEN, 1)), ForbiddenError)


async def test_no_accounts_have_no_unit_costs(database: Database) -> None:
    clock = ManualClock(LATE)
    bare = StatementService(database, Operations(database, clock), KnownUse(), clock)
    error = await _refused(AllocationService(bare).unit_costs(PLATFORM, 2027))
    assert error.code == "ledger.no_accounts"


async def test_an_accountant_reads_the_table_with_its_sums_and_its_law(
    service: AllocationService, documents: DocumentService
) -> None:
    table = await service.unit_costs(PLATFORM, 2027)
    made = await documents.of_unit_costs(PLATFORM, 2027, TableFormat.PDF, Language.FR)
    assert made.file.name == "couts-unitaires-2027.pdf"
    assert made.content.startswith(b"%PDF-")
    text = " ".join(
        " ".join(page.extract_text() for page in PdfReader(BytesIO(made.content)).pages).split()
    )
    for service_told in table.services:
        assert service_told.title in text
    for told in ("95 000,00 €", "0,959596 €", "72 000", "D5211-16", "Communauté des Trois Tours"):
        assert told in text
    again = await documents.of_unit_costs(PLATFORM, 2027, TableFormat.PDF, Language.FR)
    assert again.content == made.content


async def test_a_spreadsheet_adds_the_refunds_up_to_the_budget(
    service: AllocationService, documents: DocumentService
) -> None:
    table = await service.unit_costs(PLATFORM, 2027)
    made = await documents.of_unit_costs(PLATFORM, 2027, TableFormat.CSV, Language.FR)
    text = made.content.decode().removeprefix(MARK)
    rows = list(csv.DictReader(StringIO(text), delimiter=";"))
    assert len(rows) == 3 * len(table.services)
    refunds = sum(Decimal(row["remboursement"].replace(",", ".")) for row in rows)
    assert refunds == table.budget_eur
    assert {row["exercice"] for row in rows} == {"2027"}


async def test_a_month_has_no_table_of_unit_costs(documents: DocumentService) -> None:
    asked = documents.of_month(PLATFORM, JULY, DocumentKind.UNIT_COSTS, Language.FR)
    assert (await _refused(asked)).code == "ledger.document_unknown"
