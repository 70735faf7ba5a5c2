"""Corrections: refused twice, borne by somebody, and what late readings correct."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from beffroi.kernel.errors import ConflictError, InvalidInputError
from beffroi.ledger.correcting import (
    counter_amounts,
    drafted_corrections,
    late_amounts,
    require_correctable,
    require_not_twice,
    unbilled_late,
)
from beffroi.ledger.corrections import (
    AskedCorrection,
    Correction,
    CorrectionBearer,
    CorrectionKind,
    CorrectionTerms,
)
from beffroi.ledger.costs import month_costs
from beffroi.ledger.issuing import issued
from beffroi.ledger.model import (
    Accounts,
    Charging,
    LineRef,
    Statement,
    StatementLine,
    Usage,
    UsageUnit,
)
from beffroi.ledger.month_records import MonthRecords, month_records
from beffroi.ledger.months import month_of
from beffroi.ledger.statements import statements_of
from tests.support.random_ledgers import UNITS, ledgers
from tests.support.shared_accounts import JULY, accounts_of, july_use, month_use, used

AUGUST, SEPTEMBER = date(2026, 8, 1), date(2026, 9, 1)
AT = datetime(2026, 8, 2, tzinfo=UTC)


def _issued(records: MonthRecords, first: int = 1) -> tuple[Statement, ...]:
    return issued(statements_of(records), "CTT", {"CTT": first, "CTT-F": first}, AT)


def _charging(accounts: Accounts, name: str, charging: Charging) -> Accounts:
    body = msgspec.structs.replace(accounts.bodies[name], charging=charging)
    return msgspec.structs.replace(accounts, bodies={**accounts.bodies, name: body})


def _unbounded(accounts: Accounts) -> Accounts:
    """Take floors and ceilings off, which another number of sharers may not meet."""
    keys = {
        name: msgspec.structs.replace(key, floor_percent=Decimal(0), ceiling_percent=Decimal(100))
        for name, key in accounts.keys.items()
    }
    return msgspec.structs.replace(accounts, keys=keys)


def _corrected(
    statement: Statement,
    line: StatementLine,
    amount: Decimal,
    of_month: Sequence[Statement],
    accounts: Accounts,
) -> tuple[list[Correction], Decimal]:
    """Correct a line; also return what nobody bears but the issuer."""
    by_number = {one.number: one for one in of_month}
    counters = counter_amounts(statement, line, amount, of_month, accounts.bodies)
    found = [_kept(statement, line.number, amount)]
    found += [
        _kept(by_number[ref.statement], ref.line, counter, CorrectionKind.COUNTER)
        for ref, counter in counters.items()
    ]
    return found, Decimal(0) if counters or line.by_rate else amount


def _numbered(corrections: Sequence[Correction]) -> list[Correction]:
    return [msgspec.structs.replace(one, id=place) for place, one in enumerate(corrections)]


@pytest.fixture(scope="module")
def july() -> Mapping[str, Statement]:
    records = month_records(accounts_of(), 1, JULY, july_use())
    return {one.body.name: one for one in _issued(records)}


def _asked(line: int, amount: str, settled_by: str | None = None) -> AskedCorrection:
    return AskedCorrection(
        id=7,
        body="drancy",
        statement="CTT-2026-000001",
        line=line,
        amount_eur=Decimal(amount),
        reason="Compté deux fois.",
        actor="emma",
        asked_at=AT,
        settled_by=settled_by,
    )


def _kept(
    statement: Statement, line: int, amount: Decimal, kind: CorrectionKind = CorrectionKind.ASKED
) -> Correction:
    return Correction(
        id=1,
        body=statement.body.name,
        corrects=LineRef(statement.number, line),
        line=statement.lines[line - 1],
        amount_eur=amount,
        reason="Compté deux fois.",
        kind=kind,
    )


def _costs(records: MonthRecords) -> Decimal:
    costs = month_costs(records.accounts.costs.values(), month_of(records.month), records.usage)
    return sum((cost.amount_eur for cost in costs), Decimal(0))


def _together(statements: Sequence[Statement]) -> Decimal:
    return sum((one.net_eur for one in statements), Decimal(0))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(ledgers(), st.data())
def test_no_cent_is_lost_where_lines_are_corrected(
    records: MonthRecords, data: st.DataObject
) -> None:
    july = {one.number: one for one in _issued(records)}
    assume(july)
    accounts, months = records.accounts, [july]
    for first, month in ((100, AUGUST), (200, SEPTEMBER)):
        turned = data.draw(st.sampled_from(sorted(accounts.bodies)))
        others = [name for name in accounts.sharers if name != turned]
        turns = data.draw(st.booleans())
        if others and turns:
            charging = data.draw(st.sampled_from(Charging))
            accounts = _unbounded(_charging(accounts, turned, charging))
        found: list[Correction] = []
        issuer = Decimal(0)
        for _ in range(data.draw(st.integers(1, 4))):
            stated = data.draw(st.sampled_from([one for one in months if one]))
            statement = stated[data.draw(st.sampled_from(sorted(stated)))]
            line = data.draw(st.sampled_from(statement.lines))
            of_month = tuple(stated.values())
            if line.corrects is not None:
                with pytest.raises(InvalidInputError):
                    require_correctable(statement, line, CorrectionTerms())
                statement = july.get(line.corrects.statement) or months[1][line.corrects.statement]
                line = statement.lines[line.corrects.line - 1]
                of_month = tuple((july if statement.number in july else months[1]).values())
            amount = data.draw(st.decimals(-10_000, 10_000, places=2).filter(bool))
            corrections, unborne = _corrected(statement, line, amount, of_month, accounts)
            found += corrections
            issuer += unborne
            alone = len([one for one in of_month if not one.lines[0].by_rate]) == 1
            assert not unborne or alone
        again = month_records(accounts, 1, month, (), _numbered(found))
        months.append({one.number: one for one in _issued(again, first)})
        assert _together(tuple(months[-1].values())) == _costs(again) + issuer


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(ledgers(), st.data())
def test_use_recorded_late_is_billed_to_the_cent_and_once(
    records: MonthRecords, data: st.DataObject
) -> None:
    stated = _issued(records)
    more = st.integers(0, 10**9).map(lambda micro: Decimal(micro).scaleb(-6))
    usage = [
        msgspec.structs.replace(
            one,
            quantities={
                unit: quantity + data.draw(more) for unit, quantity in one.quantities.items()
            },
        )
        for one in records.usage
    ]
    late = late_amounts(records, usage, stated, {}, records.accounts.bodies)
    corrections = tuple(drafted_corrections(late, stated, 1))
    accounts, turned = records.accounts, data.draw(st.sampled_from(sorted(records.accounts.bodies)))
    if len(accounts.sharers) > 1 and turned in accounts.sharers:
        accounts = _unbounded(_charging(accounts, turned, Charging.BY_RATES))
    august = month_records(accounts, 1, AUGUST, (), corrections)
    now = month_records(records.accounts, 1, JULY, usage)
    whole = _together(stated) + _together(statements_of(august))
    assert whole == _costs(now) + _costs(august)
    assert late_amounts(records, usage, stated, late, records.accounts.bodies) == {}
    assert late_amounts(records, records.usage, stated, {}, records.accounts.bodies) == {}


def test_late_use_of_one_body_is_paid_by_it_and_frees_the_others(
    july: Mapping[str, Statement],
) -> None:
    records = month_records(accounts_of(), 1, JULY, july_use())
    usage: list[Usage] = [*july_use(), used("late", "drancy", {UsageUnit.CPU_CORE_H: "400"})]
    found = late_amounts(records, usage, tuple(july.values()), {}, records.accounts.bodies)
    by_body = {one.number: one.body.name for one in july.values()}
    sums: dict[str, Decimal] = {}
    for ref, amount in found.items():
        name = by_body[ref.statement]
        sums[name] = sums.get(name, Decimal(0)) + amount
    assert sums["drancy"] > 0
    assert sums["le-bourget"] < 0
    assert sum(sums.values()) == 0
    assert "habitat" not in sums


def test_late_use_that_nobody_paid_for_then_corrects_nothing(
    july: Mapping[str, Statement],
) -> None:
    records = month_records(accounts_of(), 1, JULY, july_use())
    usage = [*july_use(), used("late", "bobigny", {UNITS[0]: "400"})]
    assert late_amounts(records, usage, tuple(july.values()), {}, records.accounts.bodies) == {}


def _refusal(
    statement: Statement, line: int, amount: str, *asked: AskedCorrection
) -> ConflictError | None:
    try:
        require_not_twice(statement, statement.lines[line - 1], Decimal(amount), asked)
    except ConflictError as error:
        return error
    return None


def test_a_correction_takes_off_what_the_line_has_at_most(july: Mapping[str, Statement]) -> None:
    drancy = july["drancy"]
    due = drancy.lines[0].amount_eur
    assert _refusal(drancy, 1, f"{-due}") is None
    error = _refusal(drancy, 1, f"{-due - 1}")
    assert error is not None
    assert error.code == "ledger.correction_too_large"
    again = _refusal(drancy, 1, f"{-due}", _asked(1, f"{-due}", "CTT-2026-000009"))
    assert again is not None
    assert again.values["left"] == "0.00"
    assert _refusal(drancy, 1, "5", _asked(1, f"{-due}", "CTT-2026-000009")) is None
    assert _refusal(drancy, 1, f"{-due}", _asked(2, f"{-due}")) is None


def test_a_revenue_is_not_turned_into_a_debt(july: Mapping[str, Statement]) -> None:
    drancy = july["drancy"]
    revenue = drancy.lines[-1]
    assert revenue.amount_eur < 0
    assert _refusal(drancy, revenue.number, f"{-revenue.amount_eur}") is None
    assert _refusal(drancy, revenue.number, f"{1 - revenue.amount_eur}") is not None


def test_an_open_correction_is_not_repeated(july: Mapping[str, Statement]) -> None:
    error = _refusal(july["drancy"], 1, "-5", _asked(1, "-5"))
    assert error is not None
    assert (error.code, error.values["id"]) == ("ledger.correction_repeated", 7)
    assert _refusal(july["drancy"], 1, "-5", _asked(1, "-5", "CTT-2026-000009")) is None
    assert _refusal(july["drancy"], 1, "-5", _asked(1, "-4")) is None


def test_the_others_bear_a_correction_by_their_units(july: Mapping[str, Statement]) -> None:
    drancy = july["drancy"]
    (staff,) = (one for one in drancy.lines if one.subject == "staff")
    bodies = accounts_of().bodies
    found = counter_amounts(drancy, staff, Decimal(-270), tuple(july.values()), bodies)
    by_body = {one.number: one.body.name for one in july.values()}
    assert {by_body[ref.statement]: amount for ref, amount in found.items()} == {
        "dugny": Decimal(110),
        "le-bourget": Decimal(160),
    }
    gone = {name: body for name, body in bodies.items() if name != "dugny"}
    (rest,) = counter_amounts(drancy, staff, Decimal(-270), tuple(july.values()), gone).values()
    assert rest == 270


def test_nobody_but_the_revenue_bears_a_line_by_rates(july: Mapping[str, Statement]) -> None:
    habitat, drancy = july["habitat"], july["drancy"]
    bodies = accounts_of().bodies
    args = (habitat, habitat.lines[0], Decimal(-1), tuple(july.values()), bodies)
    assert counter_amounts(*args) == {}
    by_issuer = CorrectionTerms(borne_by=CorrectionBearer.ISSUER)
    require_correctable(drancy, drancy.lines[0], by_issuer)
    with pytest.raises(InvalidInputError) as raised:
        require_correctable(habitat, habitat.lines[0], by_issuer)
    assert raised.value.code == "ledger.correction_bearer"


@pytest.mark.parametrize(
    ("name", "charging"),
    [("dugny", Charging.BY_RATES), ("habitat", Charging.SHARES_COSTS)],
)
def test_a_body_that_changes_how_it_pays_leaves_no_correction_unborne(
    july: Mapping[str, Statement], name: str, charging: Charging
) -> None:
    accounts = _charging(accounts_of(), name, charging)
    stated = tuple(july.values())
    found, unborne = _corrected(july[name], july[name].lines[0], Decimal(-100), stated, accounts)
    usage = [*july_use(), used("late", name, {UsageUnit.CPU_CORE_H: "400"})]
    records = month_records(accounts_of(), 1, JULY, july_use())
    late = late_amounts(records, usage, stated, {}, accounts.bodies)
    assert late
    found += drafted_corrections(late, stated, 1)
    august = month_records(accounts, 2, AUGUST, month_use(AUGUST), _numbered(found))
    assert unborne == 0
    assert _together(statements_of(august)) == _costs(august)


def test_a_correction_is_put_right_at_the_line_that_it_corrects(
    july: Mapping[str, Statement],
) -> None:
    accounts, drancy = accounts_of(), july["drancy"]
    found, _ = _corrected(drancy, drancy.lines[0], Decimal(-100), tuple(july.values()), accounts)
    august = month_records(accounts, 1, AUGUST, month_use(AUGUST), _numbered(found))
    statement = next(one for one in _issued(august, 10) if one.body.name == "drancy")
    with pytest.raises(InvalidInputError) as raised:
        require_correctable(statement, statement.lines[-1], CorrectionTerms())
    assert raised.value.code == "ledger.correction_of_correction"
    assert raised.value.values["original"] == drancy.number
    assert raised.value.values["original_line"] == 1


def test_late_use_without_a_rate_is_billed_to_nobody_and_told() -> None:
    accounts = msgspec.structs.replace(accounts_of(), rates={})
    usage = month_use(JULY)
    records = month_records(
        accounts, 1, JULY, [one for one in usage if one.organisation != "habitat"]
    )
    stated = _issued(records)
    late = late_amounts(records, usage, stated, {}, accounts.bodies)
    assert sum(late.values()) == _costs(month_records(accounts, 1, JULY, usage)) - _costs(records)
    assert unbilled_late(records, usage, accounts.bodies) == ("habitat",)
    assert unbilled_late(records, records.usage, accounts.bodies) == ()


def test_late_use_of_a_body_that_left_is_billed_to_nobody_and_told(
    july: Mapping[str, Statement],
) -> None:
    records = month_records(accounts_of(), 1, JULY, july_use())
    left = {name: body for name, body in accounts_of().bodies.items() if name != "dugny"}
    usage = [*july_use(), used("late", "dugny", {UsageUnit.CPU_CORE_H: "400"})]
    late = late_amounts(records, usage, tuple(july.values()), {}, left)
    assert july["dugny"].number not in {ref.statement for ref in late}
    assert unbilled_late(records, usage, left) == ("dugny",)
    assert unbilled_late(records, usage, accounts_of().bodies) == ()
