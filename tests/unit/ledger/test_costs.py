"""Costs by month: twelve make the year, a life makes the purchase price, to the cent."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from beffroi.ledger.costs import MonthCost, end_of, month_costs
from beffroi.ledger.model import CostCentre, CostNature, UsageUnit
from beffroi.ledger.months import month_of, months_of, next_month
from tests.support.shared_accounts import FIRST_HALF, JULY, SECOND_HALF, used

AMOUNTS = st.decimals(-10_000_000, 10_000_000, places=2)
DAYS = st.dates(date(2015, 1, 1), date(2035, 12, 31))


def _centre(nature: CostNature, since: date = date(2026, 1, 1), **fields: object) -> CostCentre:
    return CostCentre(
        name="centre",
        title="Centre",
        nature=nature,
        key="even",
        since=since,
        **fields,  # type: ignore[arg-type]
    )


def _cost(centre: CostCentre, month: date) -> Decimal:
    costs = month_costs([centre], month_of(month), ())
    return sum((one.amount_eur for one in costs), Decimal(0))


def _of_july(centre: CostCentre) -> MonthCost:
    (cost,) = month_costs([centre], month_of(JULY), ())
    return cost


def test_a_yearly_cost_is_a_twelfth_of_each_month() -> None:
    cost = _of_july(_centre(CostNature.YEARLY, amount_eur=Decimal(96000)))
    assert cost.amount_eur == Decimal(8000)
    assert cost.explanation.code == "cost_yearly"


@given(AMOUNTS, DAYS, st.integers(2036, 2040))
def test_twelve_months_make_the_year_to_the_cent(amount: Decimal, since: date, year: int) -> None:
    centre = _centre(CostNature.YEARLY, since, amount_eur=amount)
    assert sum(_cost(centre, month) for month in months_of(year)) == amount


@given(AMOUNTS, DAYS)
def test_a_monthly_cost_is_whole_in_a_whole_month(amount: Decimal, since: date) -> None:
    centre = _centre(CostNature.MONTHLY, since, amount_eur=amount)
    assert abs(_cost(centre, next_month(since)) - amount) <= Decimal("0.01")
    assert _cost(_centre(CostNature.MONTHLY, since.replace(day=1), amount_eur=amount), since) == (
        amount
    )


def test_a_month_that_counts_in_part_takes_the_share_of_its_days() -> None:
    centre = _centre(
        CostNature.MONTHLY, date(2026, 7, 11), until=date(2026, 7, 21), amount_eur=Decimal(310)
    )
    cost = _of_july(centre)
    assert cost.amount_eur == Decimal(100)
    assert cost.explanation.code == "cost_monthly_days"
    assert cost.explanation.values["days"] == "10"


@given(AMOUNTS, DAYS, st.integers(1, 15))
def test_the_months_of_an_amortisation_make_the_purchase_price(
    price: Decimal, since: date, years: int
) -> None:
    centre = _centre(CostNature.AMORTISATION, since, amount_eur=price, life_years=years)
    month, total = since.replace(day=1), Decimal(0)
    end = end_of(centre)
    assert end is not None
    while month <= end:
        total += _cost(centre, month)
        month = next_month(month)
    assert total == price
    assert _cost(centre, month) == 0


def test_an_amortisation_goes_by_days() -> None:
    centre = _centre(
        CostNature.AMORTISATION, date(2026, 7, 1), amount_eur=Decimal(36500), life_years=1
    )
    assert _cost(centre, JULY) == Decimal(3100)
    assert _cost(centre, date(2027, 2, 1)) == Decimal(2800)


def test_what_is_sold_is_amortised_no_longer() -> None:
    centre = _centre(
        CostNature.AMORTISATION,
        date(2026, 7, 1),
        amount_eur=Decimal(36500),
        life_years=1,
        until=date(2026, 7, 11),
    )
    assert _cost(centre, JULY) == Decimal(1000)
    assert _cost(centre, date(2026, 8, 1)) == 0


def test_energy_costs_its_kwh_times_pue_times_price() -> None:
    quantities = {UsageUnit.ENERGY_MARGINAL_KWH: "70.5", UsageUnit.ENERGY_IDLE_KWH: "29.5"}
    usage = [used("app", "drancy", quantities, month_of(JULY))]
    centre = _centre(CostNature.ENERGY, pue=Decimal("1.5"), eur_per_kwh=Decimal("0.2"))
    (cost,) = month_costs([centre], month_of(JULY), usage)
    assert cost.amount_eur == Decimal(30)
    assert cost.explanation.values["kwh"] == "100"
    assert cost.explanation.values["method"] == "modelled"


def test_a_price_of_energy_counts_the_kwh_of_its_own_days() -> None:
    kwh = {UsageUnit.ENERGY_IDLE_KWH: "100"}
    usage = [used("app", "drancy", kwh, FIRST_HALF), used("app", "drancy", kwh, SECOND_HALF)]
    before = _centre(CostNature.ENERGY, eur_per_kwh=Decimal("0.2"), until=SECOND_HALF.since)
    after = _centre(CostNature.ENERGY, SECOND_HALF.since, eur_per_kwh=Decimal("0.3"))
    costs = [month_costs([one], month_of(JULY), usage)[0].amount_eur for one in (before, after)]
    assert costs == [Decimal(20), Decimal(30)]


def test_energy_without_a_record_costs_nothing_and_says_so() -> None:
    cost = _of_july(_centre(CostNature.ENERGY, eur_per_kwh=Decimal("0.2")))
    assert cost.amount_eur == 0
    assert cost.explanation.code == "cost_energy_unmetered"


def test_what_has_not_begun_or_is_over_costs_nothing() -> None:
    later = _centre(CostNature.MONTHLY, JULY + timedelta(days=31), amount_eur=Decimal(5))
    over = _centre(CostNature.MONTHLY, until=JULY, amount_eur=Decimal(5))
    assert month_costs([later, over], month_of(JULY), ()) == ()
