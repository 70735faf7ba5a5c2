"""Tables of text: what a CSV file or a sheet holds, each row with its number."""

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from beffroi.capacity.inventories.findings import RejectedRow, RowPlace, WrongFileError

MAX_FILE_BYTES: Final = 256 * 1024 * 1024
_SEPARATORS: Final = ";\t,|"
_ENDS_IN_QUOTE: Final = "unexpected end of data"
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")


class TableRow(msgspec.Struct, frozen=True):
    """A row and its number in the file, counted from 1."""

    number: int
    cells: tuple[str, ...]


class Table(msgspec.Struct, frozen=True):
    """A heading and its rows; a comment of the first line stands apart."""

    file: str
    heading: TableRow
    rows: tuple[TableRow, ...]
    sheet: str = ""
    comment: str = ""
    separator: str = ""

    def place(self, row: int) -> RowPlace:
        """Tell where a row is."""
        return RowPlace(self.file, row, self.sheet)


def bytes_of(file: Path) -> bytes:
    """Read a file of a bounded size.

    Raises:
        WrongFileError: It is missing, too large, or cannot be read.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise refused(file, "capacity.file_missing") from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise refused(file, "capacity.file_unreadable", reason=reason) from error
    if len(content) > MAX_FILE_BYTES:
        raise refused(file, "capacity.file_too_large", maximum_mib=MAX_FILE_BYTES >> 20)
    return content


def text_of(file: Path, content: bytes) -> str:
    """Decode UTF-8, UTF-16 with its mark, or else Windows-1252.

    Raises:
        WrongFileError: It is no text.
    """
    try:
        text = content.decode("utf-16") if content.startswith(_UTF16) else _decoded(content)
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise refused(file, "capacity.file_not_text", row) from error
    if "\0" in text:
        raise refused(file, "capacity.file_not_text", text.count("\n", 0, text.index("\0")) + 1)
    return text


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")


def csv_table(file: Path, text: str) -> Table:
    """Split a text into rows; the separator is the commonest one of the heading.

    Raises:
        WrongFileError: It has no heading, or a quote that swallows what follows.
    """
    separator = separator_of(text)
    listed = _rows(file, text, separator)
    heading = next(listed, None)
    if heading is None:
        raise refused(file, "capacity.file_empty")
    listed_rows = tuple(_checked(file, listed, heading, separator))
    comment = ""
    first = text.lstrip("\ufeff\r\n ").partition("\n")[0]
    if first.startswith("#"):
        comment = first.strip()
    return Table(str(file), heading, listed_rows, comment=comment, separator=separator)


def separator_of(text: str) -> str:
    """Return the commonest separator of the heading, or the one that ``sep=`` names."""
    for line in io.StringIO(text):
        if line.startswith("sep="):
            return line.removeprefix("sep=").rstrip("\r\n")[:1] or ";"
        if line.strip() and not line.startswith("#"):
            unquoted = "".join(line.split('"')[::2])
            return max(_SEPARATORS, key=unquoted.count)
    return ";"


def _rows(file: Path, text: str, separator: str) -> Iterator[TableRow]:
    """Give the rows that hold something, without comments and Excel's ``sep=`` line."""
    for number, cells in split_rows(file, text, separator):
        told = tuple(cell.strip() for cell in cells)
        if any(told) and not _aside(told[0], number):
            yield TableRow(number, told)


def split_rows(file: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Split a text into rows, each with the number of the line where it begins.

    Raises:
        WrongFileError: A quote is not closed, or closes before its cell ends.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    begins = 1
    try:
        for cells in reader:
            number, begins = begins, reader.line_num + 1
            yield number, cells
    except csv.Error as error:
        if _ENDS_IN_QUOTE in str(error):
            raise refused(file, "capacity.quote_not_closed", begins) from error
        raise refused(file, "capacity.file_not_csv", begins, reason=str(error)) from error


def _checked(
    file: Path, rows: Iterable[TableRow], heading: TableRow, separator: str
) -> Iterator[TableRow]:
    """Refuse a row that lacks cells where one cell holds several lines of cells."""
    for row in rows:
        short = len(row.cells) < len(heading.cells)
        if short and any("\n" in cell and separator in cell for cell in row.cells):
            raise refused(file, "capacity.quote_not_closed", row.number)
        yield row


def _aside(first: str, number: int) -> bool:
    return first.startswith("#") or (number == 1 and first.startswith("sep="))


def filled(rows: Iterable[TableRow], width: int) -> Iterator[TableRow]:
    """Complete short rows with empty cells."""
    for row in rows:
        missing = width - len(row.cells)
        yield TableRow(row.number, row.cells + ("",) * missing) if missing > 0 else row


def refused(file: Path, code: str, row: int = 1, **told: str | int) -> WrongFileError:
    """Make the refusal of a whole file."""
    return WrongFileError(RejectedRow(place=RowPlace(str(file), row), code=code, told=told))
