"""Unit costs of operation, as the decree 2011-515 has them told every year; pure.

The unit cost goes by the last accounts, brought up to date by the year's budget; a body's refund
is its share of the budget by its units of operation. What is foreseen of use is last year's.

Source: CGCT D5211-16, as of décret 2011-515.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

import msgspec

from beffroi.ledger.allocation import PART_CODE, BodyShare, KeyUse, key_shares
from beffroi.ledger.cents import rounded_eur, shared_out, with_decimals
from beffroi.ledger.costs import end_of, energy_of, month_costs
from beffroi.ledger.model import Accounts, Body, CostCentre, CostNature, Explanation, Usage
from beffroi.ledger.month_records import quantities_of
from beffroi.ledger.months import PARIS, Span, month_of, months_of

_BESIDES: Final = frozenset({"key_at_floor", "key_at_ceiling", "key_makes_room"})
_UNUSED: Final = "key_unused"
_PRICE_PLACES: Final = 6


class UnitRefund(msgspec.Struct, frozen=True):
    """What a body is expected to use and to pay back.

    Attributes:
        besides: A floor or a ceiling that decided besides the units.
        parts: What units in percent are made of: the units of each part of the key.
    """

    body: str
    title: str
    units: Decimal
    refund_eur: Decimal
    besides: Explanation | None = None
    parts: tuple[Explanation, ...] = ()


class UnitCost(msgspec.Struct, frozen=True, kw_only=True):
    """A service's unit cost of operation and its forecast.

    Attributes:
        unit: Key of ``ledger.units``: what the units of operation are.
        unused: Nothing was used of what the key counts, so that all share equally.
        last_accounts_eur: What it cost in the year before.
        budget_eur: What it is expected to cost; the unit cost times the units.
        unit_cost_eur: With six decimals; refunds are shares of the budget, exact to the cent.
    """

    cost: str
    title: str
    account: str
    key: str
    key_title: str
    unit: str
    unused: bool
    last_accounts_eur: Decimal
    budget_eur: Decimal
    forecast_units: Decimal
    unit_cost_eur: Decimal
    refunds: tuple[UnitRefund, ...]


class BodyRefund(msgspec.Struct, frozen=True):
    """What a body is expected to pay back for all services together."""

    body: str
    title: str
    refund_eur: Decimal


class UnitCostTable(msgspec.Struct, frozen=True, kw_only=True):
    """The table of a year that bodies are told before they vote their budgets.

    Attributes:
        made_on: The day that it was made.
        accounts_version: Of the accounts; 0 for a file that nobody applied.
        months_of_use: How many months of the year before have a record of use, 12 at most.
        payers_by_rates: Titles of the bodies whose payments will lower what is refunded.
    """

    year: int
    made_on: date
    accounts_version: int
    months_of_use: int
    services: tuple[UnitCost, ...]
    payers_by_rates: tuple[str, ...]

    @property
    def last_accounts_eur(self) -> Decimal:
        """What all services cost in the year before."""
        return sum((one.last_accounts_eur for one in self.services), Decimal(0))

    @property
    def budget_eur(self) -> Decimal:
        """What all services are expected to cost; what all bodies pay back."""
        return sum((one.budget_eur for one in self.services), Decimal(0))

    @property
    def bodies(self) -> tuple[BodyRefund, ...]:
        """What each body is expected to pay back, by name."""
        found: dict[str, BodyRefund] = {}
        for one in (refund for service in self.services for refund in service.refunds):
            known = found.get(one.body, BodyRefund(one.body, one.title, Decimal(0)))
            refund_eur = known.refund_eur + one.refund_eur
            found[one.body] = msgspec.structs.replace(known, refund_eur=refund_eur)
        return tuple(found[name] for name in sorted(found))


def unit_cost_table(
    accounts: Accounts, version: int, year: int, usage: Sequence[Usage], made_on: date
) -> UnitCostTable:
    """Make the table of a year.

    Args:
        accounts: Their costs give the last accounts and the budget.
        version: Of the accounts; 0 for a file that nobody applied.
        year: Of the budget.
        usage: Of the year before, each within one of its months.
        made_on: Today.
    """
    months = {one.since.astimezone(PARIS).month for one in usage}
    return UnitCostTable(
        year=year,
        made_on=made_on,
        accounts_version=version,
        months_of_use=len(months),
        services=unit_costs(accounts, year, usage),
        payers_by_rates=tuple(
            body.title
            for name, body in sorted(accounts.bodies.items())
            if name not in accounts.sharers
        ),
    )


def unit_costs(accounts: Accounts, year: int, usage: Sequence[Usage] = ()) -> tuple[UnitCost, ...]:
    """Return the unit cost of each cost centre that counts in a year, by name.

    Args:
        accounts: Their costs give the last accounts and the budget.
        year: Of the budget.
        usage: Of the year before: forecast of what keys by use and energy go by.

    Raises:
        InvalidInputError: A key's floor or ceiling cannot hold.
    """
    use = KeyUse(
        keys=accounts.keys,
        sharers=accounts.sharers,
        usage={
            name: quantities_of([one for one in usage if one.organisation in body.organisations])
            for name, body in accounts.sharers.items()
        },
    )
    return tuple(
        _unit_cost(cost, year, usage, use)
        for _, cost in sorted(accounts.costs.items())
        if _span_of(year).overlap(cost.since, end_of(cost)) is not None
    )


def _unit_cost(cost: CostCentre, year: int, usage: Sequence[Usage], use: KeyUse) -> UnitCost:
    budget = _budget(cost, year, usage)
    shares = key_shares(cost.key, use)
    unit_cost_eur = Fraction(budget) / Fraction(shares.all_units)
    return UnitCost(
        cost=cost.name,
        title=cost.title,
        account=cost.account,
        key=cost.key,
        key_title=use.keys[cost.key].title,
        unit=shares.unit,
        unused=any(one.explanation.code == _UNUSED for one in shares.bodies.values()),
        last_accounts_eur=_year_cost(cost, year - 1, usage),
        budget_eur=budget,
        forecast_units=shares.all_units,
        unit_cost_eur=with_decimals(unit_cost_eur, _PRICE_PLACES),
        refunds=_refunds(budget, shares.bodies, use.sharers),
    )


def _refunds(
    budget: Decimal, shares: Mapping[str, BodyShare], sharers: Mapping[str, Body]
) -> tuple[UnitRefund, ...]:
    refunds = shared_out(budget, {name: body.share for name, body in shares.items()})
    return tuple(
        UnitRefund(
            name,
            sharers[name].title,
            body.units,
            refunds[name],
            _besides_of(body.explanation),
            tuple(part for part in body.explanation.parts if part.code == PART_CODE),
        )
        for name, body in shares.items()
    )


def _besides_of(explanation: Explanation) -> Explanation | None:
    last = explanation.parts[-1:]
    return last[0] if last and last[0].code in _BESIDES else None


def _year_cost(cost: CostCentre, year: int, usage: Sequence[Usage]) -> Decimal:
    months = (month_costs([cost], month_of(month), usage) for month in months_of(year))
    return sum((one.amount_eur for costs in months for one in costs), Decimal(0))


def _budget(cost: CostCentre, year: int, usage: Sequence[Usage]) -> Decimal:
    """Return a year's cost; of energy last year's kWh at its price, by days where it is partial."""
    if cost.nature is not CostNature.ENERGY:
        return _year_cost(cost, year, ())
    covers = _span_of(year).overlap(cost.since, end_of(cost))
    days = Fraction(0 if covers is None else covers.days, _span_of(year).days)
    kwh = sum(energy_of(usage, _span_of(year - 1)), Decimal(0))
    return rounded_eur(Fraction(kwh) * Fraction(cost.pue) * Fraction(cost.eur_per_kwh) * days)


def _span_of(year: int) -> Span:
    return Span(date(year, 1, 1), date(year + 1, 1, 1))
