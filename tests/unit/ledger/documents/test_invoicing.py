"""Invoices: exact sums, credit notes turned round, refusals that say why."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from beffroi.kernel.catalogue import Language
from beffroi.kernel.errors import InvalidInputError
from beffroi.ledger.documents.cross_industry_invoice import cross_industry_invoice
from beffroi.ledger.documents.invoicing import CREDIT_NOTE, INVOICE, invoice_of
from beffroi.ledger.documents.vat import due_eur
from beffroi.ledger.model import LineRef, Statement, StatementState
from tests.support.cross_industry_checks import schema_faults
from tests.support.drancy_statements import ISSUER, drancy_statements

CENT = Decimal("0.01")
OFFICE = drancy_statements()[3]
EARLIER = {"NUM-2026-000001": date(2026, 10, 5)}
RAM = {"ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"}


def _with_lines(**fields: Any) -> Statement:
    lines = tuple(msgspec.structs.replace(line, **fields) for line in OFFICE.lines)
    return msgspec.structs.replace(OFFICE, lines=lines)


def _texts(xml: bytes, path: str) -> list[str]:
    return [one.text or "" for one in etree.fromstring(xml).iterfind(path, RAM)]


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    """Change amounts, prices, quantities and VAT rates of the sample's lines."""
    lines = [
        msgspec.structs.replace(
            line,
            amount_eur=draw(st.decimals(min_value=-(10**6), max_value=10**6, places=2)),
            quantity=draw(st.decimals(min_value=0, max_value=10**6, places=6)),
            unit_price_eur=draw(st.decimals(min_value=0, max_value=100, places=8)),
            vat_percent=draw(st.sampled_from([Decimal(one) for one in ("20", "5.5", "0")])),
            corrects=LineRef("NUM-2026-000001", 1),
        )
        for line in OFFICE.lines
    ]
    return msgspec.structs.replace(OFFICE, lines=tuple(lines))


def test_quantity_times_price_is_the_amount_and_lines_add_up() -> None:
    invoice = invoice_of(OFFICE, ISSUER, {})
    assert invoice.kind == INVOICE
    assert [one.in_own_unit for one in invoice.lines] == [True, True, True, True]
    assert [one.unit for one in invoice.lines] == ["HUR", "C62", "C62", "C62"]
    assert invoice.net_eur == OFFICE.net_eur == Decimal("886.60")
    assert (invoice.tax_eur, invoice.due_eur) == (Decimal("177.32"), Decimal("1063.92"))


@settings(max_examples=60, deadline=None)
@given(statements())
def test_every_sum_of_an_invoice_holds_whatever_the_lines(statement: Statement) -> None:
    invoice = invoice_of(statement, ISSUER, EARLIER)
    for line in invoice.lines:
        assert (line.quantity * line.price_eur).quantize(CENT, ROUND_HALF_UP) == line.amount_eur
        assert line.price_eur >= 0
    assert invoice.net_eur == sum(line.amount_eur for line in invoice.lines)
    assert invoice.net_eur == sum(one.base_eur for one in invoice.vat)
    assert invoice.due_eur == invoice.net_eur + invoice.tax_eur == abs(due_eur(statement))
    xml = cross_industry_invoice(invoice, Language.FR)
    assert schema_faults(xml) == []
    assert _texts(xml, ".//ram:DuePayableAmount") == [f"{invoice.due_eur:.2f}"]


def test_a_negative_statement_is_a_credit_note_that_names_what_it_corrects() -> None:
    statement = _with_lines(amount_eur=Decimal("-10.00"), corrects=LineRef("NUM-2026-000001", 1))
    invoice = invoice_of(statement, ISSUER, EARLIER)
    assert invoice.kind == CREDIT_NOTE
    assert invoice.due_eur == Decimal("48.00")
    xml = cross_industry_invoice(invoice, Language.FR)
    assert _texts(xml, ".//ram:InvoiceReferencedDocument/ram:IssuerAssignedID") == [*EARLIER]
    assert _texts(xml, ".//ram:DueDateDateTime") == []


def test_chorus_pro_finds_its_service_code_and_commitment() -> None:
    xml = cross_industry_invoice(invoice_of(OFFICE, ISSUER, {}), Language.FR)
    assert _texts(xml, ".//ram:BuyerReference") == ["DSI"]
    order = ".//ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID"
    assert _texts(xml, order) == ["2026-0417-HEB"]


def test_what_no_xml_may_hold_is_replaced_in_names() -> None:
    body = msgspec.structs.replace(OFFICE.body, title='A & B <"c">\x00 עברית')
    statement = msgspec.structs.replace(OFFICE, body=body)
    xml = cross_industry_invoice(invoice_of(statement, ISSUER, {}), Language.EN)
    assert _texts(xml, ".//ram:BuyerTradeParty/ram:Name") == ['A & B <"c">\ufffd עברית']


@pytest.mark.parametrize(
    ("statement", "issuer", "code"),
    [
        (
            msgspec.structs.replace(OFFICE, state=StatementState.DRAFT),
            ISSUER,
            "ledger.draft_is_not_invoiced",
        ),
        (msgspec.structs.replace(OFFICE, lines=()), ISSUER, "ledger.nothing_to_invoice"),
        (
            OFFICE,
            msgspec.structs.replace(ISSUER, vat_number=""),
            "ledger.issuer_without_vat_number",
        ),
        (
            _with_lines(amount_eur=Decimal(-1)),
            ISSUER,
            "ledger.credit_note_without_invoice",
        ),
    ],
    ids=["a draft", "no line", "no VAT number", "nothing corrected"],
)
def test_what_cannot_be_invoiced_is_refused_with_its_reason(
    statement: Statement, issuer: Any, code: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        invoice_of(statement, issuer, {})
    assert refused.value.code == code
