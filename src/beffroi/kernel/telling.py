"""Figures, money and dates as each language writes them."""

import math
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from beffroi.kernel.catalogue import Language

NO_FIGURE: Final = "–"  # noqa: RUF001 - what a table shows where there is no figure
_UNBREAKABLE: Final = "\N{NO-BREAK SPACE}"
_DUST: Final = 1e-5
_CENT: Final = Decimal("0.01")


def told_figure(value: float, language: Language) -> str:
    """Write a figure with three digits that count, thousands apart; dust is nothing."""
    digits = 2 - math.floor(math.log10(abs(value))) if abs(value) >= _DUST else 0
    text = f"{round(value, digits):,.{max(0, digits)}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if language is Language.FR:
        return text.replace(",", _UNBREAKABLE).replace(".", ",")
    return text


def told_share(part: float, whole: float, language: Language) -> str:
    """Write a part in percent; nothing is a part of nothing."""
    return f"{told_figure(100 * part / whole, language)}{_UNBREAKABLE}%" if whole else NO_FIGURE


def told_day(day: date) -> str:
    """Write a day."""
    return day.isoformat()


def told_euros(amount: Decimal, language: Language, *, cents: bool = True) -> str:
    """Write an amount of money, thousands apart, halves of a cent away from zero."""
    rounded = amount.quantize(_CENT if cents else Decimal(1), rounding=ROUND_HALF_UP) + 0
    text = f"{rounded:,}"
    if language is Language.FR:
        return text.replace(",", _UNBREAKABLE).replace(".", ",") + f"{_UNBREAKABLE}€"
    return f"-€{text[1:]}" if rounded < 0 else f"€{text}"
