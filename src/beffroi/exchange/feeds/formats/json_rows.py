"""Rows of JSON: the objects of a list somewhere in a document."""

import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from beffroi.exchange.feeds.mistakes import RowPlace
from beffroi.exchange.feeds.rows import GEOMETRY, Row, flattened, opened, wrong_file
from beffroi.kernel.units import MIB

DOCUMENT_MOST: Final = 64 * MIB


def read_json(file: Path, rows: str) -> Iterator[Row]:
    """Give the objects of the list that a path of dots leads to; a document has 64 MiB at most."""
    for number, one in enumerate(listed(file, document_of(file), rows), 1):
        if not isinstance(one, dict):
            raise wrong_file(file, number, "exchange.feed_rows_absent", path=rows or ".")
        geometry = one.get(GEOMETRY)
        place = RowPlace(str(file), number)
        yield Row(place, flattened(one), geometry if isinstance(geometry, dict) else None)


def document_of(file: Path) -> Any:  # noqa: ANN401 - JSON
    """Return what a file says.

    Raises:
        WrongFileError: It says nothing that JSON can, or too much.
    """
    try:
        with opened(file) as binary:
            content = binary.read(DOCUMENT_MOST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise wrong_file(file, 1, "exchange.feed_file_unreadable", reason=str(error)) from error
    if len(content) > DOCUMENT_MOST:
        most = DOCUMENT_MOST // MIB
        raise wrong_file(file, 1, "exchange.feed_file_too_large", most_mib=most)
    try:
        return msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise wrong_file(file, 1, "exchange.feed_file_not_json", reason=str(error)) from error


def listed(file: Path, document: Any, path: str) -> list[Any]:  # noqa: ANN401 - JSON
    """Return the list that a path leads to, a lone object being a list of one.

    Raises:
        WrongFileError: The path leads nowhere.
    """
    found = document
    for name in path.split(".") if path else ():
        found = found.get(name) if isinstance(found, Mapping) else None
    if isinstance(found, dict):
        return [found]
    if not isinstance(found, list):
        raise wrong_file(file, 1, "exchange.feed_rows_absent", path=path or ".")
    return found
