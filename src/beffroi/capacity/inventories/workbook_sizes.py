"""How much a spreadsheet takes when it is opened, looked at before it is."""

import lzma
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import IO, Final

from lxml import etree

from beffroi.capacity.inventories.findings import RejectedRow, RowPlace, Told, WrongFileError
from beffroi.capacity.inventories.tables import refused

_OPENED_MOST_BYTES: Final = 512 * 1024 * 1024
_CELLS_MOST: Final = 5_000_000
_CHUNK_BYTES: Final = 1024 * 1024
_TAG_MOST_BYTES: Final = 4096
_SHEET: Final = re.compile(r"^xl/worksheets/[^/]+\.xml$")
_BINARY_SHEET: Final = re.compile(r"^xl/worksheets/[^/]+\.bin$")
_BROKEN: Final = (
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    etree.XMLSyntaxError,
    lzma.LZMAError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
# A row, or a cell with something in it; either may say its place or follow the one before.
_TAG: Final = re.compile(
    rb"<(?:\w+:)?(row|c)(?=[\s/>])(?:[^<>]*?\sr=[\"']([A-Z]{0,9})([0-9]{1,12})[\"'])?[^<>]*?(/?)>"
)
_LETTERS: Final = 26


class Extent:
    """The last row and the last column that hold something, counted from 1."""

    def __init__(self) -> None:
        self.rows = 0
        self.columns = 0

    @property
    def cell(self) -> str:
        """Name of the cell in the last row and the last column."""
        letters, left = "", self.columns
        while left:
            left, letter = divmod(left - 1, _LETTERS)
            letters = chr(ord("A") + letter) + letters
        return f"{letters}{self.rows}"

    def reach(self, row: int, column: int) -> None:
        """Take a cell in."""
        self.rows = max(self.rows, row)
        self.columns = max(self.columns, column)


def check_sizes(file: Path, content: bytes) -> None:
    """Refuse a workbook that swells when it is opened, or a cell far from all others.

    A reader of spreadsheets keeps every cell up to the last one, empty or not.

    Raises:
        WrongFileError: It is too large, or no archive that can be read.
    """
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            swells = sum(one.file_size for one in archive.infolist()) > _OPENED_MOST_BYTES
            extents = {} if swells else dict(_extents(archive))
    except _BROKEN as error:
        raise refused(file, "capacity.workbook_unreadable", reason=str(error)) from error
    if swells:
        raise refused(file, "capacity.workbook_swells", maximum_mib=_OPENED_MOST_BYTES >> 20)
    for sheet, extent in extents.items():
        if extent.rows * extent.columns > _CELLS_MOST:
            raise _too_large(file, sheet, extent)


def _too_large(file: Path, sheet: str, extent: Extent) -> WrongFileError:
    cells = extent.rows * extent.columns
    told: Told = {"cell": extent.cell, "cells": cells, "maximum": _CELLS_MOST}
    place = RowPlace(str(file), extent.rows, sheet)
    code = "capacity.sheet_too_large"
    return WrongFileError(RejectedRow(place=place, code=code, position=extent.columns, told=told))


def _extents(archive: zipfile.ZipFile) -> Iterator[tuple[str, Extent]]:
    """Give each sheet and how far it goes.

    Every entry is read to its end, so that one larger than the archive tells breaks its checksum.
    """
    titles = _titles(archive)
    for name in archive.namelist():
        with archive.open(name) as opened:
            if _BINARY_SHEET.match(name):
                raise zipfile.BadZipFile("xlsb")
            if _SHEET.match(name):
                yield titles.get(name, name), _extent_of_sheet(opened)
            elif name == "content.xml":
                yield from _extents_of_document(opened)
            else:
                while opened.read(_CHUNK_BYTES):
                    pass


def _titles(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the title of each file of a sheet, as far as the workbook tells them."""
    files = {
        _attribute(one, "Id"): posixpath.normpath(
            posixpath.join("/xl", _attribute(one, "Target"))
        ).lstrip("/")
        for one in _elements(archive, "xl/_rels/workbook.xml.rels", "Relationship")
    }
    return {
        files.get(_attribute(one, "id"), ""): _attribute(one, "name")
        for one in _elements(archive, "xl/workbook.xml", "sheet")
    }


def _elements(archive: zipfile.ZipFile, name: str, kind: str) -> list[etree._Element]:
    if name not in archive.namelist():
        return []
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    root = etree.fromstring(archive.read(name), parser)
    return list(root.iter("{*}" + kind))


def _extent_of_sheet(opened: IO[bytes]) -> Extent:
    extent = Extent()
    row = column = last_row = last_column = 0
    left = b""
    while chunk := opened.read(_CHUNK_BYTES):
        text = left + chunk
        end = 0
        for tag in _TAG.finditer(text):
            end = tag.end()
            kind, letters, number, closed = tag.groups()
            if kind == b"row":
                row, column = int(number) if number else row + 1, 0
                continue
            column = _column_of(letters) if letters else column + 1
            row = int(number) if letters else row
            if not closed:
                last_row = max(last_row, row)
                last_column = max(last_column, column)
        left = text[max(end, len(text) - _TAG_MOST_BYTES) :]
    extent.reach(last_row, last_column)
    return extent


@lru_cache(maxsize=1024)
def _column_of(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * _LETTERS + letter - ord("A") + 1
    return number


def _extents_of_document(opened: IO[bytes]) -> Iterator[tuple[str, Extent]]:
    """Give each table of an OpenDocument sheet and how far it goes, repetitions counted."""
    extent, row, column, filled = Extent(), 0, 0, 0
    walk = etree.iterparse(opened, events=("end",), resolve_entities=False, no_network=True)
    for _, element in walk:
        kind = etree.QName(element).localname
        if kind in {"table-cell", "covered-table-cell"}:
            column += _times(element, "number-columns-repeated")
            if len(element) or _attribute(element, "value-type"):
                filled = column
        elif kind == "table-row":
            row += _times(element, "number-rows-repeated")
            if filled:
                extent.reach(row, filled)
            column = filled = 0
            element.clear()
        elif kind == "table":
            yield _attribute(element, "name"), extent
            extent, row = Extent(), 0
            element.clear()


def _times(element: etree._Element, name: str) -> int:
    told = _attribute(element, name)
    return int(told) if told.isdecimal() else 1


def _attribute(element: etree._Element, name: str) -> str:
    """Return an attribute by its name without a namespace; nothing: it has none."""
    return next(
        (str(told) for key, told in element.attrib.items() if etree.QName(key).localname == name),
        "",
    )
