"""The ledger as people look at it: bars by month, use by hour of the week; pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

import msgspec

from beffroi.ledger.model import Statement, Usage, UsageUnit
from beffroi.ledger.months import PARIS

_HOURS: Final = 24
_DAYS: Final = 7
_LEVELS: Final = 5


class MonthBar(msgspec.Struct, frozen=True):
    """What a body owed for a month, and its height beside the highest."""

    body: str
    title: str
    month: date
    net_eur: Decimal
    share: float


class BodyUse(msgspec.Struct, frozen=True):
    """What a body's organisations used of each unit, and its share of all."""

    organisation: str
    unit: UsageUnit
    quantity: Decimal
    share: float


class WeekOfUse(msgspec.Struct, frozen=True):
    """CPU by hour of the week in Paris: a path of cells for each level, the lowest first."""

    levels: tuple[str, ...]
    busiest: Decimal
    busiest_hour: int


def month_bars(statements: Sequence[Statement]) -> tuple[MonthBar, ...]:
    """Compare the statements of one month, the highest first."""
    most = max((abs(one.net_eur) for one in statements), default=Decimal(0)) or Decimal(1)
    ordered = sorted(statements, key=lambda one: (-one.net_eur, one.body.name))
    return tuple(
        MonthBar(
            one.body.name,
            one.body.title,
            one.month,
            one.net_eur,
            share_of_highest(one.net_eur, most),
        )
        for one in ordered
    )


def share_of_highest(amount: Decimal, highest: Decimal) -> float:
    """Return how long the bar of an amount is beside the highest; below nothing it has none."""
    return float(max(Decimal(0), amount) / highest) if highest > 0 else 0.0


def use_by_organisation(usage: Iterable[Usage], units: Sequence[UsageUnit]) -> list[BodyUse]:
    """Add up use by organisation, unit by unit."""
    sums: defaultdict[tuple[UsageUnit, str], Decimal] = defaultdict(Decimal)
    totals: defaultdict[UsageUnit, Decimal] = defaultdict(Decimal)
    for one in usage:
        for unit in units:
            quantity = one.quantities.get(unit, Decimal(0))
            sums[unit, one.organisation] += quantity
            totals[unit] += quantity
    return [
        BodyUse(
            organisation,
            unit,
            quantity,
            float(quantity / totals[unit]) if totals[unit] else 0.0,
        )
        for (unit, organisation), quantity in sorted(sums.items())
    ]


def week_of_use(hours: Iterable[Usage], unit: UsageUnit) -> WeekOfUse:
    """Draw the mean of each hour of the week, Monday on top, midnight on the left."""
    sums = [Decimal(0)] * (_HOURS * _DAYS)
    counts = [0] * (_HOURS * _DAYS)
    for one in hours:
        local = one.since.astimezone(PARIS)
        place = local.weekday() * _HOURS + local.hour
        sums[place] += one.quantities.get(unit, Decimal(0))
        counts[place] += 1
    means = [
        total / count if count else Decimal(0) for total, count in zip(sums, counts, strict=True)
    ]
    most = max(means)
    cells: list[list[str]] = [[] for _ in range(_LEVELS)]
    for place, mean in enumerate(means):
        level = min(_LEVELS - 1, int(_LEVELS * mean / most)) if most else 0
        cells[level].append(f"M{place % _HOURS} {place // _HOURS}h.94v.9h-.94z")
    return WeekOfUse(tuple("".join(one) for one in cells), most, means.index(most))
