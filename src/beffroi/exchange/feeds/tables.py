"""Rows of CSV and GeoJSON files, one at a time, each with its place."""

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final, cast

import msgspec

from beffroi.exchange.feeds.mistakes import RowPlace, WrongValueError, wrong_value
from beffroi.kernel.units import MIB

GEOMETRY: Final = "geometry"
_GEOJSON_MOST: Final = 256 * MIB
_SEPARATORS: Final = ";\t,|"
_LOOKED_AT: Final = MIB
_FEATURES: Final = re.compile(r'"features"\s*:\s*\[')
_BETWEEN: Final = re.compile(r"[\s,]*")


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


class WrongFileError(ValueError):
    """A file that no row can be had of, or no more."""

    def __init__(self, place: RowPlace, wrong: WrongValueError) -> None:
        super().__init__(wrong.code)
        self.place = place
        self.wrong = wrong


def is_geojson(file: Path) -> bool:
    """Tell whether a file holds features, by its name."""
    return file.name.removesuffix(".gz").endswith((".geojson", ".json"))


def columns_of(file: Path) -> Sequence[str]:
    """Return the columns of a table, or the properties of the first feature.

    Raises:
        WrongFileError: It cannot be read.
    """
    if is_geojson(file):
        first = next(rows_of(file), None)
        return () if first is None else tuple(first.cells)
    with _opened(file) as opened:
        return next(_lines(file, opened))[1]


def rows_of(file: Path) -> Iterator[Row]:
    """Give the rows of a file in their order; a table is never held whole.

    Raises:
        WrongFileError: It cannot be read, or not to its end.
    """
    with _opened(file) as opened:
        yield from _features(file, opened) if is_geojson(file) else _table(file, opened)


def _opened(file: Path) -> IO[bytes]:
    try:
        return cast("IO[bytes]", gzip.open(file)) if file.suffix == ".gz" else file.open("rb")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _wrong(file, 1, "exchange.feed_file_unreadable", reason=reason) from error


def _table(file: Path, opened: IO[bytes]) -> Iterator[Row]:
    lines = _lines(file, opened)
    _, heading = next(lines)
    positions = {name: number for number, name in enumerate(heading, 1)}
    for line, cells in lines:
        place = RowPlace(str(file), line, 1, positions)
        surplus = "".join(cells[len(heading) :])
        yield Row(place, dict(zip(heading, cells, strict=False)), surplus=surplus)


def _lines(file: Path, opened: IO[bytes]) -> Iterator[tuple[int, list[str]]]:
    """Give the heading, then the rows that hold something, each with its line."""
    line = 1
    try:
        encoding, separator = _looked_at(file, opened)
        with io.TextIOWrapper(opened, encoding=encoding, newline="") as text:
            reader = csv.reader(text, delimiter=separator)
            heading = [cell.strip() for cell in next(reader)]
            yield line, [name or f"#{number}" for number, name in enumerate(heading, 1)]
            line = reader.line_num + 1
            for cells in reader:
                told = [cell.strip() for cell in cells]
                if any(told):
                    yield line, told
                line = reader.line_num + 1
    except StopIteration:
        raise _wrong(file, 1, "exchange.feed_file_empty") from None
    except UnicodeDecodeError as error:
        raise _wrong(file, line, "exchange.feed_file_not_text") from error
    except csv.Error as error:
        raise _wrong(file, line, "exchange.feed_file_not_csv", reason=str(error)) from error
    except (OSError, EOFError, zlib.error) as error:
        raise _wrong(file, line, "exchange.feed_file_unreadable", reason=str(error)) from error


def _looked_at(file: Path, opened: IO[bytes]) -> tuple[str, str]:
    """Tell the encoding and the separator of a table by how it begins."""
    beginning = opened.read(_LOOKED_AT)
    opened.seek(0)
    if not beginning.strip():
        raise _wrong(file, 1, "exchange.feed_file_empty")
    encoding = "utf-8-sig"
    try:
        beginning[: beginning.rfind(b"\n") + 1 or None].decode("utf-8")
    except UnicodeDecodeError:
        encoding = "cp1252"
    heading = beginning.partition(b"\n")[0].decode(encoding, errors="replace")
    unquoted = "".join(heading.split('"')[::2])
    return encoding, max(_SEPARATORS, key=unquoted.count)


def _features(file: Path, opened: IO[bytes]) -> Iterator[Row]:
    text = _whole(file, opened)
    begun = _FEATURES.search(text)
    if begun is None:
        raise _wrong(file, 1, "exchange.feed_file_not_geojson")
    decoder = json.JSONDecoder()
    at, line, counted = begun.end(), 1, 0
    while True:
        between = _BETWEEN.match(text, at)
        at = at if between is None else between.end()
        line, counted = line + text.count("\n", counted, at), at
        if text.startswith("]", at):
            return
        place = RowPlace(str(file), line, at - text.rfind("\n", 0, at))
        try:
            feature, at = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError) as error:
            wrong = wrong_value("exchange.feed_file_not_json", reason=str(error))
            raise WrongFileError(place, wrong) from error
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            raise WrongFileError(place, wrong_value("exchange.feed_file_not_geojson"))
        yield Row(place, _properties(feature), feature.get(GEOMETRY))


def _whole(file: Path, opened: IO[bytes]) -> str:
    try:
        content = opened.read(_GEOJSON_MOST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _wrong(file, 1, "exchange.feed_file_unreadable", reason=str(error)) from error
    if len(content) > _GEOJSON_MOST:
        raise _wrong(file, 1, "exchange.feed_file_too_large", most_mib=_GEOJSON_MOST // MIB)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _wrong(file, line, "exchange.feed_file_not_text") from error


def _properties(feature: Mapping[str, Any]) -> Mapping[str, str]:
    """Return properties as a table would hold them."""
    told = feature.get("properties") or {}
    own = {"id": feature["id"]} if "id" in feature else {}
    return {
        name: value.strip() if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in {**own, **told}.items()
        if value is not None
    }


def _wrong(file: Path, line: int, code: str, **told: Any) -> WrongFileError:  # noqa: ANN401
    return WrongFileError(RowPlace(str(file), line), wrong_value(code, **told))
