"""What every source of a feed comes down to: rows, one at a time, each with its place."""

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final, Protocol, cast

import msgspec

from beffroi.exchange.feeds.mistakes import RowPlace, WrongValueError, wrong_value

GEOMETRY: Final = "geometry"
_DEEPEST: Final = 12


class Row(msgspec.Struct, frozen=True):
    """What a row holds.

    Attributes:
        cells: Text by column; an empty one is as none.
        geometry: Of a GeoJSON feature.
        surplus: What stands beyond the last column.
    """

    place: RowPlace
    cells: Mapping[str, str]
    geometry: Any = None
    surplus: str = ""


class RowReader(Protocol):
    """Reads one format; never holds more than a part of a file."""

    def __call__(self, file: Path, rows: str) -> Iterator[Row]:
        """Give the rows of a file in their order.

        Args:
            file: What was written, uploaded or downloaded.
            rows: Where in it the rows are, where the format leaves that open.

        Raises:
            WrongFileError: It cannot be read, or not to its end.
        """
        ...


class WrongFileError(ValueError):
    """A file that no row can be had of, or no more."""

    def __init__(self, place: RowPlace, wrong: WrongValueError) -> None:
        super().__init__(wrong.code)
        self.place = place
        self.wrong = wrong


def wrong_file(file: Path, line: int, code: str, **told: Any) -> WrongFileError:  # noqa: ANN401
    """Say what is wrong with a file, from a line on."""
    return WrongFileError(RowPlace(str(file), line), wrong_value(code, **told))


def opened(file: Path) -> IO[bytes]:
    """Open a file, compressed or not.

    Raises:
        WrongFileError: It is not there, or may not be read.
    """
    try:
        return cast("IO[bytes]", gzip.open(file)) if file.suffix == ".gz" else file.open("rb")
    except FileNotFoundError as error:
        raise wrong_file(file, 1, "exchange.feed_file_absent", name=file.name) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise wrong_file(file, 1, "exchange.feed_file_unreadable", reason=reason) from error


def flattened(value: Mapping[str, Any]) -> dict[str, str]:
    """Return the members of an object as cells: those of inner ones by paths of dots.

    An object or a list is there as JSON too, under its own path.
    """
    cells: dict[str, str] = {}
    _flatten("", value, cells, 0)
    return cells


def _flatten(path: str, value: Any, cells: dict[str, str], depth: int) -> None:  # noqa: ANN401
    if value is None:
        return
    if isinstance(value, str):
        cells[path] = value.strip()
        return
    if path:
        cells[path] = json.dumps(value, ensure_ascii=False)
    if depth == _DEEPEST or not isinstance(value, dict | list):
        return
    members = value.items() if isinstance(value, dict) else enumerate(value[:_DEEPEST])
    for name, inner in members:
        _flatten(f"{path}.{name}" if path else str(name), inner, cells, depth + 1)
