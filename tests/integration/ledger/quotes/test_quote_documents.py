"""The worker, as a process of its own, makes the documents of a quote."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from openpyxl import Workbook, load_workbook

from beffroi.kernel.catalogue import Language
from beffroi.kernel.processes.workers import Progress
from beffroi.kernel.telling import told_euros
from beffroi.ledger.quotes.documents import QuoteFiles, QuoteRequest
from beffroi.ledger.quotes.model import Quote
from beffroi.ledger.quotes.process import QuoteDocumentsProcess
from beffroi.ledger.quotes.quoting import quote_of
from beffroi.ledger.quotes.spreadsheet import quote_workbook
from tests.support.pdf_reading import fonts_outside, text_of
from tests.support.quotes import drancy_accounts, drancy_needs, placement, without_lines

QUOTE = quote_of(drancy_needs(), drancy_accounts(), placement(), date(2026, 11, 22))
_REFERENCE = re.compile(r"(?:([A-Z]+)!)?([A-Z][0-9]+)(?::([A-Z])([0-9]+))?")


class Computed:
    """A workbook computed exactly: sums, products and rounding, which is all that ours use."""

    def __init__(self, content: bytes) -> None:
        self._workbook = load_workbook(BytesIO(content))

    def value(self, sheet: str, cell: str) -> Decimal:
        found = self._workbook[sheet][cell].value
        if found is None:
            return Decimal(0)
        return self._formula(sheet, found) if isinstance(found, str) else Decimal(str(found))

    def _formula(self, sheet: str, formula: str) -> Decimal:
        def written(found: re.Match[str]) -> str:
            if found[3] is None:
                return f"D('{self.value(found[1] or sheet, found[2])}')"
            first, last = int(found[2][1:]), int(found[4])
            cells = (self.value(sheet, f"{found[3]}{row}") for row in range(first, last + 1))
            return f"D('{sum(cells, Decimal(0))}')"

        text = _REFERENCE.sub(written, formula.removeprefix("="))
        text = re.sub(r"(?<![\w'.])([0-9]+(?:\.[0-9]+)?)(?![\w'.])", r"D('\1')", text)
        text = re.sub(r"ROUND\((.*),D\('2'\)\)", r"CENTS(\1)", text)
        names: Mapping[str, object] = {
            "D": Decimal,
            "SUM": lambda total: total,
            "CENTS": lambda number: number.quantize(Decimal("0.01"), ROUND_HALF_UP),
        }
        found: Decimal = eval(text, {"__builtins__": {}}, dict(names))  # noqa: S307 - our formula
        return found


async def made(folder: Path, language: Language, template: str = "") -> QuoteFiles:
    told: list[Progress] = []
    request = QuoteRequest(quote=QUOTE, folder=str(folder), language=language, template=template)
    found = await QuoteDocumentsProcess().make(request, told.append)
    assert told
    return found


@pytest.mark.parametrize("language", Language)
async def test_every_document_is_written_in_both_languages(
    tmp_path: Path, language: Language
) -> None:
    found = await made(tmp_path, language)
    assert sorted(found.files) == sorted(path.name for path in tmp_path.iterdir())
    offer, note = ((tmp_path / name).read_bytes() for name in found.files[:2])
    assert fonts_outside(offer) == []
    price = told_euros(QUOTE.totals.month.net_eur, language).replace("\N{NO-BREAK SPACE}", " ")
    assert price in text_of(offer)
    floor = told_euros(QUOTE.costs.floor_eur, language).replace("\N{NO-BREAK SPACE}", " ")
    assert floor in text_of(note)
    assert floor not in text_of(offer)
    written = (tmp_path / "quote.json").read_bytes()
    assert msgspec.json.decode(written, type=Quote) == QUOTE


async def test_the_same_quote_makes_the_same_offer(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        await made(tmp_path / name, Language.FR)
    one, two = ((tmp_path / name / "offre.pdf").read_bytes() for name in ("one", "two"))
    assert one == two


def _sums(content: bytes, sheet: str) -> list[Decimal]:
    """Return the sums below the lines of a sheet, from top to bottom."""
    computed = Computed(content)
    worksheet = load_workbook(BytesIO(content))[sheet]
    first = 5 + len(QUOTE.lines) + 1
    return [computed.value(sheet, f"F{row}") for row in range(first, worksheet.max_row + 1)]


@pytest.mark.parametrize("language", Language)
def test_the_formulas_of_the_workbook_come_to_the_totals_of_the_quote(language: Language) -> None:
    content = quote_workbook(QUOTE, language)
    totals = QUOTE.totals
    duration = [totals.duration.net_eur, totals.duration.vat_eur, totals.duration.gross_eur]
    assert _sums(content, "DQE") == [
        totals.once.net_eur,
        totals.month.net_eur,
        totals.year.net_eur,
        *duration,
    ]
    assert _sums(content, "DPGF") == duration


def test_the_price_list_has_prices_and_no_quantities() -> None:
    sheet = load_workbook(BytesIO(quote_workbook(QUOTE, Language.FR)))["BPU"]
    prices = [Decimal(str(sheet[f"D{row}"].value)) for row in range(5, 5 + len(QUOTE.lines))]
    assert prices == [line.unit_price_eur for line in QUOTE.lines]
    assert sheet.max_column <= 6
    assert sheet["E5"].value is None


def test_a_designation_that_looks_like_a_formula_stays_text() -> None:
    (first, *others) = QUOTE.needs.lines
    first = msgspec.structs.replace(first, designation="=1+1")
    needs = without_lines(QUOTE.needs, first, *others)
    quote = quote_of(needs, drancy_accounts(), placement(), QUOTE.day)
    sheet = load_workbook(BytesIO(quote_workbook(quote, Language.FR)))["BPU"]
    assert (sheet["B5"].value, sheet["B5"].data_type) == ("=1+1", "s")


async def test_the_worker_fills_the_buyers_workbook_and_names_it_by_its_state(
    tmp_path: Path,
) -> None:
    template = tmp_path / "bordereau.xlsx"
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.append(["Désignation", "Unité", "Prix unitaire HT"])
    sheet.append(["Assistance aux utilisateurs", "Heure", None])
    sheet.append(["Audit de sécurité", "Jour", None])
    workbook.save(template)
    before = template.read_bytes()
    out = tmp_path / "out"
    out.mkdir()
    found = await made(out, Language.FR, str(template))
    assert found.files[-1] == "bordereau-INCOMPLET.xlsx"
    assert found.template is not None
    assert not found.template.complete
    assert [cell.designation for cell in found.template.left] == ["Audit de sécurité"]
    assert template.read_bytes() == before
