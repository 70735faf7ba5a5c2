"""What another key would change, and unit costs as the decree 2011-515 asks for them; pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

import msgspec

from beffroi.kernel.errors import InvalidInputError
from beffroi.ledger.allocation import KeyUse, key_shares
from beffroi.ledger.cents import euros, plain_eur, rounded_eur, settled, shared_out, with_decimals
from beffroi.ledger.costs import end_of, energy_of, month_costs
from beffroi.ledger.model import (
    Accounts,
    AllocationKey,
    CostCentre,
    CostNature,
    LineKind,
    Usage,
)
from beffroi.ledger.month_records import MonthRecords, quantities_of
from beffroi.ledger.months import Span, month_of, months_of
from beffroi.ledger.statements import lines_by_body

_SHARED = frozenset({LineKind.COST_SHARE, LineKind.REVENUE_SHARE})


class Outcome(StrEnum):
    """What a change of key means for a body."""

    WINS = "wins"
    LOSES = "loses"
    SAME = "same"


class BodyEffect(msgspec.Struct, frozen=True, kw_only=True):
    """What a body shares before and after a change of key.

    Attributes:
        change_eur: What it pays more; less where negative: it wins.
        change_percent: Of what it paid, with two decimals; nothing where that was 0.
    """

    body: str
    title: str
    before_eur: Decimal
    after_eur: Decimal
    change_eur: Decimal
    change_percent: Decimal | None
    outcome: Outcome


class KeySimulation(msgspec.Struct, frozen=True, kw_only=True):
    """A change of key over some months, those who win most first.

    Attributes:
        before_eur: What all bodies shared.
        after_eur: What they would share.
    """

    months: tuple[date, ...]
    effects: tuple[BodyEffect, ...]
    before_eur: Decimal
    after_eur: Decimal


class SmoothedYear(msgspec.Struct, frozen=True):
    """A step from the old key to the new one; the last year's amounts are the new key's."""

    number: int
    amounts_eur: Mapping[str, Decimal]


class UnitRefund(msgspec.Struct, frozen=True):
    """What a body is expected to use and to pay back."""

    body: str
    title: str
    units: Decimal
    refund_eur: Decimal


class UnitCost(msgspec.Struct, frozen=True, kw_only=True):
    """A service's unit cost of operation and its forecast.

    Attributes:
        unit: Key of ``ledger.units``: what the units of operation are.
        last_accounts_eur: What it cost in the year before.
        budget_eur: What it is expected to cost; the unit cost times the units.
        unit_cost_eur: With six decimals; refunds are shares of the budget, exact to the cent.

    Source: CGCT D5211-16, as of décret 2011-515.
    """

    cost: str
    title: str
    account: str
    key: str
    unit: str
    last_accounts_eur: Decimal
    budget_eur: Decimal
    forecast_units: Decimal
    unit_cost_eur: Decimal
    refunds: tuple[UnitRefund, ...]


def with_keys(accounts: Accounts, keys: Sequence[AllocationKey]) -> Accounts:
    """Return accounts with keys added or put in the place of those of their name."""
    named = {key.name: key for key in keys}
    return msgspec.structs.replace(accounts, keys={**accounts.keys, **named})


def with_cost_keys(accounts: Accounts, chosen: Mapping[str, str]) -> Accounts:
    """Return accounts whose cost centres go by other keys, told by the centres' names."""
    costs = {
        name: msgspec.structs.replace(cost, key=chosen.get(name, cost.key))
        for name, cost in accounts.costs.items()
    }
    return msgspec.structs.replace(accounts, costs=costs)


def simulated(months: Sequence[MonthRecords], after: Accounts) -> KeySimulation:
    """Compare what bodies shared over some months with what they would under other accounts.

    Args:
        months: Their records, with the accounts that held.
        after: With other keys.
    """
    before_eur: dict[str, Decimal] = {}
    after_eur: dict[str, Decimal] = {}
    titles: dict[str, str] = {}
    for records in months:
        _add_shared(records, before_eur, titles)
        _add_shared(msgspec.structs.replace(records, accounts=after), after_eur, titles)
    return compared(tuple(records.month for records in months), titles, before_eur, after_eur)


