"""What other keys change, and the steps that lead to them."""

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
)
from beffroi.ledger.model import Accounts, AllocationKey, KeyBasis
from beffroi.ledger.month_records import MonthRecords, month_records
from tests.support.shared_accounts import JULY, accounts_of, july_use, month_use

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
    summer: tuple[MonthRecords, ...],
) -> None:
    found = simulated(summer, [EVEN], {"staff": "even"})
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
    found = simulated(summer, tuple(accounts.keys.values()), {})
    assert {one.outcome for one in found.effects} == {Outcome.SAME}
    assert {one.change_percent for one in found.effects} == {Decimal(0)}


def test_costs_that_changed_since_change_nothing_in_the_comparison(
    accounts: Accounts, summer: tuple[MonthRecords, ...]
) -> None:
    staff = msgspec.structs.replace(accounts.costs["staff"], amount_eur=Decimal(80000))
    cheaper = msgspec.structs.replace(accounts, costs={**accounts.costs, "staff": staff})
    july, august = summer
    months = (msgspec.structs.replace(july, accounts=cheaper), august)
    found = simulated(months, [EVEN], {"staff": "even", "licences": "even"})
    assert found.before_eur == found.after_eur
    assert smoothed(found, 2)[-1].amounts_eur == {one.body: one.after_eur for one in found.effects}


def test_costs_that_nobody_chose_stay_by_the_key_of_their_month(
    accounts: Accounts, summer: tuple[MonthRecords, ...]
) -> None:
    changed = msgspec.structs.replace(accounts.keys["inhabitants"], basis=KeyBasis.EQUAL)
    today = msgspec.structs.replace(accounts, keys={**accounts.keys, "inhabitants": changed})
    keys = tuple(today.keys.values())
    assert {one.outcome for one in simulated(summer, keys, {}).effects} == {Outcome.SAME}
    (alone, even) = (
        simulated(summer, tried, {"staff": name}).effects
        for tried, name in ((keys, "inhabitants"), ((EVEN,), "even"))
    )
    assert alone == even


def test_a_mixed_key_is_tried_with_its_parts_of_today(
    accounts: Accounts, summer: tuple[MonthRecords, ...]
) -> None:
    changed = msgspec.structs.replace(accounts.keys["inhabitants"], basis=KeyBasis.POSTS)
    today = tuple({**accounts.keys, "inhabitants": changed}.values())
    then = tuple(accounts.keys.values())
    assert simulated(summer, then, {"blades": "shared"}).effects[0].outcome is Outcome.SAME
    moved = simulated(summer, today, {"blades": "shared"})
    assert moved.before_eur == moved.after_eur
    assert moved.effects[0].outcome is Outcome.WINS


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
