"""Unit costs of operation, forecasts and refunds as the decree 2011-515 asks for them."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.kernel.catalogue import Language
from beffroi.kernel.errors import InvalidInputError
from beffroi.ledger.documents.explaining import reasons_of
from beffroi.ledger.documents.figures import told_units
from beffroi.ledger.model import Accounts, CostNature, Usage, UsageUnit
from beffroi.ledger.month_records import MonthRecords
from beffroi.ledger.months import Span
from beffroi.ledger.statement_files import unit_costs_of_files
from beffroi.ledger.unit_costs import UnitCost, unit_cost_table, unit_costs
from tests.support.random_ledgers import ledgers
from tests.support.shared_accounts import ACCOUNTS_YAML, accounts_of, used

TODAY = date(2026, 11, 22)
JANUARY = Span(date(2026, 1, 1), date(2026, 2, 1))


@pytest.fixture(scope="module")
def accounts() -> Accounts:
    return accounts_of()


def _named(costs: tuple[UnitCost, ...], name: str) -> UnitCost:
    return next(one for one in costs if one.cost == name)


@given(ledgers(), st.sampled_from((2025, 2026, 2027)))
def test_refunds_of_any_accounts_add_up_to_the_budget_to_the_cent(
    ledger: MonthRecords, year: int
) -> None:
    table = unit_cost_table(ledger.accounts, 1, year, ledger.usage, TODAY)
    for service in table.services:
        assert sum(one.refund_eur for one in service.refunds) == service.budget_eur
        assert {one.body for one in service.refunds} == set(ledger.accounts.sharers)
    assert sum((one.refund_eur for one in table.bodies), Decimal(0)) == table.budget_eur


@given(ledgers())
def test_a_refund_is_units_times_unit_cost_unless_it_says_what_else_decided(
    ledger: MonthRecords,
) -> None:
    for service in unit_costs(ledger.accounts, 2026, ledger.usage):
        exact_eur = Fraction(service.budget_eur) / Fraction(service.forecast_units)
        for one in service.refunds:
            if one.besides is None:
                off = abs(Fraction(one.refund_eur) - exact_eur * Fraction(one.units))
                assert off < Fraction(1, 100) + abs(exact_eur) * Fraction(1, 10**6)


def test_unit_costs_tell_accounts_budget_units_and_refunds(accounts: Accounts) -> None:
    staff = _named(unit_costs(accounts, 2027), "staff")
    assert staff.last_accounts_eur == Decimal(95000)
    assert staff.budget_eur == Decimal(95000)
    assert (staff.unit, staff.forecast_units) == ("inhabitant", Decimal(99000))
    assert staff.key_title == "Population légale"
    assert staff.unit_cost_eur == Decimal("0.959596")
    assert not staff.unused
    assert {one.body: one.units for one in staff.refunds} == {
        "drancy": 72000,
        "dugny": 11000,
        "le-bourget": 16000,
    }


def test_what_begins_in_the_year_has_no_last_accounts(accounts: Accounts) -> None:
    blades = _named(unit_costs(accounts, 2026), "blades")
    assert blades.last_accounts_eur == 0
    assert blades.budget_eur > 0


def test_a_key_by_use_without_use_says_that_all_share_equally(accounts: Accounts) -> None:
    licences = _named(unit_costs(accounts, 2027), "licences")
    assert licences.unused
    assert licences.unit == "equal_share"


def test_the_figures_as_they_are_written_multiply_out(accounts: Accounts) -> None:
    usage = [used("site", "drancy", {UsageUnit.CPU_CORE_H: "70.1"}, JANUARY)]
    usage += [used("site", "dugny", {UsageUnit.CPU_CORE_H: "31.7"}, JANUARY)]
    shared = msgspec.structs.replace(
        accounts.keys["shared"], floor_percent=Decimal(0), ceiling_percent=Decimal(100)
    )
    free = msgspec.structs.replace(accounts, keys={**accounts.keys, "shared": shared})
    found = {one.cost: one for one in unit_costs(free, 2027, usage)}["blades"]
    assert found.unit == "percent"
    for one in found.refunds:
        written = told_units(one.units, found.unit, Language.EN)
        assert abs(Decimal(written) * found.unit_cost_eur - one.refund_eur) < Decimal("0.02")


def test_units_in_percent_say_what_they_are_made_of(accounts: Accounts) -> None:
    found = {one.cost: one for one in unit_costs(accounts, 2027)}
    drancy = {one.body: one for one in found["blades"].refunds}["drancy"]
    assert "72,000 inhabitants of 99,000" in reasons_of(drancy, Language.EN)
    (staff, *_) = found["staff"].refunds
    assert staff.parts == ()


def test_who_is_held_at_a_ceiling_is_told(accounts: Accounts) -> None:
    usage = [used("site", "drancy", {UsageUnit.CPU_CORE_H: "10"}, JANUARY)]
    blades = _named(unit_costs(accounts, 2027, usage), "blades")
    told = {one.body: one.besides.code for one in blades.refunds if one.besides is not None}
    assert told["drancy"] == "key_at_ceiling"
    assert told["le-bourget"] == "key_makes_room"


def test_last_years_energy_is_the_forecast(accounts: Accounts) -> None:
    quantities = {UsageUnit.ENERGY_IDLE_KWH: "1000", UsageUnit.CPU_CORE_H: "10"}
    usage = [used("site", "drancy", quantities, JANUARY)]
    electricity = _named(unit_costs(accounts, 2027, usage), "electricity")
    assert electricity.budget_eur == Decimal("262.74")
    assert electricity.last_accounts_eur == Decimal("262.74")
    assert {one.body: one.refund_eur for one in electricity.refunds}["drancy"] == Decimal("262.74")


def test_what_is_over_has_no_unit_cost(accounts: Accounts) -> None:
    over = msgspec.structs.replace(accounts.costs["staff"], until=date(2026, 6, 1))
    without = msgspec.structs.replace(accounts, costs={**accounts.costs, "staff": over})
    assert "staff" not in {one.cost for one in unit_costs(without, 2027)}


def test_the_table_counts_the_months_that_have_a_record(accounts: Accounts) -> None:
    march = Span(date(2026, 3, 1), date(2026, 4, 1))
    usage: list[Usage] = [
        used("site", "drancy", {UsageUnit.CPU_CORE_H: "1"}, span) for span in (JANUARY, march)
    ]
    table = unit_cost_table(accounts, 3, 2027, usage, TODAY)
    assert (table.months_of_use, table.accounts_version, table.made_on) == (2, 3, TODAY)
    assert table.payers_by_rates == ("Office public de l'habitat",)


@pytest.mark.parametrize("nature", [CostNature.YEARLY, CostNature.MONTHLY])
def test_a_year_of_a_steady_cost_is_what_the_file_says(
    accounts: Accounts, nature: CostNature
) -> None:
    steady = msgspec.structs.replace(accounts.costs["staff"], nature=nature)
    changed = msgspec.structs.replace(accounts, costs={"staff": steady})
    (staff,) = unit_costs(changed, 2028)
    assert staff.budget_eur == Decimal(95000) * (12 if nature is CostNature.MONTHLY else 1)


HEADING = "application,organisation,since,until,cpu_core_h,energy_idle_kwh\n"


def _files(folder: Path, *rows: str) -> tuple[Path, Path]:
    accounts, usage = folder / "accounts.yaml", folder / "usage.csv"
    accounts.write_text(ACCOUNTS_YAML, encoding="utf-8")
    usage.write_text(HEADING + "\n".join(rows) + "\n", encoding="utf-8")
    return accounts, usage


def test_files_alone_make_the_table_and_other_years_are_left_out(tmp_path: Path) -> None:
    accounts, usage = _files(
        tmp_path,
        "site,drancy,2026-02-01T00:00:00+01:00,2026-03-01T00:00:00+01:00,10,1000",
        "site,drancy,2025-02-01T00:00:00+01:00,2025-03-01T00:00:00+01:00,10,9000",
    )
    table = unit_costs_of_files(accounts, usage, 2027, TODAY)
    assert (table.months_of_use, table.accounts_version) == (1, 0)
    assert _named(table.services, "electricity").budget_eur == Decimal("262.74")


def test_a_row_across_months_is_refused(tmp_path: Path) -> None:
    accounts, usage = _files(
        tmp_path, "site,drancy,2026-02-01T00:00:00+01:00,2026-04-01T00:00:00+02:00,10,1000"
    )
    with pytest.raises(InvalidInputError) as raised:
        unit_costs_of_files(accounts, usage, 2027, TODAY)
    assert raised.value.code == "ledger.usage_across_segments"
