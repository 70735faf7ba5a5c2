"""What an invoice says of a statement, as EN 16931 and French rules want it; pure.

An invoice whose sum is negative is a credit note: its figures are turned round.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

import msgspec

from beffroi.kernel.errors import InvalidInputError
from beffroi.ledger.documents.figures import issue_moment
from beffroi.ledger.documents.vat import VatRate, due_eur, vat_of
from beffroi.ledger.model import (
    Body,
    Issuer,
    Statement,
    StatementLine,
    StatementState,
    UsageUnit,
)

INVOICE, CREDIT_NOTE = "380", "381"
_CENT: Final = Decimal("0.01")
_QUANTITY: Final = Decimal("0.0001")
_PRICE: Final = Decimal("0.000001")
_ONE: Final = "C62"
_REC_20: Final = {
    UsageUnit.CPU_CORE_H: "HUR",
    UsageUnit.RUNNING_H: "HUR",
    UsageUnit.ENERGY_MARGINAL_KWH: "KWH",
    UsageUnit.ENERGY_IDLE_KWH: "KWH",
}


class PrecedingInvoice(msgspec.Struct, frozen=True):
    """An earlier invoice that this one corrects."""

    number: str
    issued: date


class InvoiceLine(msgspec.Struct, frozen=True):
    """One line; quantity times price, rounded to the cent, is the amount.

    Attributes:
        unit: Code of UN/ECE recommendation 20.
        in_own_unit: The quantity is that of the statement; else it is one of all of it.
    """

    source: StatementLine
    quantity: Decimal
    unit: str
    price_eur: Decimal
    amount_eur: Decimal
    in_own_unit: bool


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice or a credit note, all its sums exact."""

    kind: str
    number: str
    issued: date
    due: date
    since: date
    until: date
    issuer: Issuer
    body: Body
    lines: tuple[InvoiceLine, ...]
    vat: tuple[VatRate, ...]
    preceding: tuple[PrecedingInvoice, ...]
    net_eur: Decimal
    tax_eur: Decimal
    due_eur: Decimal
    statement: Statement


def invoice_of(statement: Statement, issuer: Issuer, issued: Mapping[str, date]) -> Invoice:
    """Turn an issued statement of a body liable to VAT into its invoice.

    Args:
        statement: With at least one line.
        issuer: With a VAT number.
        issued: When the statements that lines correct were issued, by number.

    Raises:
        InvalidInputError: The statement cannot be invoiced; its code says why.
    """
    _refuse_what_cannot_be_invoiced(statement, issuer)
    vat, total = vat_of(statement), due_eur(statement)
    sign = -1 if total < 0 else 1
    preceding = _preceding(statement, issued)
    if sign < 0 and not preceding:
        raise InvalidInputError("ledger.credit_note_without_invoice", number=statement.number)
    day = issue_moment(statement).date()
    return Invoice(
        kind=CREDIT_NOTE if sign < 0 else INVOICE,
        number=statement.number,
        issued=day,
        due=day + timedelta(days=issuer.payment_days),
        since=min(line.since for line in statement.lines),
        until=max(line.until for line in statement.lines) - timedelta(days=1),
        issuer=issuer,
        body=statement.body,
        lines=tuple(_line(line, sign) for line in statement.lines),
        vat=tuple(VatRate(one.percent, sign * one.base_eur, sign * one.tax_eur) for one in vat),
        preceding=preceding,
        net_eur=sign * statement.net_eur,
        tax_eur=sign * sum((one.tax_eur for one in vat), Decimal(0)),
        due_eur=sign * total,
        statement=statement,
    )


def _refuse_what_cannot_be_invoiced(statement: Statement, issuer: Issuer) -> None:
    number, body = statement.number, statement.body
    if statement.state is not StatementState.ISSUED:
        raise InvalidInputError(
            "ledger.draft_is_not_invoiced", body=body.title, month=f"{statement.month:%Y-%m}"
        )
    if not statement.lines:
        raise InvalidInputError("ledger.nothing_to_invoice", number=number)
    if not issuer.vat_number:
        raise InvalidInputError(
            "ledger.issuer_without_vat_number", issuer=issuer.title, number=number
        )


def _preceding(statement: Statement, issued: Mapping[str, date]) -> tuple[PrecedingInvoice, ...]:
    """List what is corrected, once each; without its day of issue it cannot be named."""
    numbers = {line.corrects.statement for line in statement.lines if line.corrects is not None}
    return tuple(
        PrecedingInvoice(number, issued[number]) for number in sorted(numbers) if number in issued
    )


def _line(line: StatementLine, sign: int) -> InvoiceLine:
    """Write a line so that its quantity times its price is its amount.

    French rules allow four decimals of quantity and six of a price above zero. Where that does
    not give the amount (units that cost nothing, long decimals), one unit of it is written.
    """
    amount = sign * line.amount_eur
    quantity, price = sign * line.quantity, line.unit_price_eur
    if price < 0:
        quantity, price = -quantity, -price
    quantity, price = quantity.quantize(_QUANTITY), price.quantize(_PRICE)
    if price > 0 and (quantity * price).quantize(_CENT, ROUND_HALF_UP) == amount:
        unit = _REC_20.get(UsageUnit(line.unit), _ONE) if line.unit in set(UsageUnit) else _ONE
        return InvoiceLine(line, quantity, unit, price, amount, in_own_unit=True)
    one = Decimal(1).copy_sign(amount)
    return InvoiceLine(line, one, _ONE, abs(amount), amount, in_own_unit=False)
