"""A buyer's own workbook, filled without being reshaped.

Headings are found by their words, rows by the designation and the unit that the needs declare.
What cannot be filled is told cell by cell, never guessed.
"""

import re
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Final

import msgspec
from openpyxl import load_workbook
from openpyxl.cell import Cell
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.worksheet import Worksheet

from beffroi.kernel.catalogue import Language
from beffroi.kernel.errors import InvalidInputError
from beffroi.ledger.cents import rounded_eur
from beffroi.ledger.quotes.documents import FilledCell, LeftCell, TemplateFill, WhyLeft
from beffroi.ledger.quotes.model import Quote, QuoteLine
from beffroi.ledger.quotes.needs import Charged
from beffroi.ledger.quotes.wording import designation_of, unit_of
from beffroi.ledger.quotes.workbook_cells import with_numbers

_MOST_BYTES: Final = 20 * 1024 * 1024
_MOST_OPENED_BYTES: Final = 200 * 1024 * 1024
_HEADS: Final = {
    "letters": re.compile(r"lettres|in words"),
    "price": re.compile(
        r"^(prix|p ?u\b|p\. ?u\.?|tarif).*unit|^p\.? ?u\.?\b|^unit price|^prix ht|^prix en"
    ),
    "lump": re.compile(r"forfait|global|lump"),
    "amount": re.compile(r"^(montant|total|prix total|amount)"),
    "quantity": re.compile(r"^(quantite|qte|quantity|nombre)"),
    "unit": re.compile(r"^(unite|unit\b|u\.?$)"),
    "designation": re.compile(r"^(designation|libelle|prestation|description|intitule|nature)"),
}
_TOTALS: Final = re.compile(r"^(sous[- ]?total|total|montant|tva|t\.v\.a|vat\b|subtotal)")
_PLACEHOLDER: Final = re.compile(r"[\s.…_€\-]*")
_BROKEN: Final = (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError)


class _Table(msgspec.Struct, frozen=True):
    """A table of a sheet: its row of heads, and the column of each."""

    sheet: str
    head_row: int
    columns: Mapping[str, int]


def fill_template(template: Path, quote: Quote, language: Language) -> tuple[bytes, TemplateFill]:
    """Write the quote's prices into a buyer's workbook.

    Args:
        template: An xlsx file.
        quote: Its lines are found by the words that the needs declare.
        language: Of our own designations, where the needs declare no lines.

    Raises:
        InvalidInputError: It is no workbook, too large, or has no column of prices.
    """
    content = _content(template)
    try:
        workbook = load_workbook(BytesIO(content))
    except _BROKEN as error:
        raise InvalidInputError(
            "ledger.quote_template_unreadable", file=template.name, reason=str(error)
        ) from error
    filling = _Filling(quote, language)
    tables = [table for sheet in workbook.worksheets for table in _tables(sheet)]
    if not tables:
        raise InvalidInputError(
            "ledger.quote_template_no_prices",
            file=template.name,
            sheets=", ".join(workbook.sheetnames),
        )
    for table in tables:
        filling.fill(workbook[table.sheet], table)
    return with_numbers(content, filling.numbers), filling.told(template)


def _content(template: Path) -> bytes:
    try:
        content = template.read_bytes()
        with zipfile.ZipFile(BytesIO(content)) as archive:
            opened = sum(entry.file_size for entry in archive.infolist())
    except _BROKEN as error:
        raise InvalidInputError(
            "ledger.quote_template_unreadable", file=template.name, reason=str(error)
        ) from error
    if len(content) > _MOST_BYTES or opened > _MOST_OPENED_BYTES:
        raise InvalidInputError(
            "ledger.quote_template_too_large", file=template.name, most_mib=_MOST_BYTES >> 20
        )
    return content


def plain_words(text: object) -> str:
    """Write words without accents, capitals and needless spaces, to compare them."""
    letters = unicodedata.normalize("NFKD", str(text if text is not None else ""))
    bare = "".join(one for one in letters if not unicodedata.combining(one))
    bare = bare.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return " ".join(bare.casefold().split())


def _tables(sheet: Worksheet) -> Iterator[_Table]:
    """Find the rows of heads: those that name a designation and a price."""
    for row in sheet.iter_rows():
        columns: dict[str, int] = {}
        for cell in row:
            kind = _kind_of_head(plain_words(cell.value)) if isinstance(cell.value, str) else ""
            if kind:
                columns.setdefault(kind, cell.column or 0)
        if "designation" in columns and {"price", "lump", "amount"} & columns.keys():
            yield _Table(sheet.title, row[0].row or 0, columns)


def _kind_of_head(words: str) -> str:
    return next((kind for kind, head in _HEADS.items() if head.search(words)), "")


