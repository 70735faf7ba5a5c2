"""A buyer's workbook is filled as it is: its formulas, styles and drawings stay."""

import zipfile
from datetime import date
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.chart import BarChart, Reference
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

from beffroi.kernel.catalogue import Language
from beffroi.kernel.errors import InvalidInputError
from beffroi.ledger.quotes.buyer_template import fill_template, plain_words
from beffroi.ledger.quotes.documents import TemplateFill, WhyLeft
from beffroi.ledger.quotes.quoting import quote_of
from tests.support.quotes import drancy_accounts, drancy_needs, placement

QUOTE = quote_of(drancy_needs(), drancy_accounts(), placement(), date(2026, 11, 22))
PRICES = {line.designation: line.unit_price_eur for line in QUOTE.lines}


def _price_list(workbook: Workbook) -> Worksheet:
    """Make a price list as buyers do: a title, chapters, and rows without quantities."""
    sheet: Worksheet = workbook.create_sheet("BPU")
    sheet["A1"] = "Office public de l'habitat : bordereau des prix unitaires"
    sheet.merge_cells("A1:E1")
    sheet.append([])
    sheet.append(["N°", "DÉSIGNATION des prestations", "Unité d'œuvre", "Prix unitaire en € HT"])
    chapter = ""
    for line in QUOTE.needs.lines:
        if line.number[0] != chapter:
            chapter = line.number[0]
            sheet.append([chapter, f"Chapitre {chapter}"])
        sheet.append([line.number, f"  {line.designation.upper()} ", line.unit])
    sheet["D5"].font = Font(bold=True, color="FF0000")
    return sheet


def _estimate(workbook: Workbook, prices: Worksheet) -> Worksheet:
    """Make the estimate that goes with it: prices and amounts are formulas."""
    sheet: Worksheet = workbook.create_sheet("DQE")
    sheet.append(["Désignation", "Unité", "Quantité", "P.U. HT", "Montant HT"])
    for row in range(4, prices.max_row + 1):
        unit = prices.cell(row, 3).value
        if unit:
            here = sheet.max_row + 1
            sheet.append([prices.cell(row, 2).value, unit, 2, f"=BPU!D{row}", f"=C{here}*D{here}"])
    sheet.append(["Total HT", None, None, None, f"=SUM(E2:E{sheet.max_row})"])
    chart = BarChart()
    chart.add_data(Reference(sheet, min_col=5, min_row=1, max_row=sheet.max_row - 1))
    sheet.add_chart(chart, "H2")
    return sheet


def _workbook() -> Workbook:
    workbook = Workbook()
    del workbook["Sheet"]
    _estimate(workbook, _price_list(workbook))
    return workbook


def _saved(workbook: Workbook, folder: Path) -> Path:
    file = folder / "bordereau.xlsx"
    workbook.save(file)
    return file


def _filled(workbook: Workbook, folder: Path) -> tuple[Workbook, TemplateFill]:
    content, told = fill_template(_saved(workbook, folder), QUOTE, Language.FR)
    return load_workbook(BytesIO(content)), told


def test_every_price_of_a_realistic_workbook_is_written(tmp_path: Path) -> None:
    filled, told = _filled(_workbook(), tmp_path)
    assert told.complete
    assert told.left == ()
    assert told.unused == ()
    sheet = filled["BPU"]
    written = {
        plain_words(sheet.cell(row, 2).value): sheet.cell(row, 4).value
        for row in range(4, sheet.max_row + 1)
        if sheet.cell(row, 3).value
    }
    expected = {plain_words(name): price for name, price in PRICES.items()}
    assert {name: Decimal(str(price)) for name, price in written.items()} == expected


def test_nothing_but_the_prices_changes(tmp_path: Path) -> None:
    file = _saved(_workbook(), tmp_path)
    content, told = fill_template(file, QUOTE, Language.FR)
    before, after = load_workbook(file), load_workbook(BytesIO(content))
    prices = {(cell.sheet, cell.cell) for cell in told.filled}
    for sheet in before.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if (sheet.title, cell.coordinate) not in prices:
                    assert after[sheet.title][cell.coordinate].value == cell.value
        assert sheet.merged_cells.ranges == after[sheet.title].merged_cells.ranges
    assert after["BPU"]["D5"].font.color.rgb == "00FF0000"


def test_parts_that_hold_no_prices_are_copied_byte_by_byte(tmp_path: Path) -> None:
    file = _saved(_workbook(), tmp_path)
    content, _ = fill_template(file, QUOTE, Language.FR)
    with zipfile.ZipFile(file) as before, zipfile.ZipFile(BytesIO(content)) as after:
        names = before.namelist()
        assert after.namelist() == names
        same = [name for name in names if before.read(name) == after.read(name)]
    assert {name for name in names if "chart" in name} <= set(same)
    assert "xl/styles.xml" in same


