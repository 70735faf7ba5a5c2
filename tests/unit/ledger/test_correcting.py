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
    require_not_twice,
    require_sharer,
)
from beffroi.ledger.corrections import AskedCorrection, Correction, CorrectionKind
from beffroi.ledger.costs import month_costs
from beffroi.ledger.issuing import issued
from beffroi.ledger.model import Charging, LineRef, Statement, Usage, UsageUnit
from beffroi.ledger.month_records import MonthRecords, month_records
from beffroi.ledger.months import month_of
from beffroi.ledger.statements import statements_of
from tests.support.random_ledgers import UNITS, ledgers
from tests.support.shared_accounts import JULY, accounts_of, july_use, used

AUGUST = date(2026, 8, 1)
AT = datetime(2026, 8, 2, tzinfo=UTC)


def _issued(records: MonthRecords) -> tuple[Statement, ...]:
    return issued(statements_of(records), "CTT", {"CTT": 1, "CTT-F": 1}, AT)


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
    stated = {one.number: one for one in _issued(records)}
    assume(stated)
    found: list[Correction] = []
    issuer = Decimal(0)
    for _ in range(data.draw(st.integers(1, 4))):
        corrected = stated[data.draw(st.sampled_from(sorted(stated)))]
        line = data.draw(st.sampled_from(corrected.lines))
        amount = data.draw(st.decimals(-10_000, 10_000, places=2).filter(bool))
        found.append(_kept(corrected, line.number, amount))
        counters = counter_amounts(
            corrected, line, amount, tuple(stated.values()), records.accounts.sharers
        )
        found += [
            _kept(stated[ref.statement], ref.line, counter, CorrectionKind.COUNTER)
            for ref, counter in counters.items()
        ]
        if corrected.body.charging is Charging.SHARES_COSTS and not counters:
            issuer += amount
    numbered = [msgspec.structs.replace(one, id=place) for place, one in enumerate(found)]
    august = month_records(records.accounts, 1, AUGUST, (), numbered)
    assert _together(statements_of(august)) == _costs(august) + issuer
    alone = len([one for one in stated.values() if one.body.charging is Charging.SHARES_COSTS]) == 1
    assert not issuer or alone


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
    late = late_amounts(records, usage, stated, {})
    corrections = tuple(drafted_corrections(late, stated, 1))
    august = month_records(records.accounts, 1, AUGUST, (), corrections)
    now = month_records(records.accounts, 1, JULY, usage)
    whole = _together(stated) + _together(statements_of(august))
    assert whole == _costs(now) + _costs(august)
    assert late_amounts(records, usage, stated, late) == {}
    assert late_amounts(records, records.usage, stated, {}) == {}


def test_late_use_of_one_body_is_paid_by_it_and_frees_the_others(
    july: Mapping[str, Statement],
) -> None:
    records = month_records(accounts_of(), 1, JULY, july_use())
    usage: list[Usage] = [*july_use(), used("late", "drancy", {UsageUnit.CPU_CORE_H: "400"})]
    found = late_amounts(records, usage, tuple(july.values()), {})
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
    assert late_amounts(records, usage, tuple(july.values()), {}) == {}


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
    sharers = accounts_of().sharers
    found = counter_amounts(drancy, staff, Decimal(-270), tuple(july.values()), sharers)
    by_body = {one.number: one.body.name for one in july.values()}
    assert {by_body[ref.statement]: amount for ref, amount in found.items()} == {
        "dugny": Decimal(110),
        "le-bourget": Decimal(160),
    }
    gone = {name: body for name, body in sharers.items() if name != "dugny"}
    (rest,) = counter_amounts(drancy, staff, Decimal(-270), tuple(july.values()), gone).values()
    assert rest == 270


def test_the_issuer_bears_nothing_for_a_body_at_rates(july: Mapping[str, Statement]) -> None:
    habitat = july["habitat"]
    sharers = accounts_of().sharers
    args = (habitat, habitat.lines[0], Decimal(-1), tuple(july.values()), sharers)
    assert counter_amounts(*args) == {}
    require_sharer(july["drancy"])
    with pytest.raises(InvalidInputError):
        require_sharer(habitat)
