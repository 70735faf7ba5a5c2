"""Rows of GTFS: the tables of a zip of timetables, read without being unpacked.

Source: gtfs.org, General Transit Feed Specification, Reference.
"""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from beffroi.exchange.feeds.formats.tables import BoundedLines
from beffroi.exchange.feeds.mistakes import RowPlace
from beffroi.exchange.feeds.rows import Row, RowReader, wrong_file
from beffroi.kernel.units import GIB, MIB

_TABLE_MOST: Final = 2 * GIB
_FILES_MOST: Final = 200
_RATIO_MOST: Final = 200
"""Tables of timetables pack to a tenth or so; what packs to a two-hundredth is made to harm."""
_SMALL: Final = MIB
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def gtfs_reader(table: str) -> RowReader:
    """Return the reader of one table of a zip, such as ``stops``."""

    def read(file: Path, rows: str = "") -> Iterator[Row]:
        del rows
        return _read(file, f"{table}.txt")

    return read


def _read(file: Path, name: str) -> Iterator[Row]:
    line = 1
    try:
        with zipfile.ZipFile(file) as archive, _table(file, archive, name) as binary:
            text = io.TextIOWrapper(binary, encoding="utf-8-sig", newline="")
            lines = BoundedLines(text)
            for cells in csv.DictReader(lines):
                lines.row_length = 0
                line += 1
                place = RowPlace(f"{file}/{name}", line)
                yield Row(place, {key: (cells[key] or "").strip() for key in cells if key})
    except UnicodeDecodeError as error:
        raise wrong_file(file, line, "exchange.feed_file_not_text") from error
    except (zipfile.BadZipFile, OSError, EOFError, zlib.error, csv.Error, RuntimeError) as error:
        raise wrong_file(file, line, "exchange.feed_file_not_zip", reason=str(error)) from error


def _table(file: Path, archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    found = archive.infolist()
    if len(found) > _FILES_MOST:
        raise wrong_file(file, 1, "exchange.feed_zip_bomb", name=name)
    table = next((one for one in found if Path(one.filename).name == name), None)
    if table is None:
        known = ", ".join(Path(one.filename).name for one in found)[:300]
        raise wrong_file(file, 1, "exchange.feed_zip_table_absent", name=name, known=known)
    if table.compress_type not in _METHODS:
        raise zipfile.BadZipFile(f"method {table.compress_type}")
    if _is_bomb(table):
        raise wrong_file(file, 1, "exchange.feed_zip_bomb", name=name)
    # What is read ends where the directory of the zip says, whatever was packed.
    return archive.open(table)


def _is_bomb(table: zipfile.ZipInfo) -> bool:
    if table.file_size > _TABLE_MOST:
        return True
    return table.file_size > _SMALL and table.file_size > _RATIO_MOST * table.compress_size
