"""Rows of CSV, of any usual separator, one at a time."""

import codecs
import csv
import io
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final

from beffroi.exchange.feeds.mistakes import RowPlace
from beffroi.exchange.feeds.rows import Row, opened, wrong_file
from beffroi.kernel.units import MIB

_SEPARATORS: Final = ";\t,|"
_LOOKED_AT: Final = MIB
_ROW_MOST: Final = 1_000_000


class BoundedLines:
    """The lines of a table; a row, which may have several, is never read without end."""

    def __init__(self, text: IO[str]) -> None:
        self.row_length = 0
        self._text = text

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(_ROW_MOST + 1)
        self.row_length += len(line)
        if self.row_length > _ROW_MOST:
            raise csv.Error(f"a row is longer than {_ROW_MOST} characters")
        if not line:
            raise StopIteration
        return line


def table_columns(file: Path) -> Sequence[str]:
    """Return the heading of a table.

    Raises:
        WrongFileError: It cannot be read.
    """
    with opened(file) as binary:
        return next(_lines(file, binary))[1]


def read_table(file: Path, rows: str = "") -> Iterator[Row]:
    """Give the rows of a table; it is never held whole."""
    del rows
    with opened(file) as binary:
        yield from _rows(file, binary)


def _rows(file: Path, binary: IO[bytes]) -> Iterator[Row]:
    lines = _lines(file, binary)
    _, heading = next(lines)
    positions = {name: number for number, name in enumerate(heading, 1)}
    for line, cells in lines:
        place = RowPlace(str(file), line, 1, positions)
        surplus = "".join(cells[len(heading) :])
        yield Row(place, dict(zip(heading, cells, strict=False)), surplus=surplus)


def _lines(file: Path, binary: IO[bytes]) -> Iterator[tuple[int, list[str]]]:
    """Give the heading, then the rows that hold something, each with its line."""
    line = 1
    try:
        encoding, separator = _looked_at(file, binary)
        with io.TextIOWrapper(binary, encoding=encoding, newline="") as text:
            lines = BoundedLines(text)
            reader = csv.reader(lines, delimiter=separator)
            heading = [cell.strip() for cell in next(reader)]
            yield line, [name or f"#{number}" for number, name in enumerate(heading, 1)]
            line = reader.line_num + 1
            for cells in reader:
                lines.row_length = 0
                told = [cell.strip() for cell in cells]
                if any(told):
                    yield line, told
                line = reader.line_num + 1
    except StopIteration:
        raise wrong_file(file, 1, "exchange.feed_file_empty") from None
    except UnicodeDecodeError as error:
        raise wrong_file(file, line, "exchange.feed_file_not_text") from error
    except csv.Error as error:
        raise wrong_file(file, line, "exchange.feed_file_not_csv", reason=str(error)) from error
    except (OSError, EOFError, zlib.error) as error:
        raise wrong_file(file, line, "exchange.feed_file_unreadable", reason=str(error)) from error


def _looked_at(file: Path, binary: IO[bytes]) -> tuple[str, str]:
    """Tell the encoding and the separator of a table by how it begins."""
    beginning = binary.read(_LOOKED_AT)
    binary.seek(0)
    if not beginning.strip():
        raise wrong_file(file, 1, "exchange.feed_file_empty")
    encoding = _encoding(beginning)
    heading = beginning.decode(encoding, errors="replace").partition("\n")[0]
    unquoted = "".join(heading.split('"')[::2])
    return encoding, max(_SEPARATORS, key=unquoted.count)


def _encoding(beginning: bytes) -> str:
    if beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        beginning[: beginning.rfind(b"\n") + 1 or None].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"
