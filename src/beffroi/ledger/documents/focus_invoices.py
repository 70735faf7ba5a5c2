"""Rows of the datasets Invoice Detail and Billing Period of FOCUS 1.4; pure."""

from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from beffroi.kernel.catalogue import sentence
from beffroi.ledger.documents.figures import issue_moment
from beffroi.ledger.documents.focus_rows import (
    CURRENCY,
    Row,
    charge_of,
    invoice_line_id,
    tax_line_name,
)
from beffroi.ledger.documents.model import DocumentsRequest
from beffroi.ledger.documents.vat import vat_of
from beffroi.ledger.model import Issuer, Statement, StatementState
from beffroi.ledger.months import month_of


class _Detail(msgspec.Struct, frozen=True):
    """What one line of an invoice says."""

    name: str
    charge: str
    told: str
    amount_eur: Decimal
    refers_to: str


def invoice_detail(request: DocumentsRequest) -> tuple[Row, ...]:
    """Make a row for each line of an issued statement and for each rate of its VAT."""
    return tuple(
        _shared(statement, request.accounts.issuer) | _columns(detail, statement)
        for statement in request.statements
        if statement.state is StatementState.ISSUED
        for detail in _details(statement, request)
    )


def billing_period(request: DocumentsRequest) -> tuple[Row, ...]:
    """Make the one row of the month; it is closed once all its statements are issued."""
    month = month_of(request.statements[0].month)
    issued = all(one.state is StatementState.ISSUED for one in request.statements)
    updated = max(issue_moment(one) for one in request.statements)
    return (
        {
            "BillingPeriodCreated": month.begins_at,
            "BillingPeriodEnd": month.ends_at,
            "BillingPeriodLastUpdated": updated.astimezone(UTC),
            "BillingPeriodStart": month.begins_at,
            "BillingPeriodStatus": "Closed" if issued else "Open",
            "InvoiceIssuerName": request.accounts.issuer.title,
        },
    )


def _details(statement: Statement, request: DocumentsRequest) -> tuple[_Detail, ...]:
    lines = tuple(
        _Detail(
            name=str(line.number),
            charge=charge_of(line),
            told=line.title,
            amount_eur=line.amount_eur,
            refers_to=line.corrects.statement if line.corrects else statement.number,
        )
        for line in statement.lines
    )
    told = sentence(request.language, "ledger.documents.vat")
    taxes = tuple(
        _Detail(
            tax_line_name(one), "Tax", f"{told} {one.percent:f} %", one.tax_eur, statement.number
        )
        for one in vat_of(statement)
    )
    return (*lines, *taxes)


def _shared(statement: Statement, issuer: Issuer) -> dict[str, Any]:
    month, moment = month_of(statement.month), issue_moment(statement)
    return {
        "BillingAccountId": issuer.siret,
        "BillingCurrency": CURRENCY,
        "BillingPeriodStart": month.begins_at,
        "BillingPeriodEnd": month.ends_at,
        "InvoiceDetailCreated": moment.astimezone(UTC),
        "InvoiceDetailLastUpdated": moment.astimezone(UTC),
        "InvoiceId": statement.number,
        "InvoiceIssueDate": moment.astimezone(UTC),
        "InvoiceIssueStatus": "Issued",
        "InvoiceIssuerName": issuer.title,
        "PaymentDueDate": (moment + timedelta(days=issuer.payment_days)).astimezone(UTC),
        "PaymentTerms": f"Net {issuer.payment_days}",
        "PurchaseOrderNumber": statement.body.commitment or None,
    }


def _columns(detail: _Detail, statement: Statement) -> dict[str, Any]:
    grain = {"SubAccountId": statement.body.name, "x_Line": detail.name}
    return {
        "BilledCost": detail.amount_eur,
        "ChargeCategory": detail.charge,
        "InvoiceDetailDescription": detail.told,
        "InvoiceDetailGrain": msgspec.json.encode(grain).decode(),
        "InvoiceDetailId": invoice_line_id(statement, detail.name),
        "ReferenceInvoiceId": detail.refers_to,
    }