def test_the_workbook_asks_to_be_computed_when_it_is_opened(tmp_path: Path) -> None:
    filled, _ = _filled(_workbook(), tmp_path)
    assert filled.calculation.fullCalcOnLoad


def test_a_row_that_no_line_answers_is_told_and_the_offer_is_not_complete(tmp_path: Path) -> None:
    workbook = _workbook()
    workbook["BPU"].append(["6.1", "Audit de sécurité annuel", "jour"])
    _, told = _filled(workbook, tmp_path)
    assert not told.complete
    assert [(cell.designation, cell.why) for cell in told.left] == [
        ("Audit de sécurité annuel", WhyLeft.NO_LINE)
    ]


def test_a_known_designation_with_another_unit_is_not_priced(tmp_path: Path) -> None:
    workbook = _workbook()
    workbook["BPU"]["C5"] = "année"
    filled, told = _filled(workbook, tmp_path)
    assert [cell.why for cell in told.left] == [WhyLeft.OTHER_UNIT]
    assert filled["BPU"]["D5"].value is None


def test_what_a_cell_holds_already_is_kept_and_told(tmp_path: Path) -> None:
    workbook = _workbook()
    workbook["BPU"]["D5"] = "inclus"
    workbook["BPU"]["D7"] = 12
    filled, told = _filled(workbook, tmp_path)
    assert [cell.why for cell in told.left] == [WhyLeft.HOLDS_TEXT, WhyLeft.HOLDS_NUMBER]
    assert (filled["BPU"]["D5"].value, filled["BPU"]["D7"].value) == ("inclus", 12)


def test_dots_to_write_on_are_an_empty_cell(tmp_path: Path) -> None:
    workbook = _workbook()
    workbook["BPU"]["D5"] = "........... €"
    filled, told = _filled(workbook, tmp_path)
    assert told.complete
    assert Decimal(str(filled["BPU"]["D5"].value)) == QUOTE.lines[0].unit_price_eur


def test_prices_in_letters_are_left_to_a_person(tmp_path: Path) -> None:
    workbook = _workbook()
    workbook["BPU"]["E3"] = "Prix unitaire en toutes lettres"
    _, told = _filled(workbook, tmp_path)
    assert {cell.why for cell in told.left} == {WhyLeft.IN_LETTERS}
    assert len(told.left) == len(QUOTE.lines)


def test_a_total_without_a_formula_is_told(tmp_path: Path) -> None:
    workbook = _workbook()
    sheet = workbook["DQE"]
    sheet.cell(sheet.max_row, 5).value = None
    _, told = _filled(workbook, tmp_path)
    assert [cell.why for cell in told.left] == [WhyLeft.TOTAL]


def test_amounts_without_formulas_are_those_of_the_rows_quantities(tmp_path: Path) -> None:
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.append(["Prestation", "Unité", "Qté", "Prix unitaire HT", "Total HT"])
    sheet.append(["Assistance aux utilisateurs", "heure", 7.5, None, None])
    sheet.append(["Reprise et mise en service", "forfait", "une", None, None])
    filled, told = _filled(workbook, tmp_path)
    price = PRICES["Assistance aux utilisateurs"]
    row = [Decimal(str(cell.value)) for cell in filled["Sheet"][2][3:5]]
    assert row == [price, round(Decimal("7.5") * price, 2)]
    assert [cell.why for cell in told.left] == [WhyLeft.NO_QUANTITY]


def test_a_list_of_lump_sums_is_filled_over_the_duration(tmp_path: Path) -> None:
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.append(["Désignation", "Prix forfaitaire HT"])
    sheet.append(["Assistance aux utilisateurs", None])
    sheet.append(["Reprise et mise en service", None])
    filled, told = _filled(workbook, tmp_path)
    assert told.complete
    amounts = {line.designation: line.amount_eur for line in QUOTE.lines}
    assert [Decimal(str(filled["Sheet"][cell].value)) for cell in ("B2", "B3")] == [
        48 * amounts["Assistance aux utilisateurs"],
        amounts["Reprise et mise en service"],
    ]


def test_a_workbook_without_prices_is_refused(tmp_path: Path) -> None:
    workbook = Workbook()
    with pytest.raises(InvalidInputError) as refused:
        _filled(workbook, tmp_path)
    assert refused.value.code == "ledger.quote_template_no_prices"


@pytest.mark.parametrize("content", [b"", b"no workbook", b"PK\x03\x04 cut off"])
def test_what_is_no_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bordereau.xlsx"
    file.write_bytes(content)
    with pytest.raises(InvalidInputError) as refused:
        fill_template(file, QUOTE, Language.FR)
    assert refused.value.code == "ledger.quote_template_unreadable"
