"""Corrections in PostgreSQL: borne by the others, refused twice, and those of late readings."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from beffroi.kernel.database import Database, execute
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError, InvalidInputError
from beffroi.kernel.log import read_after
from beffroi.kernel.operations import Operations
from beffroi.kernel.rights.model import PLATFORM, Actor, Role
from beffroi.ledger.corrections import CorrectionBearer, CorrectionKind, CorrectionTerms
from beffroi.ledger.metering import Meter, MeterReading
from beffroi.ledger.metering_service import MeteringService
from beffroi.ledger.model import LineKind, LineRef, Statement
from beffroi.ledger.month_issuing import MeteredUse
from beffroi.ledger.months import month_of
from beffroi.ledger.statement_service import StatementService
from tests.conftest import MakeDatabase
from tests.support.clocks import ManualClock
from tests.support.shared_accounts import ACCOUNTS_YAML, JULY, KnownUse

AUGUST, SEPTEMBER = date(2026, 8, 1), date(2026, 9, 1)
LATE = datetime(2027, 3, 1, tzinfo=UTC)
END_OF_JULY = month_of(JULY).ends_at
REASON = "Compté deux fois."
RATE_FROM_AUGUST = """\
rates:
  desk:
    title: Assistance
    eur: 240
    since: 2026-08-01
