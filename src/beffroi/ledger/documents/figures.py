"""Numbers, prices and days as documents write them, in either language; pure."""

from datetime import date, datetime
from decimal import Decimal
from typing import Final

from beffroi.kernel.catalogue import Language, sentence
from beffroi.ledger.allocation import PERCENT_UNIT
from beffroi.ledger.model import Statement
from beffroi.ledger.months import PARIS, instant_of, next_month

_UNBREAKABLE: Final = "\N{NO-BREAK SPACE}"


def told_number(value: Decimal, language: Language, *, least: int = 0, most: int = 6) -> str:
    """Write a number with its thousands apart.

    Args:
        value: Any finite number.
        language: French has a comma and unbreakable spaces.
        least: Decimals that are always written.
        most: Decimals that are written at most, ``least`` or above; the rest is rounded.
    """
    text = f"{round(value, most) + 0:,f}"
    whole, _, decimals = text.partition(".")
    kept = decimals[:least].ljust(least, "0") + decimals[least:].rstrip("0")
    text = f"{whole}.{kept}" if kept else whole
    if language is Language.FR:
        return text.replace(",", _UNBREAKABLE).replace(".", ",")
    return text


def told_price(price: Decimal, language: Language) -> str:
    """Write a price with its decimals, at least two and at most ten."""
    number = told_number(price, language, least=2, most=10)
    return f"{number}{_UNBREAKABLE}€" if language is Language.FR else f"€{number}"


def told_percent(percent: Decimal, language: Language) -> str:
    """Write a percentage."""
    space = _UNBREAKABLE if language is Language.FR else ""
    return f"{told_number(percent, language, most=2)}{space}%"


def told_units(units: Decimal, unit: str, language: Language) -> str:
    """Write how many units of operation, with all their decimals: prices multiply them."""
    return told_number(units, language, least=2 if unit == PERCENT_UNIT else 0)


def told_unit(unit: str, language: Language) -> str:
    """Write a unit in words."""
    return sentence(language, f"ledger.units.{unit}")


def day_in_words(day: date, language: Language) -> str:
    """Write a day with its month's name."""
    number = "1er" if language is Language.FR and day.day == 1 else str(day.day)
    return f"{number}{_UNBREAKABLE}{month_in_words(day, language)}"


def month_in_words(month: date, language: Language) -> str:
    """Write a month's name and year."""
    name = sentence(language, f"ledger.documents.months.m{month.month}")
    return f"{name}{_UNBREAKABLE}{month.year}"


def month_name(month: date, language: Language) -> str:
    """Write a month's name."""
    return sentence(language, f"ledger.documents.months.m{month.month}")


def issue_moment(statement: Statement) -> datetime:
    """Tell when a statement was issued, in Paris; a draft says the end of its month."""
    moment = statement.issued_at or instant_of(next_month(statement.month))
    return moment.astimezone(PARIS)
