"""Statements in PostgreSQL: versions, numbers, what is frozen, corrections, rights, replays."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from beffroi.kernel.database import Database, Scope
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import (
    BeffroiError,
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
)
from beffroi.kernel.log import Entry, read_after
from beffroi.kernel.operations import Operations, OperationState
from beffroi.kernel.rights.model import PLATFORM, Actor, Role
from beffroi.ledger.metering_service import MeteringService
from beffroi.ledger.model import LineKind, LineRef, StatementState, Usage
from beffroi.ledger.month_issuing import MeteredUse
from beffroi.ledger.statement_service import StatementService
from beffroi.territory.difference import ChangeKind
from beffroi.territory.errors import TerritoryInvalidError
from tests.conftest import MakeDatabase
from tests.support.clocks import ManualClock
from tests.support.shared_accounts import ACCOUNTS_YAML, JULY, KnownUse, with_section

AUGUST = date(2026, 8, 1)
LATE = datetime(2027, 3, 1, tzinfo=UTC)
SCHOOLS = Actor("emma", Role.MANAGER, "dugny-ecoles")
DRANCY = Actor("ali", Role.MEMBER, "drancy")
NOBODY = Actor("nemo", Role.MEMBER, "")


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    return await make_database("kernel", "ledger")


@pytest.fixture
def accounts_file(tmp_path: Path) -> Path:
    file = tmp_path / "accounts.yaml"
    file.write_text(ACCOUNTS_YAML, encoding="utf-8")
    return file


def _service(
    database: Database, use: MeteredUse | None = None, at: datetime = LATE
) -> StatementService:
    clock = ManualClock(at)
    return StatementService(database, Operations(database, clock), use or KnownUse(), clock)


@pytest.fixture
async def service(database: Database, accounts_file: Path) -> StatementService:
    made = _service(database)
    await made.apply_accounts(PLATFORM, accounts_file)
    return made


async def _entries(database: Database) -> list[Entry]:
    async with database.transaction(EVERYTHING) as connection:
        return list(await read_after(connection, 0, 1000))


async def _refused(asked: Awaitable[object]) -> BeffroiError:
    with pytest.raises(BeffroiError) as raised:
        await asked
    return raised.value


async def test_accounts_are_applied_as_versions(
    database: Database, service: StatementService, accounts_file: Path
) -> None:
    dearer = with_section(ACCOUNTS_YAML, "amount_eur: 95000", "amount_eur: 97000")
    accounts_file.write_text(dearer, encoding="utf-8")
    told = await service.difference(PLATFORM, accounts_file)
    applied = await service.apply_accounts(PLATFORM, accounts_file, expected_version=1)
    assert applied.version == 2
    assert applied.changes == told
    assert [(one.kind, one.section, one.name) for one in told] == [
        (ChangeKind.CHANGED, "costs", "staff")
    ]
    held = await service.accounts(PLATFORM)
    assert held is not None
    assert (held.version, held.actor) == (2, "beffroi")
    assert held.document.costs["staff"].amount_eur == 97000
    kinds = [entry.kind for entry in await _entries(database)]
    assert kinds.count("ledger.accounts_applied") == 2


async def test_the_same_accounts_make_no_version(
    service: StatementService, accounts_file: Path
) -> None:
    again = await service.apply_accounts(PLATFORM, accounts_file)
    assert (again.version, again.changes) == (1, ())


async def test_accounts_that_moved_are_not_overwritten(
    service: StatementService, accounts_file: Path
) -> None:
    error = await _refused(service.apply_accounts(PLATFORM, accounts_file, expected_version=0))
    assert isinstance(error, ConflictError)
    assert error.code == "ledger.accounts_moved"


async def test_accounts_with_mistakes_change_nothing_and_are_on_record(
    database: Database, service: StatementService, accounts_file: Path
) -> None:
    accounts_file.write_text(ACCOUNTS_YAML.replace("key: shared", "key: none"), encoding="utf-8")
    error = await _refused(service.apply_accounts(PLATFORM, accounts_file))
    assert isinstance(error, TerritoryInvalidError)
    held = await service.accounts(PLATFORM)
    assert held is not None
    assert held.version == 1
    operations = await Operations(database, ManualClock()).newest(PLATFORM, "accounts")
    assert {one.verb for one in operations} == {"ledger.apply_accounts"}
    assert {one.state for one in operations} == {OperationState.SUCCEEDED, OperationState.FAILED}


async def test_a_draft_leaves_nothing_behind(service: StatementService) -> None:
    drafts = await service.draft(PLATFORM, JULY)
    assert [one.body.name for one in drafts] == ["drancy", "dugny", "habitat", "le-bourget"]
    assert {one.state for one in drafts} == {StatementState.DRAFT}
    assert await service.statements(PLATFORM) == []
    assert await service.months(PLATFORM) == []


async def test_a_month_is_issued_for_all_bodies_at_once(
    database: Database, service: StatementService
) -> None:
    issued = await service.issue(PLATFORM, JULY)
    assert [one.number for one in issued] == [
        "CTT-2026-000001",
        "CTT-2026-000002",
        "CTT-2026-000003",
        "CTT-F-2026-000001",
    ]
    assert list(await service.statements_of(PLATFORM, JULY)) == list(issued)
    assert await service.statement(PLATFORM, "CTT-F-2026-000001") == issued[3]
    (month,) = await service.months(PLATFORM)
    assert (month.month, month.actor) == (JULY, "beffroi")
    events = [one for one in await _entries(database) if one.kind == "ledger.statement_issued"]
    assert [one.organisation for one in events] == [
        "drancy",
        "dugny",
        "dugny-ecoles",
        "habitat",
        "le-bourget",
    ]
    (operation,) = await Operations(database, ManualClock()).newest(PLATFORM, "2026-07")
    assert operation.verb == "ledger.issue"
    assert (
        operation.outcome == "4 statements, CTT-2026-000001 to CTT-2026-000003, CTT-F-2026-000001."
    )


async def test_a_month_is_not_issued_twice(service: StatementService) -> None:
    issued = await service.issue(PLATFORM, JULY)
    error = await _refused(service.issue(PLATFORM, JULY))
    assert isinstance(error, ConflictError)
    assert error.code == "ledger.month_issued"
    assert list(await service.statements(PLATFORM)) == list(issued)


async def test_of_two_who_issue_at_once_one_is_refused(
    database: Database, service: StatementService
) -> None:
    other = _service(database)
    results = await asyncio.gather(
        service.issue(PLATFORM, JULY), other.issue(PLATFORM, JULY), return_exceptions=True
    )
    refused = [one for one in results if isinstance(one, BeffroiError)]
    assert [one.code for one in refused] == ["ledger.month_issued"]
    assert len(await service.statements(PLATFORM)) == 4


async def test_a_month_that_still_runs_can_only_be_a_draft(
    database: Database, service: StatementService
) -> None:
    early = _service(database, at=datetime(2026, 7, 31, 21, 59, tzinfo=UTC))
    assert (await _refused(early.issue(PLATFORM, JULY))).code == "ledger.month_not_over"
    assert len(await early.draft(PLATFORM, JULY)) == 4
    assert await service.months(PLATFORM) == []


async def test_numbers_go_on_through_a_year_and_begin_anew_in_the_next(
    service: StatementService,
) -> None:
    for month in (date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)):
        await service.issue(PLATFORM, month)
    numbers = sorted(one.number for one in await service.statements(PLATFORM))
    assert numbers == [
        *(f"CTT-2026-{number:06d}" for number in range(1, 7)),
        *(f"CTT-2027-{number:06d}" for number in range(1, 4)),
        *(f"CTT-F-2026-{number:06d}" for number in range(1, 3)),
        "CTT-F-2027-000001",
    ]


async def test_no_month_is_left_out(service: StatementService) -> None:
    await service.issue(PLATFORM, JULY)
    error = await _refused(service.issue(PLATFORM, date(2026, 10, 1)))
    assert error.code == "ledger.month_left_out"


async def test_without_accounts_nothing_is_made(database: Database) -> None:
    error = await _refused(_service(database).issue(PLATFORM, JULY))
    assert isinstance(error, NotFoundError)
    assert error.code == "ledger.no_accounts"


async def test_metering_that_recorded_nothing_is_noted(
    database: Database, service: StatementService
) -> None:
    drafts = await _service(database, MeteringService(database)).draft(PLATFORM, JULY)
    assert [note.code for note in drafts[1].notes] == ["note_no_usage", "note_no_usage"]
    assert len(await service.draft(PLATFORM, JULY)) == len(drafts)


class ApplyingUse(KnownUse):
    """Metering that takes long enough for somebody to apply other accounts meanwhile."""

    def __init__(self, apply: Callable[[], Awaitable[object]]) -> None:
        self._apply = apply

    async def usage(self, scope: Scope, since: datetime, until: datetime) -> tuple[Usage, ...]:
        await self._apply()
        return await super().usage(scope, since, until)


async def test_accounts_applied_while_a_month_is_issued_stop_it(
    database: Database, service: StatementService, accounts_file: Path
) -> None:
    async def apply() -> None:
        text = with_section(ACCOUNTS_YAML, "eur: 240", "eur: 250")
        accounts_file.write_text(text, encoding="utf-8")
        await service.apply_accounts(PLATFORM, accounts_file)

    error = await _refused(_service(database, ApplyingUse(apply)).issue(PLATFORM, JULY))
    assert error.code == "kernel.changed_meanwhile"
    assert await service.statements(PLATFORM) == []


async def test_a_correction_appears_on_the_next_statement_of_the_body(
    service: StatementService,
) -> None:
    before = {one.body.name: one for one in await service.issue(PLATFORM, JULY)}
    wrong = LineRef(before["drancy"].number, 4)
    asked = await service.add_correction(PLATFORM, wrong, Decimal("-57.58"), " Compté deux fois. ")
    assert asked.settled_by is None
    drafted = {one.body.name: one for one in await service.draft(PLATFORM, AUGUST)}
    after = {one.body.name: one for one in await service.issue(PLATFORM, AUGUST)}
    line = after["drancy"].lines[-1]
    assert drafted["drancy"].lines == after["drancy"].lines
    assert (line.kind, line.amount_eur, line.corrects) == (
        LineKind.CORRECTION,
        Decimal("-57.58"),
        wrong,
    )
    assert line.explanation.values["reason"] == "Compté deux fois."
    (kept,) = await service.corrections(PLATFORM, wrong.statement)
    assert (kept.id, kept.settled_by) == (asked.id, after["drancy"].number)
    september = {one.body.name: one for one in await service.issue(PLATFORM, date(2026, 9, 1))}
    assert LineKind.CORRECTION not in {line.kind for line in september["drancy"].lines}
    assert await service.statement(PLATFORM, wrong.statement) == before["drancy"]


@pytest.mark.parametrize("amount", ["0", "0.001", "NaN", "1e30"])
async def test_amounts_that_cannot_be_charged_are_refused(
    service: StatementService, amount: str
) -> None:
    issued = await service.issue(PLATFORM, JULY)
    corrected = LineRef(issued[0].number, 1)
    error = await _refused(
        service.add_correction(PLATFORM, corrected, Decimal(amount), "Parce que.")
    )
    assert isinstance(error, InvalidInputError)
    assert error.code == "ledger.correction_amount"


async def test_corrections_need_a_reason_and_a_line(service: StatementService) -> None:
    (first, *_) = await service.issue(PLATFORM, JULY)
    one = Decimal(1)
    nowhere = LineRef(first.number, 99)
    unknown = LineRef("CTT-2026-000099", 1)
    codes = [
        (await _refused(service.add_correction(PLATFORM, corrected, one, reason))).code
        for corrected, reason in (
            (LineRef(first.number, 1), "  "),
            (nowhere, "Parce que."),
            (unknown, "Parce que."),
        )
    ]
    assert codes == ["ledger.correction_reason", "ledger.line_unknown", "ledger.statement_unknown"]


async def test_statements_replay_after_the_accounts_changed(
    service: StatementService, accounts_file: Path
) -> None:
    july = await service.issue(PLATFORM, JULY)
    await service.add_correction(PLATFORM, LineRef(july[2].number, 1), Decimal(5), "Oubli.")
    text = with_section(ACCOUNTS_YAML, "amount_eur: 95000", "amount_eur: 12000")
    accounts_file.write_text(text, encoding="utf-8")
    await service.apply_accounts(PLATFORM, accounts_file)
    august = await service.issue(PLATFORM, AUGUST)
    replays = [await service.replay(PLATFORM, one.number) for one in (*july, *august)]
    assert replays == [()] * 8
    records = await service.records(PLATFORM, JULY)
    assert (records.digest, records.accounts_version) == (july[0].digest, 1)


FROZEN = (
    "update ledger.statement set document = '{}'",
    "delete from ledger.statement",
    "truncate ledger.statement cascade",
    "update ledger.issued_month set digest = ''",
    "delete from ledger.issued_month",
    "update ledger.accounts set document = '{}'",
    "delete from ledger.accounts",
    "delete from ledger.correction",
    "update ledger.correction set amount_eur = 1",
    "update ledger.correction set settled_by = statement, amount_eur = 1",
)


@pytest.mark.parametrize("statement", FROZEN)
async def test_what_was_issued_cannot_be_changed(
    database: Database, service: StatementService, statement: str
) -> None:
    (first, *_) = await service.issue(PLATFORM, JULY)
    await service.add_correction(PLATFORM, LineRef(first.number, 1), Decimal(2), "Oubli.")
    with pytest.raises(psycopg.errors.RaiseException):
        async with database.transaction(EVERYTHING) as connection:
            await connection.execute(statement.encode())
    assert await service.statement(PLATFORM, first.number) == first


async def test_people_read_the_statements_of_their_body_alone(service: StatementService) -> None:
    issued = {one.body.name: one for one in await service.issue(PLATFORM, JULY)}
    dugny, drancy = issued["dugny"], issued["drancy"]
    assert list(await service.statements(SCHOOLS)) == [dugny]
    assert list(await service.statements_of(DRANCY, JULY)) == [drancy]
    assert await service.statement(SCHOOLS, dugny.number) == dugny
    assert await service.replay(SCHOOLS, dugny.number) == ()
    assert list(await service.statements(NOBODY)) == []
    error = await _refused(service.statement(SCHOOLS, drancy.number))
    assert isinstance(error, NotFoundError)
    assert isinstance(await _refused(service.replay(SCHOOLS, drancy.number)), NotFoundError)
    assert isinstance(await _refused(service.corrections(SCHOOLS, drancy.number)), NotFoundError)


async def test_only_operators_make_and_correct_statements(
    service: StatementService, accounts_file: Path
) -> None:
    (first, *_) = await service.issue(PLATFORM, JULY)
    asked: tuple[Awaitable[object], ...] = (
        service.accounts(DRANCY),
        service.difference(DRANCY, accounts_file),
        service.apply_accounts(DRANCY, accounts_file),
        service.draft(DRANCY, JULY),
        service.issue(DRANCY, AUGUST),
        service.add_correction(DRANCY, LineRef(first.number, 1), Decimal(1), "Moi."),
        service.records(DRANCY, JULY),
        service.months(DRANCY),
    )
    refused = [await _refused(one) for one in asked]
    assert {type(one) for one in refused} == {ForbiddenError}


async def test_statements_are_listed_page_by_page_newest_month_first(
    service: StatementService,
) -> None:
    await service.issue(PLATFORM, JULY)
    await service.issue(PLATFORM, AUGUST)
    listed = [one.number for one in await service.statements(PLATFORM)]
    assert listed == [
        *(f"CTT-2026-00000{number}" for number in (4, 5, 6)),
        "CTT-F-2026-000002",
        *(f"CTT-2026-00000{number}" for number in (1, 2, 3)),
        "CTT-F-2026-000001",
    ]
    rest = await service.statements(PLATFORM, before="CTT-F-2026-000002")
    assert [one.number for one in rest] == listed[4:]
    habitat = await service.statements(PLATFORM, body="habitat")
    assert [one.number for one in habitat] == ["CTT-F-2026-000002", "CTT-F-2026-000001"]
