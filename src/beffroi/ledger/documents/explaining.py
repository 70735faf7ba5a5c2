"""Sentences that follow from the data of statements and of unit costs; pure."""

import re
from datetime import date
from decimal import Decimal
from typing import Final

from beffroi.kernel.catalogue import Language, sentence
from beffroi.ledger.documents.figures import day_in_words, told_number, told_unit
from beffroi.ledger.model import Body, BodyKind, Explanation
from beffroi.ledger.unit_costs import UnitCostTable, UnitRefund

_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.([0-9]+))?")
_MONTHS: Final = 12
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def explained(explanation: Explanation, language: Language) -> str:
    """Say how a figure came about, its parts after it."""
    values = {name: _told(name, text, language) for name, text in explanation.values.items()}
    own = sentence(language, f"ledger.explanations.{explanation.code}", **values)
    return " ".join((own, *(explained(part, language) for part in explanation.parts)))


def reasons_of(refund: UnitRefund, language: Language) -> str:
    """Say what units in percent are made of, and which bound decided besides, where they are."""
    besides = () if refund.besides is None else (refund.besides,)
    return " ".join(explained(one, language) for one in (*refund.parts, *besides))


def late_fees(body: Body, language: Language) -> str:
    """Say what late payment costs: a public buyer owes other interest than a company.

    Source: code de la commande publique R2192-31 (8 points above the ECB's main rate) and code
    de commerce L441-10 (10 points).
    """
    kind = "company" if body.kind is BodyKind.COMPANY else "public"
    return sentence(language, f"ledger.documents.late_fees_{kind}")


def use_note(table: UnitCostTable, language: Language) -> str:
    """Say what the forecast of use goes by, and whether months are missing."""
    key = "use" if table.months_of_use == _MONTHS else "use_missing"
    values = {"before": table.year - 1, "count": table.months_of_use}
    return sentence(language, f"ledger.documents.unit_costs.{key}", **values)


def _told(name: str, text: str, language: Language) -> str:
    """Write a value in a language: numbers keep the decimals that they were given."""
    if name == "unit":
        return told_unit(text, language)
    if name == "method":
        return sentence(language, f"ledger.methods.{text}")
    number = _NUMBER.fullmatch(text)
    if number is not None:
        decimals = len(number[1] or "")
        return told_number(Decimal(text), language, least=decimals, most=decimals)
    if _DAY.fullmatch(text):
        return day_in_words(date.fromisoformat(text), language)
    return text