class _Filling:
    """What is written and what is left, table by table."""

    def __init__(self, quote: Quote, language: Language) -> None:
        self.numbers: dict[str, dict[str, Decimal]] = {}
        self._filled: list[FilledCell] = []
        self._left: list[LeftCell] = []
        self._months = quote.needs.market.duration_months
        self._lines: dict[str, list[tuple[str, QuoteLine]]] = {}
        self._designations: dict[str, str] = {}
        self._used: set[str] = set()
        for line in quote.lines:
            words = plain_words(designation_of(line, language))
            unit = plain_words(unit_of(line, language))
            self._lines.setdefault(words, []).append((unit, line))
            self._designations[words] = designation_of(line, language)

    def told(self, template: Path) -> TemplateFill:
        """Say what became of the workbook."""
        unused = [told for words, told in self._designations.items() if words not in self._used]
        return TemplateFill(
            file=template.name,
            filled=tuple(self._filled),
            left=tuple(self._left),
            unused=tuple(unused),
        )

    def fill(self, sheet: Worksheet, table: _Table) -> None:
        """Fill the rows below a table's heads, until the next heads."""
        later = [one.head_row for one in _tables(sheet) if one.head_row > table.head_row]
        last = min(later, default=(sheet.max_row or 0) + 1) - 1
        for row in range(table.head_row + 1, last + 1):
            if self._wants_price(sheet, table, row):
                self._fill_row(sheet, table, row)

    def _wants_price(self, sheet: Worksheet, table: _Table, row: int) -> bool:
        """Tell rows from titles: where there are units, a row without one is a title."""
        words = _words(sheet, row, table.columns["designation"])
        if not words:
            return False
        unit = table.columns.get("unit")
        return unit is None or bool(_words(sheet, row, unit)) or bool(_TOTALS.search(words))

    def _fill_row(self, sheet: Worksheet, table: _Table, row: int) -> None:
        words = _words(sheet, row, table.columns["designation"])
        if _TOTALS.search(words) and words not in self._lines:
            for kind in ("amount", "lump"):
                if kind in table.columns:
                    self._leave_if_empty(sheet, row, table.columns[kind], WhyLeft.TOTAL, words)
            return
        unit = table.columns.get("unit")
        found = self._line(words, None if unit is None else _words(sheet, row, unit))
        for kind in ("price", "lump", "amount", "letters"):
            if kind in table.columns:
                cell = sheet.cell(row, table.columns[kind])
                if isinstance(cell, Cell) and _wants_filling(cell, kind):
                    self._fill_cell(kind, sheet, table, cell, found)

    def _line(self, words: str, unit: str | None) -> QuoteLine | WhyLeft:
        """Find a line by its designation, and by its unit where the table has units."""
        known = self._lines.get(words, [])
        if not known:
            return WhyLeft.NO_LINE
        fitting = [line for its, line in known if unit is None or its == unit]
        if not fitting:
            return WhyLeft.OTHER_UNIT
        self._used.add(words)
        return fitting[0]

    def _fill_cell(
        self,
        kind: str,
        sheet: Worksheet,
        table: _Table,
        cell: Cell,
        found: QuoteLine | WhyLeft,
    ) -> None:
        why = _why_not(cell, kind) if isinstance(found, QuoteLine) else found
        if isinstance(found, QuoteLine) and why is None:
            eur = self._eur(kind, sheet, table, cell, found)
            if eur is not None:
                self.numbers.setdefault(sheet.title, {})[cell.coordinate] = eur
                told = designation_of(found, Language.FR)
                self._filled.append(FilledCell(sheet.title, cell.coordinate, told, eur))
                return
            why = WhyLeft.NO_QUANTITY
        words = str(sheet.cell(cell.row, table.columns["designation"]).value)
        self._left.append(LeftCell(sheet.title, cell.coordinate, words, why or WhyLeft.NO_LINE))

    def _eur(
        self, kind: str, sheet: Worksheet, table: _Table, cell: Cell, line: QuoteLine
    ) -> Decimal | None:
        """Return a unit price, the amount of the row's own quantity, or a lump sum."""
        if kind == "price":
            return line.unit_price_eur
        if kind == "amount" and "quantity" in table.columns:
            quantity = sheet.cell(cell.row, table.columns["quantity"]).value
            if isinstance(quantity, bool) or not isinstance(quantity, int | float):
                return None
            return rounded_eur(Decimal(repr(quantity)) * line.unit_price_eur)
        if line.quantity is None:
            return None
        times = self._months if line.charged is Charged.MONTHLY else 1
        return times * line.amount_eur

    def _leave_if_empty(
        self, sheet: Worksheet, row: int, column: int, why: WhyLeft, words: str
    ) -> None:
        cell = sheet.cell(row, column)
        if isinstance(cell, Cell) and _is_empty(cell):
            self._left.append(LeftCell(sheet.title, cell.coordinate, words, why))


def _why_not(cell: Cell, kind: str) -> WhyLeft | None:
    if kind == "letters":
        return WhyLeft.IN_LETTERS
    if _is_empty(cell):
        return None
    return WhyLeft.HOLDS_TEXT if isinstance(cell.value, str) else WhyLeft.HOLDS_NUMBER


def _wants_filling(cell: Cell, kind: str) -> bool:
    """Tell whether something is missing: formulas are kept, as are words that are there."""
    return cell.data_type != "f" and (kind != "letters" or _is_empty(cell))


def _is_empty(cell: Cell) -> bool:
    value = cell.value
    return value is None or (isinstance(value, str) and bool(_PLACEHOLDER.fullmatch(value)))


def _words(sheet: Worksheet, row: int, column: int) -> str:
    return plain_words(sheet.cell(row, column).value)