"""


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    return await make_database("kernel", "ledger")


@pytest.fixture
def accounts_file(tmp_path: Path) -> Path:
    file = tmp_path / "accounts.yaml"
    file.write_text(ACCOUNTS_YAML, encoding="utf-8")
    return file


def _service(database: Database, use: MeteredUse) -> StatementService:
    clock = ManualClock(LATE)
    return StatementService(database, Operations(database, clock), use, clock)


@pytest.fixture
async def service(database: Database, accounts_file: Path) -> StatementService:
    made = _service(database, KnownUse())
    await made.apply_accounts(PLATFORM, accounts_file)
    return made


@pytest.fixture
def metering(database: Database) -> MeteringService:
    return MeteringService(database)


@pytest.fixture
async def metered(
    database: Database, accounts_file: Path, metering: MeteringService
) -> StatementService:
    made = _service(database, metering)
    await made.apply_accounts(PLATFORM, accounts_file)
    return made


async def _read(metering: MeteringService, at: datetime, **cpu_s: float) -> None:
    """Read the processor time of the site of each organisation."""
    organisations = {name: name.replace("_", "-") for name in cpu_s}
    await metering.record(
        [
            MeterReading(f"{own}-site", own, Meter.CPU_S, "run", cpu_s[name], at)
            for name, own in organisations.items()
        ]
    )


async def _refused(asked: Awaitable[object]) -> BeffroiError:
    with pytest.raises(BeffroiError) as raised:
        await asked
    return raised.value


def _by_body(statements: Sequence[Statement]) -> Mapping[str, Statement]:
    return {one.body.name: one for one in statements}


def _together(statements: Sequence[Statement]) -> Decimal:
    return sum((one.net_eur for one in statements), Decimal(0))


async def test_the_others_bear_what_is_taken_off_one_body(service: StatementService) -> None:
    july = _by_body(await service.issue(PLATFORM, JULY))
    drancy = july["drancy"]
    (staff,) = (line for line in drancy.lines if line.subject == "staff")
    before = await service.draft(PLATFORM, AUGUST)
    wrong = LineRef(drancy.number, staff.number)
    asked = await service.add_correction(PLATFORM, wrong, Decimal("-100.01"), REASON)
    after = await service.issue(PLATFORM, AUGUST)
    assert _together(after) == _together(before)
    line = _by_body(after)["dugny"].lines[-1]
    assert (line.kind, line.explanation.code) == (LineKind.CORRECTION, "correction_counter")
    assert line.amount_eur == Decimal("40.74")
    (kept,) = await service.corrections(PLATFORM, july["dugny"].number)
    assert (kept.kind, kept.counters) == (CorrectionKind.COUNTER, asked.id)
    assert [await service.replay(PLATFORM, one.number) for one in after] == [()] * 4


async def test_the_issuer_bears_a_cost_that_was_stated_wrong(service: StatementService) -> None:
    july = _by_body(await service.issue(PLATFORM, JULY))
    before = await service.draft(PLATFORM, AUGUST)
    wrong = LineRef(july["drancy"].number, 4)
    terms = CorrectionTerms(borne_by=CorrectionBearer.ISSUER)
    await service.add_correction(PLATFORM, wrong, Decimal(-7), REASON, terms)
    assert _together(await service.draft(PLATFORM, AUGUST)) == _together(before) - 7
    at_rates = LineRef(july["habitat"].number, 1)
    error = await _refused(service.add_correction(PLATFORM, at_rates, Decimal(1), REASON, terms))
    assert error.code == "ledger.correction_bearer"


async def test_a_line_is_credited_once_unless_somebody_insists(service: StatementService) -> None:
    july = _by_body(await service.issue(PLATFORM, JULY))
    whole = july["drancy"].lines[0].amount_eur
    wrong = LineRef(july["drancy"].number, 1)
    await service.add_correction(PLATFORM, wrong, -whole, REASON)
    codes = [
        (await _refused(service.add_correction(PLATFORM, wrong, amount, REASON))).code
        for amount in (-whole, Decimal("-0.01"))
    ]
    assert codes == ["ledger.correction_repeated", "ledger.correction_too_large"]
    await service.add_correction(PLATFORM, wrong, -whole, REASON, CorrectionTerms(insist=True))
    assert len(await service.corrections(PLATFORM, wrong.statement)) == 2


async def test_of_equal_corrections_at_once_one_is_taken(service: StatementService) -> None:
    july = _by_body(await service.issue(PLATFORM, JULY))
    wrong = LineRef(july["habitat"].number, 3)
    results = await asyncio.gather(
        *(service.add_correction(PLATFORM, wrong, Decimal(-9), REASON) for _ in range(8)),
        return_exceptions=True,
    )
    refused = [one for one in results if isinstance(one, BeffroiError)]
    assert [one.code for one in refused] == ["ledger.correction_repeated"] * 7


async def test_a_text_that_the_database_cannot_keep_is_refused(service: StatementService) -> None:
    july = await service.issue(PLATFORM, JULY)
    wrong = LineRef(july[0].number, 1)
    asked: tuple[Awaitable[object], ...] = (
        service.add_correction(PLATFORM, wrong, Decimal(1), "a\0b"),
        service.statement(PLATFORM, "CTT\0"),
        service.statements(PLATFORM, "dran\0cy"),
    )
    for one in asked:
        error = await _refused(one)
        assert isinstance(error, InvalidInputError)
        assert error.code == "kernel.text_not_storable"


@pytest.mark.parametrize("month", [date(1, 1, 1), date(9999, 12, 1)])
async def test_months_outside_the_years_of_ledgers_are_refused(
    service: StatementService, month: date
) -> None:
    asked: tuple[Awaitable[object], ...] = (
        service.draft(PLATFORM, month),
        service.issue(PLATFORM, month),
        service.statements_of(PLATFORM, month),
        service.use_of(PLATFORM, month),
    )
    assert {(await _refused(one)).code for one in asked} == {"ledger.year_not_counted"}


async def test_a_month_waits_for_a_reading_after_its_end(
    metered: StatementService, metering: MeteringService
) -> None:
    assert (await _refused(metered.issue(PLATFORM, JULY))).code == "ledger.meters_never_read"
    await _read(metering, END_OF_JULY - timedelta(hours=2), drancy=0)
    await _read(metering, END_OF_JULY - timedelta(minutes=2), drancy=60)
    error = await _refused(metered.issue(PLATFORM, JULY))
    assert error.code == "ledger.last_reading_missing"
    assert error.values["minutes"] == 2
    await _read(metering, END_OF_JULY + timedelta(minutes=1), drancy=90)
    issued = _by_body(await metered.issue(PLATFORM, JULY))
    seconds = 3600 * sum(sum(one.quantities.values()) for one in issued["drancy"].usage)
    assert seconds > 79
    assert "note_not_read_to_the_end" not in {note.code for note in issued["drancy"].notes}


async def test_what_is_recorded_after_issuing_is_billed_once_on_the_next_statement(
    metered: StatementService, metering: MeteringService
) -> None:
    await _read(metering, END_OF_JULY - timedelta(hours=9), drancy=0, le_bourget=0)
    await _read(metering, END_OF_JULY - timedelta(hours=8), drancy=60, le_bourget=60)
    july = await metered.issue(PLATFORM, JULY, without_last_reading=True)
    assert "note_not_read_to_the_end" in {note.code for note in july[0].notes}
    await _read(metering, END_OF_JULY + timedelta(hours=1), drancy=3660, le_bourget=60)
    drafts = _by_body(await metered.draft(PLATFORM, AUGUST))
    await _read(metering, month_of(AUGUST).ends_at + timedelta(minutes=1), drancy=3670)
    august = _by_body(await metered.issue(PLATFORM, AUGUST))
    late = {
        (name, line.subject): line
        for name, one in august.items()
        for line in one.lines
        if line.kind is LineKind.CORRECTION
    }
    assert late["drancy", "licences"].amount_eur > 0 > late["le-bourget", "licences"].amount_eur
    assert sum(line.amount_eur for line in late.values()) == 0
    assert {line.explanation.code for line in late.values()} == {"correction_late_use"}
    drafted = [line for one in drafts.values() for line in one.lines]
    amounts = [line.amount_eur for line in drafted if line.kind is LineKind.CORRECTION]
    assert amounts == [line.amount_eur for line in late.values()]
    assert [await metered.replay(PLATFORM, one.number) for one in (*july, *august.values())] == [
        ()
    ] * 8
    await _read(metering, month_of(SEPTEMBER).ends_at + timedelta(minutes=1), drancy=3680)
    september = await metered.issue(PLATFORM, SEPTEMBER)
    found = [line for one in september for line in one.lines if line.kind is LineKind.CORRECTION]
    assert not [line for line in found if line.since < AUGUST]


async def _late_for(metering: MeteringService, service: StatementService, name: str) -> None:
    """Issue July, then record that a body's organisation used something before it ended."""
    await _read(metering, END_OF_JULY - timedelta(hours=9), drancy=0, **{name: 0})
    await _read(metering, END_OF_JULY - timedelta(hours=8), drancy=60)
    await service.issue(PLATFORM, JULY, without_last_reading=True)
    await _read(metering, END_OF_JULY - timedelta(hours=7, minutes=30), **{name: 3600})
    await _read(metering, month_of(AUGUST).ends_at + timedelta(minutes=1), drancy=70)


