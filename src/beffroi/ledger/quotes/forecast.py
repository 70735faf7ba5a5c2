"""A year of the ledger as it would be: its own rules on the use that plans foresee; pure.

Use is what workloads are sized for, the same for everybody, so that shares are comparable; the
energy is that of the plan's hosts by their power curves. Real bills go by what is measured.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

import msgspec

from beffroi.energy.model import Method
from beffroi.ledger.costs import month_costs
from beffroi.ledger.model import (
    Accounts,
    Body,
    Charging,
    CostCentre,
    LineKind,
    Rate,
    StatementLine,
    Usage,
    UsageUnit,
)
from beffroi.ledger.month_records import MonthRecords, month_records
from beffroi.ledger.months import Span, month_of, next_month
from beffroi.ledger.quotes.ports import OrganisationLoad
from beffroi.ledger.rating import segments
from beffroi.ledger.statements import lines_by_body

MONTHS: Final = 12
_APPLICATION: Final = "forecast"
_MICRO: Final = Decimal("0.000001")
_SHARED: Final = frozenset({LineKind.COST_SHARE, LineKind.REVENUE_SHARE})


class Year(msgspec.Struct, frozen=True):
    """Twelve months of records, from the month in which the service begins."""

    months: tuple[MonthRecords, ...]

    def lines_of(self, body: str) -> Iterator[StatementLine]:
        """Return all lines of a body's statements, month after month."""
        for records in self.months:
            yield from lines_by_body(records)[body]

    def borne(self) -> Mapping[str, Decimal]:
        """Add up what each body that shares bears of costs, revenue taken off."""
        found: dict[str, Decimal] = {}
        for records in self.months:
            lines = lines_by_body(records)
            for name in records.accounts.sharers:
                own = (line.amount_eur for line in lines[name] if line.kind in _SHARED)
                found[name] = found.get(name, Decimal(0)) + sum(own, Decimal(0))
        return found

    def cost_of(self, centres: Iterable[CostCentre]) -> Decimal:
        """Add up what cost centres come to in the year with its use."""
        kept = tuple(centres)
        costs = (
            one.amount_eur
            for records in self.months
            for one in month_costs(kept, month_of(records.month), records.usage)
        )
        return sum(costs, Decimal(0))


def forecast_year(accounts: Accounts, loads: Sequence[OrganisationLoad], starts: date) -> Year:
    """Foresee the twelve months that begin with a day's month.

    Raises:
        InvalidInputError: Nobody pays for an organisation that has workloads.
    """
    months = []
    month = starts.replace(day=1)
    year_hours = Span(month, _after(month, MONTHS)).hours
    for _ in range(MONTHS):
        usage = tuple(
            _usage(load, span, year_hours) for span in segments(accounts, month) for load in loads
        )
        months.append(month_records(accounts, 0, month, usage))
        month = next_month(month)
    return Year(tuple(months))


def without_body(accounts: Accounts, name: str) -> Accounts:
    """Leave a body out; rates that name it hold for the others they name."""
    bodies = {key: body for key, body in accounts.bodies.items() if key != name}
    return msgspec.structs.replace(accounts, bodies=bodies)


def with_sharer(accounts: Accounts, body: Body, weights: Mapping[str, Decimal]) -> Accounts:
    """Let a body share what everything costs, with its weight in the keys of fixed weights."""
    sharer = msgspec.structs.replace(body, charging=Charging.SHARES_COSTS, liable_for_vat=False)
    keys = {
        name: msgspec.structs.replace(key, weights={**key.weights, body.name: weights[name]})
        if name in weights
        else key
        for name, key in accounts.keys.items()
    }
    bodies = {**accounts.bodies, body.name: sharer}
    return msgspec.structs.replace(accounts, bodies=bodies, keys=keys)


def with_payer(accounts: Accounts, body: Body, rate: Rate) -> Accounts:
    """Let a body pay one flat rate, and no other of the list."""
    others = tuple(sorted(accounts.bodies.keys() - accounts.sharers.keys() - {body.name}))
    rates = {rate.name: msgspec.structs.replace(rate, bodies=(body.name,))}
    for name, one in accounts.rates.items():
        kept = tuple(payer for payer in one.bodies if payer != body.name) if one.bodies else others
        if kept:
            rates[name] = msgspec.structs.replace(one, bodies=kept)
    payer = msgspec.structs.replace(body, charging=Charging.BY_RATES)
    bodies = {**accounts.bodies, body.name: payer}
    return msgspec.structs.replace(accounts, bodies=bodies, rates=rates)


def with_costs(accounts: Accounts, centres: Iterable[CostCentre]) -> Accounts:
    """Add cost centres."""
    costs = {**accounts.costs, **{one.name: one for one in centres}}
    return msgspec.structs.replace(accounts, costs=costs)


def _usage(load: OrganisationLoad, span: Span, year_hours: int) -> Usage:
    hours = Decimal(span.hours)
    quantities = {
        UsageUnit.CPU_CORE_H: load.cores * hours,
        UsageUnit.MEMORY_GIB_H: load.memory_gib * hours,
        UsageUnit.STORAGE_GIB_H: load.disk_gib * hours,
        UsageUnit.RUNNING_H: load.workloads * hours,
        UsageUnit.ENERGY_MARGINAL_KWH: load.marginal_kwh * hours / year_hours,
        UsageUnit.ENERGY_IDLE_KWH: load.idle_kwh * hours / year_hours,
    }
    return Usage(
        application=_APPLICATION,
        organisation=load.organisation,
        since=span.begins_at,
        until=span.ends_at,
        quantities={unit: amount.quantize(_MICRO) for unit, amount in quantities.items()},
        minutes=span.hours * 60,
        energy_method=Method.MODELLED,
    )


def _after(month: date, count: int) -> date:
    for _ in range(count):
        month = next_month(month)
    return month
