"""What a cost centre costs over some days, to the cent; pure.

Costs that run over years are rounded on what has accrued since they began: each month takes the
accrued sum at its end less that at its beginning, so that twelve months make the yearly amount
and the months of an amortisation make the purchase price, to the last cent.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

import msgspec

from beffroi.energy.model import weaker
from beffroi.ledger.cents import euros, plain_eur, plain_number, rounded_half_up, to_cents
from beffroi.ledger.model import CostCentre, CostNature, Explanation, Usage, UsageUnit
from beffroi.ledger.months import Span, elapsed_months, month_of, years_later


class MonthCost(msgspec.Struct, frozen=True):
    """What a cost centre costs in a month.

    Attributes:
        covers: The days of the month that count.
        amount_eur: Whole cents.
    """

    centre: CostCentre
    covers: Span
    amount_eur: Decimal
    explanation: Explanation


def month_costs(
    centres: Iterable[CostCentre], month: Span, usage: Sequence[Usage]
) -> tuple[MonthCost, ...]:
    """Return what each centre that counts in a month costs, by name.

    Args:
        centres: In any order.
        month: A calendar month.
        usage: All that was used in it, told apart where the price of energy changes.
    """
    found = []
    for centre in sorted(centres, key=lambda one: one.name):
        covers = month.overlap(centre.since, end_of(centre))
        if covers is not None:
            found.append(_month_cost(centre, covers, usage))
    return tuple(found)


def end_of(centre: CostCentre) -> date | None:
    """Return the first day that a centre no longer counts; nothing when it goes on."""
    if centre.nature is not CostNature.AMORTISATION:
        return centre.until
    paid_off = years_later(centre.since, centre.life_years)
    return paid_off if centre.until is None else min(paid_off, centre.until)


def energy_of(usage: Iterable[Usage], covers: Span) -> tuple[Decimal, Decimal]:
    """Add up what was metered over some days: marginal and idle kWh."""
    marginal = idle = Decimal(0)
    for one in within(usage, covers):
        marginal += one.quantities.get(UsageUnit.ENERGY_MARGINAL_KWH, Decimal(0))
        idle += one.quantities.get(UsageUnit.ENERGY_IDLE_KWH, Decimal(0))
    return marginal, idle


def within(usage: Iterable[Usage], covers: Span) -> Iterable[Usage]:
    """Return the use that lies within some days."""
    since, until = covers.begins_at, covers.ends_at
    return (one for one in usage if since <= one.since and one.until <= until)


def _month_cost(centre: CostCentre, covers: Span, usage: Sequence[Usage]) -> MonthCost:
    match centre.nature:
        case CostNature.ENERGY:
            return _energy(centre, covers, usage)
        case CostNature.AMORTISATION:
            return _amortisation(centre, covers)
        case CostNature.YEARLY:
            return _accruing(centre, covers, Fraction(centre.amount_eur) / 12)
        case CostNature.MONTHLY:
            return _accruing(centre, covers, Fraction(centre.amount_eur))


def _accruing(centre: CostCentre, covers: Span, monthly_eur: Fraction) -> MonthCost:
    began = elapsed_months(centre.since)
    at_end = to_cents(monthly_eur * (elapsed_months(covers.until) - began))
    at_begin = to_cents(monthly_eur * (elapsed_months(covers.since) - began))
    cost = euros(at_end - at_begin)
    month = month_of(covers.since)
    values = {"amount_eur": plain_eur(centre.amount_eur), "cost_eur": plain_eur(cost)}
    if covers == month:
        return MonthCost(centre, covers, cost, Explanation(f"cost_{centre.nature}", values))
    values |= {"days": str(covers.days), "month_days": str(month.days)}
    return MonthCost(centre, covers, cost, Explanation(f"cost_{centre.nature}_days", values))


def _amortisation(centre: CostCentre, covers: Span) -> MonthCost:
    life = Span(centre.since, years_later(centre.since, centre.life_years))
    price = to_cents(centre.amount_eur)

    def accrued(day: date) -> int:
        return rounded_half_up(Fraction(price * (day - life.since).days, life.days))

    cost = euros(accrued(covers.until) - accrued(covers.since))
    values = {
        "amount_eur": plain_eur(centre.amount_eur),
        "life_years": str(centre.life_years),
        "since": str(centre.since),
        "days": str(covers.days),
        "life_days": str(life.days),
        "cost_eur": plain_eur(cost),
    }
    return MonthCost(centre, covers, cost, Explanation("cost_amortisation", values))


def _energy(centre: CostCentre, covers: Span, usage: Sequence[Usage]) -> MonthCost:
    marginal, idle = energy_of(usage, covers)
    kwh = marginal + idle
    cost = euros(to_cents(Fraction(kwh) * Fraction(centre.pue) * Fraction(centre.eur_per_kwh)))
    values = {
        "kwh": plain_number(kwh),
        "marginal_kwh": plain_number(marginal),
        "idle_kwh": plain_number(idle),
        "pue": plain_number(centre.pue),
        "price_eur": plain_eur(centre.eur_per_kwh),
        "cost_eur": plain_eur(cost),
    }
    methods = [one.energy_method for one in within(usage, covers)]
    if not methods:
        return MonthCost(centre, covers, cost, Explanation("cost_energy_unmetered", values))
    worst = methods[0]
    for method in methods:
        worst = weaker(worst, method)
    values["method"] = worst.value
    return MonthCost(centre, covers, cost, Explanation("cost_energy", values))
