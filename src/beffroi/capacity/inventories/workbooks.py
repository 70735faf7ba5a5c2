"""Spreadsheets as tables of text, one per sheet that is asked for."""

import struct
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, time, timedelta
from io import BytesIO
from pathlib import Path
from typing import Final

from python_calamine import CalamineError, CalamineWorkbook

from beffroi.capacity.inventories.tables import Table, TableRow, bytes_of, refused

_MOST_OPENED_BYTES: Final = 1024 * 1024 * 1024
_BROKEN: Final = (
    CalamineError,
    zipfile.BadZipFile,
    NotImplementedError,
    OverflowError,
    ValueError,
    struct.error,
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
    content = bytes_of(file)
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            opened_bytes = sum(entry.file_size for entry in archive.infolist())
        if opened_bytes > _MOST_OPENED_BYTES:
            raise refused(file, "capacity.file_too_large", maximum_mib=_MOST_OPENED_BYTES >> 20)
        workbook = CalamineWorkbook.from_filelike(BytesIO(content))
        for name in workbook.sheet_names:
            if wanted(name):
                rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
                yield from _table(file, name, rows)
    except _BROKEN as error:
        raise refused(file, "capacity.workbook_unreadable", reason=str(error)) from error


def sheet_names(file: Path) -> tuple[str, ...]:
    """Name the sheets.

    Raises:
        WrongFileError: It is no spreadsheet.
    """
    try:
        return tuple(CalamineWorkbook.from_filelike(BytesIO(bytes_of(file))).sheet_names)
    except _BROKEN as error:
        raise refused(file, "capacity.workbook_unreadable", reason=str(error)) from error


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
