"""Invoices stand the published checks, and their PDF is an archive that carries its XML."""

from datetime import date
from decimal import Decimal
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from facturx import get_facturx_xml_from_pdf
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from beffroi.kernel.catalogue import Language
from beffroi.kernel.typesetting import Typesetter
from beffroi.ledger.documents.cross_industry_invoice import cross_industry_invoice
from beffroi.ledger.documents.invoice_pdf import invoice_pdf
from beffroi.ledger.documents.invoicing import Invoice, invoice_of
from beffroi.ledger.model import BodyKind, LineRef, Statement
from tests.support.cross_industry_checks import fired_rules, rule_faults, schema_faults
from tests.support.drancy_statements import ISSUER, drancy_statements
from tests.support.pdf_reading import (
    catalog_of,
    fonts_named,
    fonts_outside,
    properties_of,
    text_of,
)

OFFICE = drancy_statements()[3]
EARLIER = {"NUM-2026-000001": date(2026, 10, 5)}
TEMPLATE = Path(str(files("beffroi.ledger.documents"))) / "templates" / "invoice.typ"
ODD_TITLE = 'Régie «Ô» & fils <&> "x" \u202eabc עברית مرحبا 日本 😀 ' + "très long " * 20


@pytest.fixture(scope="session")
def typesetter() -> Typesetter:
    """Load the template once."""
    return Typesetter(TEMPLATE)


def _changed(amounts: list[Decimal], percents: list[Decimal], **body: Any) -> Invoice:
    lines = tuple(
        msgspec.structs.replace(
            line, amount_eur=amount, vat_percent=percent, corrects=LineRef("NUM-2026-000001", 1)
        )
        for line, amount, percent in zip(OFFICE.lines, amounts, percents, strict=True)
    )
    changed = msgspec.structs.replace(OFFICE.body, **body)
    statement = msgspec.structs.replace(OFFICE, lines=lines, body=changed)
    return invoice_of(statement, ISSUER, EARLIER)


def _faults(invoice: Invoice, language: Language = Language.FR) -> list[str]:
    xml = cross_industry_invoice(invoice, language)
    return schema_faults(xml) + rule_faults(xml)


@pytest.mark.parametrize("language", list(Language))
def test_the_sample_invoice_stands_every_published_rule(language: Language) -> None:
    invoice = invoice_of(OFFICE, ISSUER, {})
    assert _faults(invoice, language) == []
    assert fired_rules(cross_industry_invoice(invoice, language)) > 50


def test_a_total_that_is_wrong_by_a_cent_is_seen() -> None:
    invoice = invoice_of(OFFICE, ISSUER, {})
    wrong = msgspec.structs.replace(invoice, tax_eur=invoice.tax_eur + Decimal("0.01"))
    assert any("BR-CO-14" in one for one in _faults(wrong))


def test_a_credit_note_stands_every_rule() -> None:
    amounts = [Decimal("-12.34"), Decimal("5.00"), Decimal("-0.01"), Decimal("-640.00")]
    assert _faults(_changed(amounts, [Decimal(20)] * 4)) == []


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.decimals(-(10**5), 10**5, places=2), min_size=4, max_size=4),
    st.lists(st.sampled_from([Decimal(20), Decimal("5.5"), Decimal(0)]), min_size=4, max_size=4),
    st.sampled_from(list(BodyKind)),
)
def test_every_rule_holds_whatever_the_amounts_and_rates(
    amounts: list[Decimal], percents: list[Decimal], kind: BodyKind
) -> None:
    assert _faults(_changed(amounts, percents, kind=kind)) == []


def test_odd_names_and_missing_parts_of_an_address_stand_every_rule() -> None:
    odd = _changed(
        [Decimal(1)] * 4,
        [Decimal(20)] * 4,
        title=ODD_TITLE,
        address=("1", "2", "3", "4 & 5"),
        postcode="",
        town="",
        service_code="",
        commitment="",
    )
    assert _faults(odd) == []


def test_the_pdf_carries_the_xml_that_was_checked(typesetter: Typesetter) -> None:
    invoice = invoice_of(OFFICE, ISSUER, {})
    name, xml = get_facturx_xml_from_pdf(
        invoice_pdf(typesetter, invoice, Language.FR), check_xsd=True, check_schematron=False
    )
    assert name == "factur-x.xml"
    assert xml == cross_industry_invoice(invoice, Language.FR)


def test_the_pdf_is_an_archive_that_says_it_is_factur_x(typesetter: Typesetter) -> None:
    content = invoice_pdf(typesetter, _invoice(OFFICE), Language.FR)
    told, root = properties_of(content), catalog_of(content)
    fx = "{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}"
    assert told["{http://www.aiim.org/pdfa/ns/id/}part"] == "3"
    assert told["{http://www.aiim.org/pdfa/ns/id/}conformance"] == "A"
    assert told[f"{fx}DocumentType"] == "INVOICE"
    assert told[f"{fx}ConformanceLevel"] == "EN 16931"
    assert told[f"{fx}DocumentFileName"] == "factur-x.xml"
    assert fx == f"{{{told['{http://www.aiim.org/pdfa/ns/schema#}namespaceURI']}}}"
    assert "/Filter" not in root["/Metadata"].get_object()
    (attached,) = root["/AF"]
    assert attached.get_object()["/AFRelationship"] == "/Alternative"
    assert attached.get_object()["/EF"]["/F"].get_object()["/Subtype"] == "/text/xml"
    assert root["/OutputIntents"][0].get_object()["/S"] == "/GTS_PDFA1"
    assert root["/MarkInfo"]["/Marked"]


def test_the_pdf_is_of_its_version_identified_and_not_encrypted(typesetter: Typesetter) -> None:
    content = invoice_pdf(typesetter, _invoice(OFFICE), Language.FR)
    trailer: Any = PdfReader(BytesIO(content)).trailer
    assert content.startswith(b"%PDF-1.7\n%")
    assert len(trailer["/ID"]) == 2
    assert "/Encrypt" not in trailer


def test_every_font_of_the_pdf_is_inside_it(typesetter: Typesetter) -> None:
    content = invoice_pdf(typesetter, _invoice(OFFICE), Language.FR)
    assert fonts_named(content)
    assert fonts_outside(content) == []


def test_the_same_invoice_gives_the_same_bytes(typesetter: Typesetter) -> None:
    made = {invoice_pdf(typesetter, _invoice(OFFICE), Language.FR) for _ in range(2)}
    made.add(invoice_pdf(Typesetter(TEMPLATE), _invoice(OFFICE), Language.FR))
    assert len(made) == 1


def test_a_person_reads_the_mentions_that_the_law_wants(typesetter: Typesetter) -> None:
    text = text_of(invoice_pdf(typesetter, _invoice(OFFICE), Language.FR))
    for mention in (
        "Facture NUM-2026-000004",
        "20005481600018",
        "FR12200054816",
        "27930001000029",
        "FR45279300010",
        "4 novembre 2026",
        "4 décembre 2026",
        "1 063,92 €",
        "177,32 €",
        "40 €",
        "DSI",
        "2026-0417-HEB",
    ):
        assert mention in text


def test_odd_names_do_not_stop_the_page(typesetter: Typesetter) -> None:
    odd = _changed([Decimal(1)] * 4, [Decimal(20)] * 4, title=ODD_TITLE + "\x00")
    text = text_of(invoice_pdf(typesetter, odd, Language.EN))
    assert "Régie «Ô» & fils <&>" in text
    assert "Credit note" not in text


def _invoice(statement: Statement) -> Invoice:
    return invoice_of(statement, ISSUER, {})
