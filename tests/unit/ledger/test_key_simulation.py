"""What another key changes, smoothing, and unit costs."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.kernel.errors import InvalidInputError
from beffroi.ledger.key_simulation import (
    KeySimulation,
    Outcome,
    compared,
    simulated,
    smoothed,
    unit_costs,
    with_cost_keys,
    with_keys,
)
from beffroi.ledger.model import Accounts, AllocationKey, KeyBasis, UsageUnit
from beffroi.ledger.month_records import MonthRecords, month_records
from beffroi.ledger.months import Span
from tests.support.shared_accounts import JULY, accounts_of, july_use, month_use, used

AUGUST = date(2026, 8, 1)
EVEN = AllocationKey(name="even", title="Parts égales", basis=KeyBasis.EQUAL)


@pytest.fixture(scope="module")
def accounts() -> Accounts:
    return accounts_of()


@pytest.fixture(scope="module")
def summer(accounts: Accounts) -> tuple[MonthRecords, ...]:
    return (
        month_records(accounts, 1, JULY, july_use()),
        month_records(accounts, 1, AUGUST, month_use(AUGUST)),
    )


def _simulation(before: dict[str, Decimal], after: dict[str, Decimal]) -> KeySimulation:
    return compared((JULY,), {name: name for name in before}, before, after)


def test_a_change_of_key_tells_winners_and_losers(
    accounts: Accounts, summer: tuple[MonthRecords, ...]
) -> None:
    after = with_cost_keys(with_keys(accounts, [EVEN]), {"staff": "even"})
    found = simulated(summer, after)
    assert found.months == (JULY, AUGUST)
    assert found.before_eur == found.after_eur
    assert {one.body: one.outcome for one in found.effects} == {
        "drancy": Outcome.WINS,
        "le-bourget": Outcome.LOSES,
        "dugny": Outcome.LOSES,
    }
    assert found.effects[0].body == "drancy"
    drancy = found.effects[0]
    assert drancy.change_eur == drancy.after_eur - drancy.before_eur
    assert drancy.change_percent is not None
    assert drancy.change_percent < 0


def test_the_key_that_holds_changes_nothing(
    accounts: Accounts, summer: tuple[MonthRecords, ...]
) -> None:
    found = simulated(summer, accounts)
    assert {one.outcome for one in found.effects} == {Outcome.SAME}
    assert {one.change_percent for one in found.effects} == {Decimal(0)}


def test_who_paid_nothing_has_no_percent() -> None:
    (effect,) = _simulation({"a": Decimal(0)}, {"a": Decimal(5)}).effects
    assert effect.change_percent is None
    assert effect.outcome is Outcome.LOSES


AMOUNT = st.decimals(-100_000, 1_000_000, places=2)


@given(
    st.dictionaries(st.sampled_from("abcde"), st.tuples(AMOUNT, AMOUNT), min_size=2),
    st.integers(1, 12),
)
def test_smoothed_steps_add_up_to_the_cent_and_end_at_the_new_key(
    amounts: dict[str, tuple[Decimal, Decimal]], years: int
) -> None:
    before = {name: pair[0] for name, pair in amounts.items()}
    after = {name: pair[1] for name, pair in amounts.items()}
    last = max(after)
    after[last] += sum(before.values()) - sum(after.values())
    steps = smoothed(_simulation(before, after), years)
    assert [step.number for step in steps] == list(range(1, years + 1))
    assert {sum(step.amounts_eur.values()) for step in steps} == {sum(before.values())}
    assert steps[-1].amounts_eur == after
    for step in steps:
        for name, amount in step.amounts_eur.items():
            exact = before[name] + (after[name] - before[name]) * step.number / years
            assert abs(amount - exact) < Decimal("0.0101")


def test_smoothing_between_other_totals_is_refused() -> None:
    simulation = _simulation({"a": Decimal(1)}, {"a": Decimal(2)})
    with pytest.raises(InvalidInputError) as raised:
        smoothed(simulation, 3)
    assert raised.value.code == "ledger.totals_differ"
    assert raised.value.values == {"before": "1.00", "after": "2.00"}


def test_unit_costs_tell_accounts_budget_units_and_refunds(accounts: Accounts) -> None:
    staff = next(one for one in unit_costs(accounts, 2027) if one.cost == "staff")
    assert staff.last_accounts_eur == Decimal(95000)
    assert staff.budget_eur == Decimal(95000)
    assert (staff.unit, staff.forecast_units) == ("inhabitant", Decimal(99000))
    assert staff.unit_cost_eur == Decimal("0.959596")
    assert sum(one.refund_eur for one in staff.refunds) == staff.budget_eur
    assert {one.body: one.units for one in staff.refunds} == {
        "drancy": 72000,
        "dugny": 11000,
        "le-bourget": 16000,
    }


def test_what_begins_in_the_year_has_no_last_accounts(accounts: Accounts) -> None:
    blades = next(one for one in unit_costs(accounts, 2026) if one.cost == "blades")
    assert blades.last_accounts_eur == 0
    assert blades.budget_eur > 0


def test_last_years_energy_is_the_forecast(accounts: Accounts) -> None:
    year = Span(date(2026, 1, 1), date(2026, 2, 1))
    quantities = {UsageUnit.ENERGY_IDLE_KWH: "1000", UsageUnit.CPU_CORE_H: "10"}
    usage = [used("site", "drancy", quantities, year)]
    electricity = next(
        one for one in unit_costs(accounts, 2027, usage) if one.cost == "electricity"
    )
    assert electricity.budget_eur == Decimal("262.74")
    assert electricity.last_accounts_eur == Decimal("262.74")
    assert {one.body: one.refund_eur for one in electricity.refunds}["drancy"] == Decimal("262.74")


def test_what_is_over_has_no_unit_cost(accounts: Accounts) -> None:
    over = msgspec.structs.replace(accounts.costs["staff"], until=date(2026, 6, 1))
    without = msgspec.structs.replace(accounts, costs={**accounts.costs, "staff": over})
    assert "staff" not in {one.cost for one in unit_costs(without, 2027)}
