"""The price list, the detailed estimate and the lump sums as a workbook with formulas.

BPU: unit prices without quantities. DQE: quantities times the prices of the BPU. DPGF: the same
as lump sums over the duration. Every sum is a formula, and comes to the quote's own totals.
"""

from collections.abc import Sequence
from decimal import Decimal
from io import BytesIO
from typing import Final

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from beffroi.kernel.catalogue import Language
from beffroi.ledger.quotes.forecast import MONTHS
from beffroi.ledger.quotes.model import Quote, QuoteLine
from beffroi.ledger.quotes.needs import Charged
from beffroi.ledger.quotes.wording import designation_of, quote_word, unit_of

BPU: Final = "BPU"
DQE: Final = "DQE"
DPGF: Final = "DPGF"
_HEAD_ROW: Final = 4
_EUROS: Final = "#,##0.00\\ [$€-40C]"
_FINE_EUROS: Final = "#,##0.00##\\ [$€-40C]"
_ACCENT: Final = "1F4E79"
_TINT: Final = PatternFill("solid", fgColor="F1F4F6")
_RULE: Final = Border(bottom=Side(style="thin", color="C3CCD4"))
_WIDTHS: Final = {"A": 8, "B": 62, "C": 20, "D": 16, "E": 18, "F": 20}


def quote_workbook(quote: Quote, language: Language) -> bytes:
    """Make the workbook of a quote."""
    workbook = Workbook()
    del workbook["Sheet"]
    workbook.properties.creator = quote.issuer.title
    workbook.properties.title = quote.needs.consultation.title
    _bpu(_sheet(workbook, BPU, quote, language), quote, language)
    _dqe(_sheet(workbook, DQE, quote, language), quote, language)
    _dpgf(_sheet(workbook, DPGF, quote, language), quote, language)
    written = BytesIO()
    workbook.save(written)
    return written.getvalue()


def _sheet(workbook: Workbook, name: str, quote: Quote, language: Language) -> Worksheet:
    sheet: Worksheet = workbook.create_sheet(name)
    consultation = quote.needs.consultation
    sheet["A1"] = quote_word(language, f"sheets.{name.lower()}")
    sheet["A1"].font = Font(bold=True, size=14, color=_ACCENT)
    sheet["A2"] = f"{consultation.reference} · {consultation.title} · {quote.issuer.title}"
    for column, width in _WIDTHS.items():
        sheet.column_dimensions[column].width = width
    sheet.freeze_panes = f"A{_HEAD_ROW + 1}"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = 9
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    return sheet


def _heads(sheet: Worksheet, keys: Sequence[str], language: Language) -> None:
    for column, key in enumerate(keys, start=1):
        cell = sheet.cell(_HEAD_ROW, column, quote_word(language, f"heads.{key}"))
        cell.font = Font(bold=True, color=_ACCENT)
        cell.fill = _TINT
        cell.alignment = Alignment(wrap_text=True, vertical="center")


def _row_of(place: int) -> int:
    """Return the row of a line, which is the same in all sheets."""
    return _HEAD_ROW + 1 + place


def _named(sheet: Worksheet, place: int, line: QuoteLine, language: Language) -> int:
    row = _row_of(place)
    texts = (line.number, designation_of(line, language), unit_of(line, language))
    for column, text in enumerate(texts, start=1):
        cell = sheet.cell(row, column)
        # As text: a designation that begins with = is no formula.
        cell.value = text
        cell.data_type = "s"
        cell.alignment = Alignment(wrap_text=column == 2, vertical="top")
    for column in range(1, 7):
        sheet.cell(row, column).border = _RULE
    return row


def _euros(sheet: Worksheet, place: str, value: str | Decimal, style: str = _EUROS) -> None:
    sheet[place] = value
    sheet[place].number_format = style


def _bpu(sheet: Worksheet, quote: Quote, language: Language) -> None:
    _heads(sheet, ("number", "designation", "unit", "unit_price"), language)
    for place, line in enumerate(quote.lines):
        row = _named(sheet, place, line, language)
        _euros(sheet, f"D{row}", line.unit_price_eur, _FINE_EUROS)


def _dqe(sheet: Worksheet, quote: Quote, language: Language) -> None:
    heads = ("number", "designation", "unit", "quantity", "unit_price", "amount")
    _heads(sheet, heads, language)
    for place, line in enumerate(quote.lines):
        row = _named(sheet, place, line, language)
        _euros(sheet, f"E{row}", f"={BPU}!D{row}", _FINE_EUROS)
        if line.quantity is None:
            sheet[f"D{row}"] = quote_word(language, "on_demand")
        else:
            sheet[f"D{row}"] = line.quantity
            _euros(sheet, f"F{row}", f"=ROUND(D{row}*E{row},2)")
    row = _row_of(len(quote.lines)) + 1
    month, once = (_sum_of(quote.lines, charged) for charged in (Charged.MONTHLY, Charged.ONCE))
    months = quote.needs.market.duration_months
    sums = (
        ("once", once),
        ("month", month),
        ("year", f"={MONTHS}*F{row + 1}"),
        ("duration", f"={months}*F{row + 1}+F{row}"),
    )
    _sums(sheet, row, sums, quote, language)


def _dpgf(sheet: Worksheet, quote: Quote, language: Language) -> None:
    _heads(sheet, ("number", "designation", "unit", "times", "lump_once", "lump"), language)
    months = quote.needs.market.duration_months
    for place, line in enumerate(quote.lines):
        if line.quantity is not None:
            row = _named(sheet, place, line, language)
            sheet[f"C{row}"] = quote_word(language, "lump_unit")
            sheet[f"D{row}"] = months if line.charged is Charged.MONTHLY else 1
            _euros(sheet, f"E{row}", f"={DQE}!F{row}")
            _euros(sheet, f"F{row}", f"=D{row}*E{row}")
    row = _row_of(len(quote.lines)) + 1
    total = f"=SUM(F{_row_of(0)}:F{row - 2})"
    _sums(sheet, row, (("duration", total),), quote, language)


def _sum_of(lines: Sequence[QuoteLine], charged: Charged) -> str:
    """Write the sum of the lines that are paid so."""
    rows = [
        f"F{_row_of(place)}"
        for place, line in enumerate(lines)
        if line.charged is charged and line.quantity is not None
    ]
    return f"={'+'.join(rows)}" if rows else "=0"


def _sums(
    sheet: Worksheet,
    row: int,
    sums: Sequence[tuple[str, str]],
    quote: Quote,
    language: Language,
) -> None:
    """Write the sums without VAT, then the VAT of the last one and what it comes to."""
    percent = quote.needs.terms.vat_percent
    last = row + len(sums) - 1
    taxed = (
        *sums,
        ("vat", f"=ROUND(F{last}*{percent}/100,2)"),
        ("gross", f"=F{last}+F{last + 1}"),
    )
    values = {"months": quote.needs.market.duration_months, "percent": f"{percent:f}"}
    for place, (key, formula) in enumerate(taxed, start=row):
        label = sheet.cell(place, 2, quote_word(language, f"totals.{key}", **values))
        label.font = Font(bold=True)
        _euros(sheet, f"F{place}", formula)
        sheet[f"F{place}"].font = Font(bold=True)
