"""The XML of an invoice: UN/CEFACT Cross Industry Invoice D22B, profile EN 16931 of Factur-X.

Source: Factur-X 1.09 (FNFE-MPE), XP Z12-012 and the rules BR-FR of the French reform.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from lxml import etree

from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.typesetting import printable
from beffroi.ledger.documents.explaining import explained, late_fees
from beffroi.ledger.documents.invoicing import CREDIT_NOTE, Invoice, InvoiceLine
from beffroi.ledger.documents.vat import VatRate

PROFILE: Final = "urn:cen.eu:en16931:2017"
_SERVICES: Final = "S1"
_SIREN, _SIRET, _DIRECTORY = "0002", "0009", "0225"
_CREDIT_TRANSFER: Final = "30"
_NAMESPACES: Final = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
    "qdt": "urn:un:unece:uncefact:data:standard:QualifiedDataType:100",
}


def cross_industry_invoice(invoice: Invoice, language: Language) -> bytes:
    """Write the XML of an invoice, in UTF-8; the same invoice gives the same bytes."""
    root = etree.Element(_named("rsm:CrossIndustryInvoice"), nsmap=_NAMESPACES)
    context = _under(root, "rsm:ExchangedDocumentContext")
    process = _under(context, "ram:BusinessProcessSpecifiedDocumentContextParameter")
    _under(process, "ram:ID", _SERVICES)
    guideline = _under(context, "ram:GuidelineSpecifiedDocumentContextParameter")
    _under(guideline, "ram:ID", PROFILE)
    _add_document(root, invoice, language)
    trade = _under(root, "rsm:SupplyChainTradeTransaction")
    for line in invoice.lines:
        _add_line(trade, line, language)
    _add_agreement(trade, invoice)
    delivery = _under(trade, "ram:ApplicableHeaderTradeDelivery")
    event = _under(delivery, "ram:ActualDeliverySupplyChainEvent")
    _add_day(event, "ram:OccurrenceDateTime", invoice.until)
    _add_settlement(trade, invoice, language)
    etree.indent(root)
    written: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return written


def _add_document(root: etree._Element, invoice: Invoice, language: Language) -> None:
    document = _under(root, "rsm:ExchangedDocument")
    _under(document, "ram:ID", invoice.number)
    _under(document, "ram:TypeCode", invoice.kind)
    _add_day(document, "ram:IssueDateTime", invoice.issued)
    notes = {
        "AAI": sentence(language, "ledger.documents.made_from", digest=invoice.statement.digest),
        "PMT": sentence(language, "ledger.documents.recovery_fee"),
        "PMD": late_fees(invoice.body, language),
        "AAB": sentence(language, "ledger.documents.no_discount"),
    }
    for subject, text in notes.items():
        note = _under(document, "ram:IncludedNote")
        _under(note, "ram:Content", text)
        _under(note, "ram:SubjectCode", subject)


def _add_line(trade: etree._Element, line: InvoiceLine, language: Language) -> None:
    source = line.source
    item = _under(trade, "ram:IncludedSupplyChainTradeLineItem")
    document = _under(item, "ram:AssociatedDocumentLineDocument")
    _under(document, "ram:LineID", str(source.number))
    product = _under(item, "ram:SpecifiedTradeProduct")
    _under(product, "ram:SellerAssignedID", source.subject)
    _under(product, "ram:Name", source.title)
    _under(product, "ram:Description", explained(source.explanation, language))
    agreement = _under(item, "ram:SpecifiedLineTradeAgreement")
    price = _under(agreement, "ram:NetPriceProductTradePrice")
    _under(price, "ram:ChargeAmount", _plain(line.price_eur))
    delivery = _under(item, "ram:SpecifiedLineTradeDelivery")
    _under(delivery, "ram:BilledQuantity", _plain(line.quantity), {"unitCode": line.unit})
    settlement = _under(item, "ram:SpecifiedLineTradeSettlement")
    tax = _under(settlement, "ram:ApplicableTradeTax")
    _under(tax, "ram:TypeCode", "VAT")
    _under(tax, "ram:CategoryCode", _category(source.vat_percent))
    _under(tax, "ram:RateApplicablePercent", _plain(source.vat_percent))
    _add_period(settlement, source.since, source.until - timedelta(days=1))
    sums = _under(settlement, "ram:SpecifiedTradeSettlementLineMonetarySummation")
    _under(sums, "ram:LineTotalAmount", _plain(line.amount_eur))


def _add_agreement(trade: etree._Element, invoice: Invoice) -> None:
    """Add who sells and who buys; Chorus Pro reads its service code and commitment here."""
    issuer, body = invoice.issuer, invoice.body
    agreement = _under(trade, "ram:ApplicableHeaderTradeAgreement")
    if body.service_code:
        _under(agreement, "ram:BuyerReference", body.service_code)
    _add_party(
        _under(agreement, "ram:SellerTradeParty"),
        (issuer.title, issuer.siret, issuer.vat_number),
        issuer.address,
        (issuer.postcode, issuer.town),
    )
    _add_party(
        _under(agreement, "ram:BuyerTradeParty"),
        (body.title, body.siret, body.vat_number),
        body.address,
        (body.postcode, body.town),
    )
    if body.commitment:
        order = _under(agreement, "ram:BuyerOrderReferencedDocument")
        _under(order, "ram:IssuerAssignedID", body.commitment)


def _add_party(
    party: etree._Element,
    identity: tuple[str, str, str],
    address: tuple[str, ...],
    place: tuple[str, str],
) -> None:
    """Add a French party: its SIRET, SIREN, address and address in the directory.

    An address of more than three lines has its rest on the third.
    """
    name, siret, vat_number = identity
    siren = siret[:9]
    _under(party, "ram:GlobalID", siret, {"schemeID": _SIRET})
    _under(party, "ram:Name", name)
    legal = _under(party, "ram:SpecifiedLegalOrganization")
    _under(legal, "ram:ID", siren, {"schemeID": _SIREN})
    postal = _under(party, "ram:PostalTradeAddress")
    postcode, town = place
    if postcode:
        _under(postal, "ram:PostcodeCode", postcode)
    lines = (*address[:2], ", ".join(address[2:]))
    for tag, text in zip(("LineOne", "LineTwo", "LineThree"), lines, strict=False):
        if text:
            _under(postal, f"ram:{tag}", text)
    if town:
        _under(postal, "ram:CityName", town)
    _under(postal, "ram:CountryID", "FR")
    electronic = _under(party, "ram:URIUniversalCommunication")
    _under(electronic, "ram:URIID", f"{siren}_{siret}", {"schemeID": _DIRECTORY})
    if vat_number:
        registration = _under(party, "ram:SpecifiedTaxRegistration")
        _under(registration, "ram:ID", vat_number, {"schemeID": "VA"})


def _add_settlement(trade: etree._Element, invoice: Invoice, language: Language) -> None:
    issuer = invoice.issuer
    settlement = _under(trade, "ram:ApplicableHeaderTradeSettlement")
    _under(settlement, "ram:PaymentReference", invoice.number)
    _under(settlement, "ram:InvoiceCurrencyCode", "EUR")
    if issuer.iban:
        means = _under(settlement, "ram:SpecifiedTradeSettlementPaymentMeans")
        _under(means, "ram:TypeCode", _CREDIT_TRANSFER)
        account = _under(means, "ram:PayeePartyCreditorFinancialAccount")
        _under(account, "ram:IBANID", issuer.iban.replace(" ", ""))
        if issuer.bic:
            bank = _under(means, "ram:PayeeSpecifiedCreditorFinancialInstitution")
            _under(bank, "ram:BICID", issuer.bic)
    for rate in invoice.vat:
        _add_vat(settlement, rate, language)
    _add_period(settlement, invoice.since, invoice.until)
    if invoice.kind != CREDIT_NOTE:
        terms = _under(settlement, "ram:SpecifiedTradePaymentTerms")
        told = sentence(language, "ledger.documents.payment_terms", days=issuer.payment_days)
        _under(terms, "ram:Description", told)
        _add_day(terms, "ram:DueDateDateTime", invoice.due)
    _add_sums(settlement, invoice)
    for one in invoice.preceding:
        reference = _under(settlement, "ram:InvoiceReferencedDocument")
        _under(reference, "ram:IssuerAssignedID", one.number)
        _add_day(reference, "ram:FormattedIssueDateTime", one.issued, types="qdt")


def _add_vat(settlement: etree._Element, rate: VatRate, language: Language) -> None:
    tax = _under(settlement, "ram:ApplicableTradeTax")
    _under(tax, "ram:CalculatedAmount", _plain(rate.tax_eur))
    _under(tax, "ram:TypeCode", "VAT")
    if not rate.percent:
        _under(tax, "ram:ExemptionReason", sentence(language, "ledger.documents.exempt"))
    _under(tax, "ram:BasisAmount", _plain(rate.base_eur))
    _under(tax, "ram:CategoryCode", _category(rate.percent))
    _under(tax, "ram:RateApplicablePercent", _plain(rate.percent))


def _add_sums(settlement: etree._Element, invoice: Invoice) -> None:
    sums = _under(settlement, "ram:SpecifiedTradeSettlementHeaderMonetarySummation")
    _under(sums, "ram:LineTotalAmount", _plain(invoice.net_eur))
    _under(sums, "ram:TaxBasisTotalAmount", _plain(invoice.net_eur))
    _under(sums, "ram:TaxTotalAmount", _plain(invoice.tax_eur), {"currencyID": "EUR"})
    _under(sums, "ram:GrandTotalAmount", _plain(invoice.due_eur))
    _under(sums, "ram:DuePayableAmount", _plain(invoice.due_eur))


def _add_period(parent: etree._Element, since: date, until: date) -> None:
    period = _under(parent, "ram:BillingSpecifiedPeriod")
    _add_day(period, "ram:StartDateTime", since)
    _add_day(period, "ram:EndDateTime", until)


def _add_day(parent: etree._Element, name: str, day: date, *, types: str = "udt") -> None:
    moment = _under(parent, name)
    _under(moment, f"{types}:DateTimeString", f"{day:%Y%m%d}", {"format": "102"})


def _category(percent: Decimal) -> str:
    """Tell the category of a rate: standard, or exempt."""
    return "S" if percent else "E"


def _plain(value: Decimal) -> str:
    """Write a number without an exponent, with two decimals at least, 0 without a sign."""
    text = f"{value + 0:f}"
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals[:2].ljust(2, '0')}{decimals[2:].rstrip('0')}"


def _under(
    parent: etree._Element, name: str, text: str = "", attributes: Mapping[str, str] | None = None
) -> etree._Element:
    child = etree.SubElement(parent, _named(name), dict(attributes or {}))
    if text:
        child.text = printable(text)
    return child


def _named(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{_NAMESPACES[prefix]}}}{local}"
