"""Rates: per part of the month, above what is included, each line rounded; VAT by category."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from beffroi.ledger.model import (
    Accounts,
    Body,
    Rate,
    StatementLine,
    Usage,
    UsageUnit,
)
from beffroi.ledger.months import Span, month_of
from beffroi.ledger.rating import rated_lines, segments
from tests.support.shared_accounts import (
    ACCOUNTS_YAML,
    FIRST_HALF,
    JULY,
    SECOND_HALF,
    accounts_of,
    used,
    with_section,
)

CORES = UsageUnit.CPU_CORE_H
AUGUST = date(2026, 8, 1)


@pytest.fixture(scope="module")
def accounts() -> Accounts:
    return accounts_of()


@pytest.fixture(scope="module")
def habitat(accounts: Accounts) -> Body:
    return accounts.bodies["habitat"]


def _rated(
    accounts: Accounts, rate: Rate, *usage: Usage, month: date = JULY, body: Body | None = None
) -> StatementLine:
    alone = msgspec.structs.replace(accounts, rates={rate.name: rate})
    payer = accounts.bodies["habitat"] if body is None else body
    (line,) = rated_lines(alone, payer, month_of(month), usage)
    return line


def _rate(eur: str, **fields: object) -> Rate:
    told = {"name": "rate", "title": "Rate", "since": date(2026, 1, 1), "eur": Decimal(eur)}
    return Rate(**{**told, **fields})  # type: ignore[arg-type]


def test_a_month_is_cut_where_a_rate_of_use_changes(accounts: Accounts) -> None:
    assert segments(accounts, JULY) == (FIRST_HALF, SECOND_HALF)
    assert segments(accounts, AUGUST) == (month_of(AUGUST),)


def test_a_month_is_cut_where_the_price_of_energy_changes() -> None:
    text = with_section(ACCOUNTS_YAML, "pue: 1.45", "pue: 1.45\n    until: 2026-08-20")
    first, second = segments(accounts_of(text), AUGUST)
    assert first == Span(AUGUST, date(2026, 8, 20))
    assert second == Span(date(2026, 8, 20), date(2026, 9, 1))


def test_a_flat_price_that_changes_cuts_no_month(accounts: Accounts) -> None:
    flat = _rate("10", since=date(2026, 8, 12))
    with_flat = msgspec.structs.replace(accounts, rates={**accounts.rates, "rate": flat})
    assert segments(with_flat, AUGUST) == (month_of(AUGUST),)


def test_a_rate_changed_in_mid_month_is_rated_for_its_own_days(
    accounts: Accounts, habitat: Body
) -> None:
    usage = (
        used("site", "habitat", {CORES: "1000"}, FIRST_HALF),
        used("site", "habitat", {CORES: "2000"}, SECOND_HALF),
    )
    lines = {line.subject: line for line in rated_lines(accounts, habitat, month_of(JULY), usage)}
    before, after = lines["cores-2026"], lines["cores-2026-07"]
    assert (before.since, before.until) == (JULY, date(2026, 7, 15))
    assert (after.since, after.until) == (date(2026, 7, 15), AUGUST)
    assert before.quantity == 1000 - Decimal("225.806452")
    assert after.quantity == 2000 - Decimal("274.193548")
    assert before.amount_eur == Decimal("16.26")
    assert after.amount_eur == Decimal("33.65")


def test_a_line_is_rounded_half_up_to_the_cent(accounts: Accounts) -> None:
    usage = used("site", "habitat", {CORES: "3"}, month_of(JULY))
    line = _rated(accounts, _rate("0.005", unit=CORES), usage)
    assert line.amount_eur == Decimal("0.02")
    assert line.explanation.code == "rate_used"


def test_use_below_what_is_included_costs_nothing(accounts: Accounts) -> None:
    usage = used("site", "habitat", {CORES: "3"}, month_of(JULY))
    line = _rated(accounts, _rate("5", unit=CORES, included=Decimal(4)), usage)
    assert (line.quantity, line.amount_eur) == (Decimal(0), Decimal(0))
    assert line.explanation.values["used"] == "3"


def test_a_flat_price_of_a_whole_month_is_whole(accounts: Accounts) -> None:
    line = _rated(accounts, _rate("240"))
    assert (line.quantity, line.unit, line.amount_eur) == (Decimal(1), "month", Decimal(240))


def test_a_flat_price_goes_by_the_share_of_days(accounts: Accounts) -> None:
    line = _rated(accounts, _rate("31", since=date(2026, 7, 22)))
    assert line.quantity == Decimal("0.322581")
    assert line.amount_eur == Decimal("10.00")
    assert line.explanation.values["days"] == "10"


def test_a_rate_for_others_is_not_charged(accounts: Accounts, habitat: Body) -> None:
    others = msgspec.structs.replace(accounts, rates={"rate": _rate("1", bodies=("dugny",))})
    assert rated_lines(others, habitat, month_of(JULY), ()) == ()


def test_only_who_is_liable_is_charged_vat(accounts: Accounts, habitat: Body) -> None:
    exempt = msgspec.structs.replace(habitat, liable_for_vat=False)
    assert _rated(accounts, _rate("1")).vat_percent == 20
    assert _rated(accounts, _rate("1"), body=exempt).vat_percent == 0
