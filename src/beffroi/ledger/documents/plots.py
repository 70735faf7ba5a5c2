"""Plots of a statement: heights in parts of 1000, told in words for those who do not see; pure."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.telling import told_euros
from beffroi.ledger.documents.figures import month_name, told_number
from beffroi.ledger.documents.model import DayUse, MonthCost
from beffroi.ledger.documents.usage_totals import ENERGY_UNITS, by_application, energy_kwh
from beffroi.ledger.model import Usage, UsageUnit
from beffroi.ledger.unit_costs import BodyRefund

_PARTS: Final = 1000
_MOST_SUBJECTS: Final = 5
_MOST_APPLICATIONS: Final = 20


class Bar(msgspec.Struct, frozen=True):
    """One bar: its parts from the foot on, in thousandths of the plot's height."""

    label: str
    parts: tuple[int, ...]
    told: str = ""


class BarPlot(msgspec.Struct, frozen=True):
    """Bars beside each other; ``top`` is what the whole height means, ``alt`` says it in words."""

    title: str
    names: tuple[str, ...]
    top: str
    zero: str
    alt: str
    bars: tuple[Bar, ...]


def energy_plots(usage: Sequence[Usage], language: Language) -> tuple[BarPlot, ...]:
    """Draw the energy of each application, the highest first: its own, and its share of idle."""
    used = sorted(by_application(usage).values(), key=lambda one: -energy_kwh(one))
    rows = [
        (one.application, _energies(one.quantities))
        for one in used[:_MOST_APPLICATIONS]
        if energy_kwh(one)
    ]
    return _drawn("energy", rows, _energy_names(language), "kWh", language)


def day_plots(body: str, days: Iterable[DayUse], language: Language) -> tuple[BarPlot, ...]:
    """Draw use and energy by day of the month."""
    own = sorted((one for one in days if one.body == body), key=lambda one: one.day)
    cores = [
        (str(one.day.day), (one.quantities.get(UsageUnit.CPU_CORE_H, Decimal(0)),)) for one in own
    ]
    energies = [(str(one.day.day), _energies(one.quantities)) for one in own]
    core = (sentence(language, "ledger.documents.plots.core_name"),)
    return (
        *_drawn("cores", cores, core, "h", language),
        *_drawn("energy_by_day", energies, _energy_names(language), "kWh", language),
    )


def history_plots(
    body: str, history: Iterable[MonthCost], language: Language
) -> tuple[BarPlot, ...]:
    """Draw what was paid by month for the dearest centres, the rest in one part.

    What lowers a month's cost, such as a share of revenue, has no part.
    """
    own = [one for one in history if one.body == body and one.amount_eur > 0]
    totals: dict[str, Decimal] = {}
    titles: dict[str, str] = {}
    for one in own:
        totals[one.subject] = totals.get(one.subject, Decimal(0)) + one.amount_eur
        titles[one.subject] = one.title
    dearest = sorted(totals, key=lambda subject: (-totals[subject], subject))
    shown, rest = dearest[:_MOST_SUBJECTS], dearest[_MOST_SUBJECTS:]
    rows = []
    for month in sorted({one.month for one in own}):
        paid: dict[str, Decimal] = {}
        for one in own:
            if one.month == month:
                paid[one.subject] = paid.get(one.subject, Decimal(0)) + one.amount_eur
        parts = [paid.get(subject, Decimal(0)) for subject in shown]
        parts.append(sum((paid.get(subject, Decimal(0)) for subject in rest), Decimal(0)))
        rows.append((f"{month_name(month, language)} {month.year}", tuple(parts)))
    names = (*(titles[subject] for subject in shown), *([_rest(language)] if rest else []))
    return _drawn("history", rows, tuple(names), "€", language)


def refund_plots(bodies: Iterable[BodyRefund], language: Language) -> tuple[BarPlot, ...]:
    """Draw what each body is expected to pay back; less than nothing has no bar."""
    rows = [(one.title, (max(Decimal(0), one.refund_eur),)) for one in bodies]
    name = (sentence(language, "ledger.documents.plots.refund_name"),)
    return _drawn("refunds", rows, name, "€", language)


def _drawn(
    key: str,
    rows: Sequence[tuple[str, tuple[Decimal, ...]]],
    names: tuple[str, ...],
    unit: str,
    language: Language,
) -> tuple[BarPlot, ...]:
    """Scale bars to the highest; where all are nothing there is nothing to draw."""
    top = max((sum(parts, Decimal(0)) for _, parts in rows), default=Decimal(0))
    if top <= 0:
        return ()
    bars = tuple(
        Bar(
            label,
            tuple(int(_PARTS * part / top) for part in parts),
            _told(sum(parts, Decimal(0)), unit, language),
        )
        for label, parts in rows
    )
    title = sentence(language, f"ledger.documents.plots.{key}")
    told = "; ".join(f"{bar.label}: {bar.told}" for bar in bars)
    top_told, zero = _told(top, unit, language), _told(Decimal(0), unit, language)
    return (BarPlot(title, names, top_told, zero, f"{title}. {told}", bars),)


def _told(value: Decimal, unit: str, language: Language) -> str:
    if unit == "€":
        return told_euros(value, language, cents=False)
    return f"{told_number(value, language, most=1)}\N{NO-BREAK SPACE}{unit}"


def _energies(quantities: Mapping[UsageUnit, Decimal]) -> tuple[Decimal, ...]:
    return tuple(quantities.get(unit, Decimal(0)) for unit in ENERGY_UNITS)


def _energy_names(language: Language) -> tuple[str, ...]:
    return tuple(sentence(language, f"ledger.documents.plots.{unit}") for unit in ENERGY_UNITS)


def _rest(language: Language) -> str:
    return sentence(language, "ledger.documents.plots.rest")