def compared(
    months: tuple[date, ...],
    titles: Mapping[str, str],
    before_eur: Mapping[str, Decimal],
    after_eur: Mapping[str, Decimal],
) -> KeySimulation:
    """Put two allocations side by side.

    Args:
        months: What they cover.
        titles: The bodies' titles by name.
        before_eur: What each shared, by name; nothing where it is absent.
        after_eur: What each would share.
    """
    none = Decimal(0)
    effects = [
        _effect(name, title, before_eur.get(name, none), after_eur.get(name, none))
        for name, title in sorted(titles.items())
    ]
    return KeySimulation(
        months=months,
        effects=tuple(sorted(effects, key=lambda one: one.change_eur)),
        before_eur=sum(before_eur.values(), none),
        after_eur=sum(after_eur.values(), none),
    )


def smoothed(simulation: KeySimulation, years: int) -> tuple[SmoothedYear, ...]:
    """Go from the old amounts to the new ones in equal steps that add up to the cent.

    Args:
        simulation: Of a year's months.
        years: How many steps, 1 or above.

    Raises:
        InvalidInputError: The new accounts share another total than the old ones.
    """
    if simulation.before_eur != simulation.after_eur:
        raise InvalidInputError(
            "ledger.totals_differ",
            before=plain_eur(simulation.before_eur),
            after=plain_eur(simulation.after_eur),
        )
    return tuple(
        SmoothedYear(year, _step(simulation, Fraction(year, years))) for year in range(1, years + 1)
    )


def unit_costs(accounts: Accounts, year: int, usage: Sequence[Usage] = ()) -> tuple[UnitCost, ...]:
    """Return the unit cost of each cost centre that counts in a year, by name.

    Args:
        accounts: Their costs give the last accounts and the budget.
        year: Of the budget.
        usage: Of the year before: forecast of what keys by use and energy go by.
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


def _effect(name: str, title: str, before: Decimal, after: Decimal) -> BodyEffect:
    change = after - before
    outcome = Outcome.WINS if change < 0 else Outcome.LOSES
    percent = with_decimals(100 * Fraction(change) / abs(Fraction(before)), 2) if before else None
    return BodyEffect(
        body=name,
        title=title,
        before_eur=before,
        after_eur=after,
        change_eur=change,
        change_percent=percent,
        outcome=outcome if change else Outcome.SAME,
    )


def _add_shared(records: MonthRecords, amounts: dict[str, Decimal], titles: dict[str, str]) -> None:
    lines = lines_by_body(records)
    for name, body in records.accounts.sharers.items():
        titles.setdefault(name, body.title)
        own = (line.amount_eur for line in lines[name] if line.kind in _SHARED)
        amounts[name] = amounts.get(name, Decimal(0)) + sum(own, Decimal(0))


def _step(simulation: KeySimulation, part: Fraction) -> dict[str, Decimal]:
    exact = {
        one.body: 100 * (Fraction(one.before_eur) + part * Fraction(one.change_eur))
        for one in simulation.effects
    }
    return {name: euros(cents) for name, cents in settled(exact).items()}


def _unit_cost(cost: CostCentre, year: int, usage: Sequence[Usage], use: KeyUse) -> UnitCost:
    budget = _budget(cost, year, usage)
    shares = key_shares(cost.key, use)
    refunds = shared_out(budget, shares.shares)
    return UnitCost(
        cost=cost.name,
        title=cost.title,
        account=cost.account,
        key=cost.key,
        unit=shares.unit,
        last_accounts_eur=_year_cost(cost, year - 1, usage),
        budget_eur=budget,
        forecast_units=shares.all_units,
        unit_cost_eur=with_decimals(Fraction(budget) / Fraction(shares.all_units), 6),
        refunds=tuple(
            UnitRefund(name, use.sharers[name].title, body.units, refunds[name])
            for name, body in shares.bodies.items()
        ),
    )


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
