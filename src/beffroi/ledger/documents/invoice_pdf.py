"""Factur-X: the page that people read, with the XML that machines read inside it.

typst writes PDF/A-3a and PDF/UA-1 with the XML attached; what it cannot write are the properties
of Factur-X in the metadata, which are added afterwards.
"""

from io import BytesIO
from typing import Final

from lxml import etree
from pypdf import PdfWriter
from pypdf.generic import StreamObject

from beffroi.kernel.catalogue import Language
from beffroi.kernel.telling import told_euros
from beffroi.kernel.typesetting import Typesetter
from beffroi.ledger.documents.cross_industry_invoice import cross_industry_invoice
from beffroi.ledger.documents.explaining import explained
from beffroi.ledger.documents.figures import (
    day_in_words,
    issue_moment,
    told_number,
    told_percent,
    told_price,
    told_unit,
)
from beffroi.ledger.documents.invoicing import CREDIT_NOTE, Invoice, InvoiceLine
from beffroi.ledger.documents.sheet import (
    LineRow,
    Sheet,
    buyer_facts,
    head_of,
    heads_of,
    issue_facts,
    payment_terms,
    totals_of,
    word,
    words_of,
)

_WORDS: Final = ("page", "addressee", "draft", "lines", "vat", "payment")
_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_EXTENSION: Final = "http://www.aiim.org/pdfa/ns/extension/"
_FACTUR_X: Final = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_HEADER: Final = "%PDF-1.7"
_PROPERTIES: Final = {
    "DocumentType": ("INVOICE", "The type of the hybrid document in capital letters"),
    "DocumentFileName": ("factur-x.xml", "The name of the embedded XML document"),
    "Version": ("1.0", "The version of the standard applying to the embedded XML document"),
    "ConformanceLevel": ("EN 16931", "The conformance level of the embedded XML document"),
}


class _InvoiceSheet(Sheet, frozen=True, kw_only=True):
    """What the template of an invoice is given; ``vat`` has a row for each rate."""

    vat: tuple[tuple[str, str, str], ...]


def invoice_pdf(typesetter: Typesetter, invoice: Invoice, language: Language) -> bytes:
    """Make the Factur-X of an invoice: PDF/A-3a with its CII XML of profile EN 16931.

    Args:
        typesetter: Of the template ``invoice.typ``.
        invoice: What is due.
        language: Of the page and of the texts in the XML.
    """
    page = typesetter.typeset(
        _sheet(invoice, language),
        made_at=issue_moment(invoice.statement),
        invoice=cross_industry_invoice(invoice, language).decode(),
    )
    writer = PdfWriter(clone_from=BytesIO(page))
    writer.pdf_header = _HEADER
    metadata = writer.root_object["/Metadata"].get_object()
    if not isinstance(metadata, StreamObject):
        raise TypeError("the page has no metadata")
    metadata.set_data(_with_factur_x(metadata.get_data()))
    written = BytesIO()
    writer.write(written)
    return written.getvalue()


def _sheet(invoice: Invoice, language: Language) -> _InvoiceSheet:
    statement, body = invoice.statement, invoice.body
    kind = "credit_note" if invoice.kind == CREDIT_NOTE else "invoice"
    due = () if invoice.kind == CREDIT_NOTE else _fact("due_day", invoice, language)
    period = word(
        language,
        "from_to",
        since=day_in_words(invoice.since, language),
        until=day_in_words(invoice.until, language),
    )
    corrected = ", ".join(
        f"{one.number} ({day_in_words(one.issued, language)})" for one in invoice.preceding
    )
    return _InvoiceSheet(
        head=head_of(
            statement,
            invoice.issuer,
            word(language, kind, number=invoice.number),
            language,
        ),
        facts=(
            *issue_facts(statement, language),
            (word(language, "period"), period),
            *due,
            *buyer_facts(body, language),
            *(((word(language, "corrects"), corrected),) if corrected else ()),
        ),
        words=words_of(language, _WORDS),
        headers={
            "lines": heads_of(language, ("number", "line", "quantity", "price", "vat", "net")),
            "vat": heads_of(language, ("vat", "base", "tax")),
        },
        lines=tuple(_row(line, language) for line in invoice.lines),
        totals=totals_of(invoice.net_eur, invoice.vat, invoice.due_eur, language),
        terms=payment_terms(invoice.issuer, body, language),
        vat=tuple(
            (
                told_percent(one.percent, language)
                if one.percent
                else f"{told_percent(one.percent, language)} · {word(language, 'exempt')}",
                told_euros(one.base_eur, language),
                told_euros(one.tax_eur, language),
            )
            for one in invoice.vat
        ),
    )


def _fact(key: str, invoice: Invoice, language: Language) -> tuple[tuple[str, str], ...]:
    return ((word(language, key), day_in_words(invoice.due, language)),)


def _row(line: InvoiceLine, language: Language) -> LineRow:
    source = line.source
    return LineRow(
        number=str(source.number),
        title=source.title,
        explained=explained(source.explanation, language),
        quantity=told_number(line.quantity, language, most=4),
        unit=told_unit(source.unit, language) if line.in_own_unit else "",
        price=told_price(line.price_eur, language),
        amount=told_euros(line.amount_eur, language),
        vat=told_percent(source.vat_percent, language),
    )


def _with_factur_x(packet: bytes) -> bytes:
    """Add the properties of Factur-X and the schema that declares them to XMP metadata.

    Source: Factur-X 1.09, chapter 6.3.2; ISO 19005-3, 6.6.2.3.
    """
    tree = etree.fromstring(packet)
    space = {"rdf": _RDF, "pdfaExtension": _EXTENSION}
    schemas = tree.find(".//pdfaExtension:schemas/rdf:Bag", space)
    described = tree.find(".//rdf:Description", space)
    if schemas is None or described is None:
        raise ValueError("the page's metadata declare no schemas")
    schemas.append(etree.fromstring(_schema()))
    for name, (value, _) in _PROPERTIES.items():
        etree.SubElement(described, f"{{{_FACTUR_X}}}{name}", nsmap={"fx": _FACTUR_X}).text = value
    begin = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    body = etree.tostring(tree, encoding="unicode", with_tail=False)
    return f'{begin}{body}<?xpacket end="r"?>'.encode()


def _schema() -> str:
    """Write the declaration of the schema of Factur-X."""
    properties = "".join(
        '<rdf:li rdf:parseType="Resource">'
        f"<pdfaProperty:name>{name}</pdfaProperty:name><pdfaProperty:valueType>Text</pdfaProperty:valueType>"
        f"<pdfaProperty:category>external</pdfaProperty:category><pdfaProperty:description>{told}</pdfaProperty:description></rdf:li>"
        for name, (_, told) in _PROPERTIES.items()
    )
    return (
        f'<rdf:li xmlns:rdf="{_RDF}" xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"'
        ' xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#" rdf:parseType="Resource">'
        "<pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>"
        f"<pdfaSchema:namespaceURI>{_FACTUR_X}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>"
        f"<pdfaSchema:property><rdf:Seq>{properties}</rdf:Seq></pdfaSchema:property></rdf:li>"
    )
