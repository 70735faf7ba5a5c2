"""Rates applied to use: one line per rate, each rounded to the cent; VAT by category; pure."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

import msgspec

from beffroi.ledger.cents import plain_eur, plain_number, rounded_eur, with_decimals
from beffroi.ledger.costs import within
from beffroi.ledger.model import (
    Accounts,
    Body,
    CostNature,
    Explanation,
    LineKind,
    Rate,
    StatementLine,
    Usage,
    UsageUnit,
)
from beffroi.ledger.months import Span, month_of, split

MONTH_UNIT = "month"
_PLACES = 6


def segments(accounts: Accounts, month: date) -> tuple[Span, ...]:
    """Return the parts of a month within which every price of use and of energy holds.

    Use is asked for, and must be given, for each of them apart.

    Args:
        accounts: Whose rates and costs count.
        month: A day of the month.
    """
    changes: list[date] = []
    for rate in accounts.rates.values():
        if rate.unit is not None:
            changes += _days(rate.since, rate.until)
    for centre in accounts.costs.values():
        if centre.nature is CostNature.ENERGY:
            changes += _days(centre.since, centre.until)
    return split(month_of(month), changes)


def rated_lines(
    accounts: Accounts, body: Body, month: Span, usage: Sequence[Usage]
) -> tuple[StatementLine, ...]:
    """Return the lines of a body that pays by rates, by name of rate, numbered from 1.

    Args:
        accounts: Whose rates hold.
        body: Who pays.
        month: A calendar month.
        usage: What the body's organisations used, by segment.
    """
    lines: list[StatementLine] = []
    for rate in sorted(accounts.rates.values(), key=lambda one: one.name):
        covers = month.overlap(rate.since, rate.until)
        if covers is not None and (not rate.bodies or body.name in rate.bodies):
            lines.append(_line(len(lines) + 1, rate, body, covers, usage))
    return tuple(lines)


def _days(since: date, until: date | None) -> list[date]:
    return [since] if until is None else [since, until]


def _line(
    number: int, rate: Rate, body: Body, covers: Span, usage: Sequence[Usage]
) -> StatementLine:
    if rate.unit is None:
        quantity, told = _flat(covers)
    else:
        quantity, told = _used(rate, rate.unit, covers, usage)
    amount = rounded_eur(Fraction(quantity) * Fraction(rate.eur))
    return StatementLine(
        number=number,
        kind=LineKind.RATE,
        subject=rate.name,
        title=rate.title,
        since=covers.since,
        until=covers.until,
        quantity=quantity,
        unit=MONTH_UNIT if rate.unit is None else rate.unit.value,
        unit_price_eur=rate.eur,
        amount_eur=amount,
        explanation=msgspec.structs.replace(
            told,
            values={**told.values, "price_eur": plain_eur(rate.eur), "cost_eur": plain_eur(amount)},
        ),
        account=rate.account,
        vat_percent=rate.vat_percent if body.liable_for_vat else Decimal(0),
    )


def _flat(covers: Span) -> tuple[Decimal, Explanation]:
    """Return the share of the month: 1, or the share of its days with six decimals."""
    month = month_of(covers.since)
    quantity = with_decimals(Fraction(covers.days, month.days), _PLACES)
    if covers == month:
        return Decimal(1), Explanation("rate_flat")
    values = {
        "days": str(covers.days),
        "month_days": str(month.days),
        "quantity": plain_number(quantity),
    }
    return quantity, Explanation("rate_flat_days", values)


def _used(
    rate: Rate, unit: UsageUnit, covers: Span, usage: Sequence[Usage]
) -> tuple[Decimal, Explanation]:
    """Return what is charged: the use above what the rate includes, by days of the month."""
    used = sum((one.quantities.get(unit, Decimal(0)) for one in within(usage, covers)), Decimal(0))
    values = {"unit": unit.value, "used": plain_number(used), "quantity": plain_number(used)}
    if not rate.included:
        return used, Explanation("rate_used", values)
    month = month_of(covers.since)
    part = Fraction(covers.days, month.days)
    included = with_decimals(Fraction(rate.included) * part, _PLACES)
    charged = max(used - included, Decimal(0))
    values |= {"included": plain_number(included), "quantity": plain_number(charged)}
    return charged, Explanation("rate_used_above", values)