async def _unbilled(database: Database) -> list[str]:
    async with database.transaction(EVERYTHING) as connection:
        entries = await read_after(connection, 0, 1000)
    return [one.subject for one in entries if one.kind == "ledger.late_use_unbilled"]


async def test_late_use_while_no_rate_held_stops_no_month(
    database: Database, metered: StatementService, metering: MeteringService, accounts_file: Path
) -> None:
    from_august = ACCOUNTS_YAML.partition("rates:")[0] + RATE_FROM_AUGUST
    accounts_file.write_text(from_august, encoding="utf-8")
    await metered.apply_accounts(PLATFORM, accounts_file)
    await _late_for(metering, metered, "habitat")
    assert await metered.draft(PLATFORM, AUGUST)
    august = _by_body(await metered.issue(PLATFORM, AUGUST))
    assert not [one for one in august["habitat"].lines if one.kind is LineKind.CORRECTION]
    assert await _unbilled(database) == ["habitat"]


async def test_late_use_of_a_body_that_left_stops_no_month(
    database: Database, metered: StatementService, metering: MeteringService, accounts_file: Path
) -> None:
    await _late_for(metering, metered, "dugny")
    before, _, after = ACCOUNTS_YAML.partition("  dugny:")
    accounts_file.write_text(f"{before}  habitat:{after.partition('  habitat:')[2]}", "utf-8")
    await metered.apply_accounts(PLATFORM, accounts_file)
    assert await metered.draft(PLATFORM, AUGUST)
    assert "dugny" not in _by_body(await metered.issue(PLATFORM, AUGUST))
    assert await _unbilled(database) == ["dugny"]


async def test_a_correction_is_undone_at_the_line_that_it_corrects(
    service: StatementService,
) -> None:
    july = _by_body(await service.issue(PLATFORM, JULY))
    wrong = LineRef(july["drancy"].number, 1)
    before = await service.draft(PLATFORM, SEPTEMBER)
    await service.add_correction(PLATFORM, wrong, Decimal(-100), REASON)
    drancy = _by_body(await service.issue(PLATFORM, AUGUST))["drancy"]
    added = LineRef(drancy.number, drancy.lines[-1].number)
    error = await _refused(service.add_correction(PLATFORM, added, Decimal(100), REASON))
    assert error.code == "ledger.correction_of_correction"
    assert (error.values["original"], error.values["original_line"]) == (wrong.statement, 1)
    await service.add_correction(PLATFORM, wrong, Decimal(100), REASON)
    assert _together(await service.draft(PLATFORM, SEPTEMBER)) == _together(before)


async def test_an_organisation_that_was_renamed_keeps_its_statements(
    service: StatementService, accounts_file: Path
) -> None:
    july = _by_body(await service.issue(PLATFORM, JULY))
    renamed = ACCOUNTS_YAML.replace("organisations: [drancy]", "organisations: [ville-de-drancy]")
    accounts_file.write_text(renamed, encoding="utf-8")
    now, then, other = (
        Actor("ali", Role.MEMBER, name) for name in ("ville-de-drancy", "drancy", "le-bourget")
    )
    assert list(await service.statements(now)) == []
    await service.apply_accounts(PLATFORM, accounts_file)
    assert list(await service.statements(now)) == [july["drancy"]]
    assert list(await service.statements(then)) == [july["drancy"]]
    assert list(await service.statements(other)) == [july["le-bourget"]]


async def test_a_settled_correction_cannot_be_opened_again(
    database: Database, service: StatementService
) -> None:
    (first, *_) = await service.issue(PLATFORM, JULY)
    await service.add_correction(PLATFORM, LineRef(first.number, 1), Decimal(2), "Oubli.")
    await service.issue(PLATFORM, AUGUST)
    with pytest.raises(psycopg.errors.RaiseException, match="settled, once"):
        async with database.transaction(EVERYTHING) as connection:
            await execute(connection, "update ledger.correction set settled_by = null")
