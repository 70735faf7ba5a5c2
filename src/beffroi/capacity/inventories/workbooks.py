"""Spreadsheets as tables of text, one per sheet that is asked for."""

from collections.abc import Callable, Iterator
from datetime import date, time, timedelta
from io import BytesIO
from pathlib import Path
from typing import Final

from python_calamine import CalamineError, CalamineWorkbook

from beffroi.capacity.inventories.findings import WrongFileError
from beffroi.capacity.inventories.tables import Table, TableRow, bytes_of, refused
from beffroi.capacity.inventories.workbook_sizes import check_sizes

_BROKEN: Final = (
    CalamineError,
    OverflowError,
    ValueError,
)
Cell = float | str | bool | time | date | timedelta


def is_workbook(content: bytes) -> bool:
    """Tell whether a file is a spreadsheet that is a zip archive (xlsx, ods)."""
    return content.startswith(b"PK\x03\x04")


def workbook_tables(file: Path, wanted: Callable[[str], bool]) -> Iterator[Table]:
    """Give the sheets whose name is wanted and that hold something, in their order.

    Raises:
        WrongFileError: It is no spreadsheet, is protected by a password or swells when opened.
    """
    workbook = _opened(file)
    for name in workbook.sheet_names:
        if wanted(name):
            try:
                rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
            except _BROKEN as error:
                raise _unreadable(file, error) from error
            yield from _table(file, name, rows)


def sheet_names(file: Path) -> tuple[str, ...]:
    """Name the sheets.

    Raises:
        WrongFileError: It is no spreadsheet, or swells when opened.
    """
    return tuple(_opened(file).sheet_names)


def _opened(file: Path) -> CalamineWorkbook:
    content = bytes_of(file)
    check_sizes(file, content)
    try:
        return CalamineWorkbook.from_filelike(BytesIO(content))
    except _BROKEN as error:
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: Exception) -> WrongFileError:
    return refused(file, "capacity.workbook_unreadable", reason=str(error))


def _table(file: Path, sheet: str, rows: list[list[Cell]]) -> Iterator[Table]:
    told = (
        TableRow(number, tuple(_text(cell) for cell in cells))
        for number, cells in enumerate(rows, start=1)
    )
    listed = [row for row in told if any(row.cells)]
    if listed:
        yield Table(str(file), listed[0], tuple(listed[1:]), sheet=sheet)


def _text(cell: Cell) -> str:
    """Write a cell as a CSV file would; numbers that are whole have no decimals."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return str(cell)
