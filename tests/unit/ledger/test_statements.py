"""Statements: every cent told, in any ledger; replays; what is refused and what is noted."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beffroi.kernel.catalogue import Language
from beffroi.kernel.errors import InvalidInputError
from beffroi.ledger.corrections import Correction, CorrectionKind
from beffroi.ledger.costs import month_costs
from beffroi.ledger.documents.explaining import explained
from beffroi.ledger.model import (
    REVENUE_ACCOUNT,
    Accounts,
    LineKind,
    LineRef,
    Statement,
    StatementState,
    Usage,
    UsageUnit,
)
from beffroi.ledger.month_records import MonthRecords, month_records
from beffroi.ledger.months import month_of
from beffroi.ledger.statements import replayed, statements_of
from tests.support.random_ledgers import ledgers
from tests.support.shared_accounts import (
    FIRST_HALF,
    JULY,
    accounts_of,
    bare,
    july_use,
    month_use,
    used,
)

SHARED = {LineKind.COST_SHARE, LineKind.REVENUE_SHARE}


@pytest.fixture(scope="module")
def accounts() -> Accounts:
    return accounts_of()


@pytest.fixture(scope="module")
def july(accounts: Accounts) -> MonthRecords:
    return month_records(accounts, 3, JULY, july_use())


def _by_body(records: MonthRecords) -> Mapping[str, Statement]:
    return {one.body.name: one for one in statements_of(records)}


def _refusal(*arguments: Any) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as raised:
        statements_of(month_records(*arguments))
    return raised.value


def _correction(statement: Statement, line: int, amount: str, number: int = 1) -> Correction:
    return Correction(
        id=number,
        body=statement.body.name,
        corrects=LineRef("CTT-2026-000001", line),
        line=statement.lines[line - 1],
        amount_eur=Decimal(amount),
        reason="Compté deux fois.",
    )


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(ledgers())
def test_no_cent_is_lost_in_any_ledger(records: MonthRecords) -> None:
    statements = statements_of(records)
    lines = [line for one in statements for line in one.lines]
    shared = sum(line.amount_eur for line in lines if line.kind in SHARED)
    revenue = sum(line.amount_eur for line in lines if line.kind is LineKind.RATE)
    costs = month_costs(records.accounts.costs.values(), month_of(JULY), records.usage)
    assert shared == sum(cost.amount_eur for cost in costs) - revenue
    assert sum(one.net_eur for one in statements) == sum(cost.amount_eur for cost in costs)
    assert all(line.amount_eur == round(line.amount_eur, 2) for line in lines)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=50)
@given(ledgers())
def test_each_cost_is_shared_to_the_cent_within_floor_and_ceiling(records: MonthRecords) -> None:
    sums: dict[str, Decimal] = {}
    for statement in statements_of(records):
        for line in statement.lines:
            if line.kind in SHARED:
                key = records.accounts.keys[line.key]
                sums[line.subject] = sums.get(line.subject, Decimal(0)) + line.amount_eur
                least = abs(line.cost_eur) * key.floor_percent / 100
                most = abs(line.cost_eur) * key.ceiling_percent / 100
                assert least - Decimal("0.01") < abs(line.amount_eur) < most + Decimal("0.01")
                assert line.amount_eur * line.cost_eur >= 0
    costs = month_costs(records.accounts.costs.values(), month_of(JULY), records.usage)
    assert {cost.centre.name: cost.amount_eur for cost in costs} == {
        name: total for name, total in sums.items() if name != "revenue"
    }


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=30)
@given(ledgers(), st.randoms(use_true_random=False))
def test_the_order_of_the_records_changes_no_statement(records: MonthRecords, random: Any) -> None:
    def shuffled(section: Mapping[str, Any]) -> dict[str, Any]:
        names = list(section)
        random.shuffle(names)
        return {name: section[name] for name in names}

    accounts = msgspec.structs.replace(
        records.accounts,
        **{
            section: shuffled(getattr(records.accounts, section))
            for section in ("bodies", "keys", "costs", "rates")
        },
    )
    usage = list(records.usage)
    random.shuffle(usage)
    again = month_records(accounts, 1, JULY, usage)
    assert statements_of(again) == statements_of(records)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=30)
@given(ledgers())
def test_statements_replay_from_records_that_were_kept(records: MonthRecords) -> None:
    kept = msgspec.json.decode(msgspec.json.encode(records), type=MonthRecords)
    for statement in statements_of(records):
        read = msgspec.json.decode(msgspec.json.encode(statement), type=Statement)
        assert replayed(read, kept) == ()


def test_every_body_gets_a_draft_with_numbered_lines(july: MonthRecords) -> None:
    found = _by_body(july)
    assert sorted(found) == ["drancy", "dugny", "habitat", "le-bourget"]
    drancy = found["drancy"]
    assert (drancy.number, drancy.state) == ("", StatementState.DRAFT)
    assert [line.number for line in drancy.lines] == [1, 2, 3, 4, 5]
    assert [line.subject for line in drancy.lines] == [
        "blades",
        "electricity",
        "licences",
        "staff",
        "revenue",
    ]
    assert drancy.accounts_version == 3


def test_a_share_tells_cost_units_and_price_of_a_unit(july: MonthRecords) -> None:
    staff = _by_body(july)["drancy"].lines[3]
    assert (staff.quantity, staff.all_units) == (Decimal(72000), Decimal(99000))
    assert staff.unit == "inhabitant"
    assert staff.cost_eur == Decimal("7916.67")
    assert staff.unit_price_eur == Decimal("0.079966")
    assert staff.amount_eur == Decimal("5757.58")
    assert staff.explanation.code == "cost_yearly"
    assert [part.code for part in staff.explanation.parts] == ["key_inhabitants"]


def test_a_share_is_explained_in_words(july: MonthRecords) -> None:
    staff = _by_body(july)["drancy"].lines[3].explanation
    told = explained(staff, Language.FR).replace("\N{NO-BREAK SPACE}", " ")
    assert told == (
        "95 000,00 EUR par an, un douzième pour le mois : 7 916,67 EUR. "
        "72 000 habitants sur 99 000."
    )
    assert explained(staff, Language.EN) == (
        "95,000.00 EUR a year, a twelfth for the month: 7,916.67 EUR. 72,000 inhabitants of 99,000."
    )


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=30)
@given(ledgers())
def test_every_line_and_note_of_any_ledger_is_explained_in_both_languages(
    records: MonthRecords,
) -> None:
    for statement in statements_of(records):
        for told in (*(line.explanation for line in statement.lines), *statement.notes):
            texts = [explained(told, language) for language in Language]
            assert all(texts)
            assert not any("{" in text for text in texts)


def test_revenue_without_a_key_of_its_own_is_shared_equally(accounts: Accounts) -> None:
    keys = {name: key for name, key in accounts.keys.items() if name != "revenue"}
    without = msgspec.structs.replace(accounts, keys=keys)
    found = _by_body(month_records(without, 1, JULY, july_use()))
    revenue = found["drancy"].lines[-1]
    assert revenue.title == "Recettes des organismes au tarif"
    assert (revenue.unit, revenue.all_units) == ("equal_share", Decimal(3))
    assert revenue.account == REVENUE_ACCOUNT


def test_the_issuer_says_which_account_the_revenue_lowers(accounts: Accounts) -> None:
    issuer = msgspec.structs.replace(accounts.issuer, revenue_account="70848")
    changed = msgspec.structs.replace(accounts, issuer=issuer)
    found = _by_body(month_records(changed, 1, JULY, july_use()))
    assert {found[name].lines[-1].account for name in accounts.sharers} == {"70848"}


def test_what_is_paid_by_rates_lowers_what_the_others_share(july: MonthRecords) -> None:
    found = _by_body(july)
    revenue = [found[name].lines[-1] for name in ("drancy", "dugny", "le-bourget")]
    assert {line.cost_eur for line in revenue} == {-found["habitat"].net_eur}
    assert sum(line.amount_eur for line in revenue) == -found["habitat"].net_eur


def test_a_statement_holds_only_the_use_of_its_own_organisations(july: MonthRecords) -> None:
    usage = _by_body(july)["dugny"].usage
    assert {one.organisation for one in usage} == {"dugny", "dugny-ecoles"}


def test_use_of_rates_bodies_enters_no_key(accounts: Accounts, july: MonthRecords) -> None:
    more = [
        *july_use(),
        used("new", "habitat", {UsageUnit.MEMORY_GIB_H: "99999"}, FIRST_HALF),
    ]
    after = _by_body(month_records(accounts, 3, JULY, more))
    licences = [_by_body(july)["drancy"].lines[2], after["drancy"].lines[2]]
    assert licences[0] == licences[1]


def test_the_platforms_own_energy_is_paid_like_the_rest(accounts: Accounts) -> None:
    idle = {UsageUnit.ENERGY_IDLE_KWH: "100"}
    records = month_records(accounts, 1, JULY, [used("_platform", "", idle)])
    electricity = _by_body(records)["drancy"].lines[1]
    assert electricity.cost_eur == Decimal("26.27")


def test_use_that_nobody_pays_is_refused_by_name(accounts: Accounts) -> None:
    stray = [used("a", "bobigny", {}), used("b", "aubervilliers", {})]
    error = _refusal(accounts, 1, JULY, [*july_use(), *stray])
    assert error.code == "ledger.usage_unpaid"
    assert error.values == {"organisations": "aubervilliers, bobigny", "month": "2026-07"}


def test_use_across_a_change_of_rate_is_refused(accounts: Accounts) -> None:
    error = _refusal(accounts, 1, JULY, [used("site", "drancy", {}, month_of(JULY))])
    assert error.code == "ledger.usage_across_segments"
    assert error.values["segments"] == "2026-07-01 → 2026-07-15, 2026-07-15 → 2026-08-01"


def test_use_of_another_month_is_refused(accounts: Accounts) -> None:
    error = _refusal(accounts, 1, date(2026, 9, 1), july_use())
    assert error.code == "ledger.usage_across_segments"


def test_use_while_no_rate_holds_is_refused(accounts: Accounts) -> None:
    none = msgspec.structs.replace(accounts, rates={})
    error = _refusal(none, 1, JULY, [used("site", "habitat", {}, month_of(JULY))])
    assert error.code == "ledger.no_rate_in_force"


def test_a_body_without_any_line_gets_no_statement(accounts: Accounts) -> None:
    free = msgspec.structs.replace(accounts, rates={}, costs={})
    assert statements_of(month_records(free, 1, JULY, ())) == ()


def test_an_organisation_without_use_is_noted(accounts: Accounts) -> None:
    usage = [one for one in july_use() if one.organisation != "dugny-ecoles"]
    (note,) = _by_body(month_records(accounts, 1, JULY, usage))["dugny"].notes
    assert note.code == "note_no_usage"
    assert note.values == {"organisation": "dugny-ecoles"}


def test_minutes_without_a_record_are_noted(accounts: Accounts) -> None:
    first, *others = july_use()
    holes = msgspec.structs.replace(first, minutes=first.minutes - 90)
    (note,) = _by_body(month_records(accounts, 1, JULY, [holes, *others]))["drancy"].notes
    assert note.code == "note_minutes_missing"
    assert int(note.values["all_minutes"]) - int(note.values["minutes"]) == 90


def test_a_correction_is_a_line_of_its_own(accounts: Accounts, july: MonthRecords) -> None:
    corrected = _correction(_by_body(july)["drancy"], 4, "-57.58")
    august = date(2026, 8, 1)
    records = month_records(accounts, 3, august, month_use(august), [corrected])
    line = _by_body(records)["drancy"].lines[-1]
    assert (line.kind, line.amount_eur) == (LineKind.CORRECTION, Decimal("-57.58"))
    assert line.corrects == LineRef("CTT-2026-000001", 4)
    assert (line.account, line.since) == ("6411", JULY)
    assert line.explanation.values["reason"] == "Compté deux fois."


def test_a_correction_of_who_pays_by_rates_changes_what_the_others_share(
    accounts: Accounts, july: MonthRecords
) -> None:
    august = date(2026, 8, 1)
    corrected = _correction(_by_body(july)["habitat"], 3, "-100.01")
    before = _by_body(month_records(accounts, 3, august, month_use(august)))
    after = _by_body(month_records(accounts, 3, august, month_use(august), [corrected]))
    assert after["habitat"].net_eur == before["habitat"].net_eur - Decimal("100.01")
    assert sum(one.net_eur for one in after.values()) == sum(one.net_eur for one in before.values())


@pytest.mark.parametrize("kind", CorrectionKind)
@pytest.mark.parametrize("language", Language)
def test_a_correction_says_why_it_is_there(
    accounts: Accounts, july: MonthRecords, kind: CorrectionKind, language: Language
) -> None:
    reason = "" if kind is CorrectionKind.LATE_USE else "Compté deux fois."
    corrected = msgspec.structs.replace(
        _correction(_by_body(july)["drancy"], 4, "-1"), kind=kind, reason=reason
    )
    august = date(2026, 8, 1)
    records = month_records(accounts, 3, august, month_use(august), [corrected])
    told = explained(_by_body(records)["drancy"].lines[-1].explanation, language)
    assert "CTT-2026-000001" in told
    assert reason in told


@pytest.mark.parametrize("language", Language)
def test_a_statement_without_a_last_reading_says_until_when_meters_were_read(
    july: MonthRecords, language: Language
) -> None:
    read = datetime(2026, 7, 31, 20, 58, tzinfo=UTC)
    records = msgspec.structs.replace(july, read_until=read)
    told = explained(_by_body(records)["drancy"].notes[0], language)
    assert "31" in told
    assert "22:58" in told


def test_a_correction_for_a_body_that_left_is_refused(
    accounts: Accounts, july: MonthRecords
) -> None:
    corrected = _correction(_by_body(july)["habitat"], 3, "-1")
    august = date(2026, 8, 1)
    usage = [one for one in month_use(august) if one.organisation != "habitat"]
    error = _refusal(bare(accounts), 4, august, usage, [corrected])
    assert error.code == "ledger.correction_unpaid"
    assert error.values["body"] == "habitat"


def test_a_replay_names_each_figure_that_was_changed(july: MonthRecords) -> None:
    drancy = _by_body(july)["drancy"]
    line = msgspec.structs.replace(drancy.lines[3], amount_eur=Decimal("5757.57"))
    forged = msgspec.structs.replace(drancy, lines=(*drancy.lines[:3], line, drancy.lines[4]))
    (difference,) = replayed(forged, july)
    assert (difference.line, difference.field) == (4, "amount_eur")
    assert (difference.stated, difference.replayed) == ("5757.57", "5757.58")


def test_a_replay_names_lines_that_are_missing(july: MonthRecords) -> None:
    drancy = _by_body(july)["drancy"]
    short = msgspec.structs.replace(drancy, lines=drancy.lines[:-1])
    (difference,) = replayed(short, july)
    assert (difference.line, difference.field) == (5, "line")


def test_a_replay_from_other_records_differs_in_the_digest(
    accounts: Accounts, july: MonthRecords
) -> None:
    usage: list[Usage] = [*july_use(), used("late", "drancy", {UsageUnit.CPU_CORE_H: "1"})]
    later = month_records(accounts, 3, JULY, usage)
    found = replayed(_by_body(july)["dugny"], later)
    assert found[0].field == "digest"
    assert {one.line for one in found} > {0}
