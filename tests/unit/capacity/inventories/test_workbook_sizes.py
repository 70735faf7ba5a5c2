"""Workbooks that swell when they are opened, or hold a cell far from all others."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.unit.capacity.inventories.written_files import Cell, book, loaded, read, rejected

ROWS: list[list[Cell]] = [["name", "cpu_cores", "memory_gib"], ["a", 1, 2]]
ROW = '<row r="{row}"><c r="{cell}" t="str"><v>x</v></c></row>'
END = "</sheetData>"


def _changed(file: Path, changes: Mapping[str, tuple[str, str]]) -> Path:
    """Replace text in entries of an archive."""
    output = io.BytesIO()
    with zipfile.ZipFile(file) as archive, zipfile.ZipFile(output, "w") as again:
        for name in archive.namelist():
            old, new = changes.get(name, ("", ""))
            held = archive.read(name).decode()
            assert old in held
            again.writestr(name, held.replace(old, new, 1) if old else held)
    file.write_bytes(output.getvalue())
    return file


def _with_cell(folder: Path, row: int, cell: str) -> Path:
    file = book(folder, {"Lisez-moi": [["x"]], "Machines": ROWS})
    far = ROW.format(row=row, cell=cell)
    return _changed(file, {"xl/worksheets/sheet2.xml": (END, far + END)})


def _with_size(file: Path, size: int) -> Path:
    """Let the archive tell another size of its first sheet."""
    output = io.BytesIO()
    with zipfile.ZipFile(file) as archive, zipfile.ZipFile(output, "w") as again:
        for name in archive.namelist():
            again.writestr(name, archive.read(name))
            if name == "xl/worksheets/sheet1.xml":
                again.getinfo(name).file_size = size
    file.write_bytes(output.getvalue())
    return file


def test_a_workbook_that_swells_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    file = _with_size(book(tmp_path, {"Machines": ROWS}), 600 << 20)
    (refused,) = read(file).rejected
    assert (refused.code, refused.told) == ("capacity.workbook_swells", {"maximum_mib": 512})


def test_a_workbook_that_tells_less_than_it_holds_is_refused(tmp_path: Path) -> None:
    file = _with_size(book(tmp_path, {"Machines": ROWS}), 10)
    assert rejected(read(file)) == [("workbook_unreadable", 1, 1)]


@pytest.mark.parametrize(
    ("row", "cell", "position"),
    [(1_048_576, "XFD1048576", 16_384), (1_048_576, "F1048576", 6), (9_999, "AAA9999", 703)],
)
def test_a_cell_far_from_all_others_is_told_with_its_sheet(
    tmp_path: Path, row: int, cell: str, position: int
) -> None:
    (refused,) = read(_with_cell(tmp_path, row, cell)).rejected
    assert refused.code == "capacity.sheet_too_large"
    assert refused.told["cell"] == cell
    assert (refused.place.sheet, refused.place.row, refused.position) == ("Machines", row, position)


def test_a_row_far_below_counts_where_cells_do_not_tell_their_place(tmp_path: Path) -> None:
    file = book(tmp_path, {"Machines": ROWS})
    far = '<row r="9000000"><c t="str"><v>x</v></c></row>'
    _changed(file, {"xl/worksheets/sheet1.xml": (END, far + END)})
    assert rejected(read(file)) == [("sheet_too_large", 9_000_000, 3)]


def test_empty_cells_however_far_are_no_cells(tmp_path: Path) -> None:
    file = book(tmp_path, {"Machines": ROWS})
    styled = '<row r="1048576"><c r="XFD1048576" s="1"/></row>'
    _changed(file, {"xl/worksheets/sheet1.xml": (END, styled + END)})
    assert [one.name for one in loaded(file).inventory.workloads] == ["a"]


def test_tags_that_never_end_are_looked_at_once(tmp_path: Path) -> None:
    file = book(tmp_path, {"Machines": ROWS})
    _changed(file, {"xl/worksheets/sheet1.xml": (END, "<c " * 700_000)})
    assert rejected(read(file)) == [("workbook_unreadable", 1, 1)]
