"""Rows of GeoJSON: one feature each, read as they come."""

import io
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

from beffroi.exchange.feeds.mistakes import RowPlace, wrong_value
from beffroi.exchange.feeds.rows import GEOMETRY, Row, WrongFileError, opened, wrong_file
from beffroi.kernel.units import MIB

_READ_AT_ONCE: Final = 256 * 1024
_FEATURE_MOST: Final = 16 * MIB
_FEATURES: Final = re.compile(r'"features"\s*:\s*\[')
_BETWEEN: Final = re.compile(r"[\s,]*")


def read_features(file: Path, rows: str = "", at_once: int = _READ_AT_ONCE) -> Iterator[Row]:
    """Give the features of a collection; a feature has 16 MiB at most."""
    del rows
    with opened(file) as binary:
        window = _Window(file, binary, at_once)
        window.find_features()
        while (feature := window.feature()) is not None:
            place, told = feature
            yield Row(place, _properties(told), told.get(GEOMETRY))


class _Window:
    """The part of a text that is being read, and where it stands."""

    def __init__(self, file: Path, binary: IO[bytes], at_once: int) -> None:
        self._file = file
        self._text = io.TextIOWrapper(binary, encoding="utf-8-sig")
        self._decoder = json.JSONDecoder()
        self._held = ""
        self._ended = False
        self._at_once = at_once
        self._line, self._column = 1, 1

    def find_features(self) -> None:
        """Go to the first feature."""
        while (begun := _FEATURES.search(self._held)) is None:
            if len(self._held) > _FEATURE_MOST or not self._more():
                raise self._wrong("exchange.feed_file_not_geojson")
        self._leave(begun.end())

    def feature(self) -> tuple[RowPlace, Mapping[str, Any]] | None:
        """Return the next feature and its place; nothing after the last one."""
        self._skip()
        if self._held.startswith("]"):
            return None
        place = RowPlace(str(self._file), self._line, self._column)
        value, length = self._decoded(place)
        if not isinstance(value, dict) or value.get("type") != "Feature":
            raise WrongFileError(place, wrong_value("exchange.feed_file_not_geojson"))
        self._leave(length)
        return place, value

    def _decoded(self, place: RowPlace) -> tuple[Any, int]:
        while True:
            try:
                return self._decoder.raw_decode(self._held)
            except RecursionError as error:
                wrong = wrong_value("exchange.feed_file_not_json", reason=str(error))
                raise WrongFileError(place, wrong) from error
            except json.JSONDecodeError as error:
                # What is cut off is an error at the end; what is wrong stays wrong with more.
                if len(self._held) > _FEATURE_MOST or not self._more(len(self._held)):
                    wrong = wrong_value("exchange.feed_file_not_json", reason=error.msg)
                    raise WrongFileError(place, wrong) from error

    def _skip(self) -> None:
        while True:
            between = _BETWEEN.match(self._held)
            self._leave(between.end() if between else 0)
            if self._held or not self._more():
                return

    def _more(self, at_least: int = 0) -> bool:
        if self._ended:
            return False
        try:
            read = self._text.read(max(self._at_once, at_least))
        except UnicodeDecodeError as error:
            raise self._wrong("exchange.feed_file_not_text") from error
        except (OSError, EOFError, zlib.error) as error:
            raise self._wrong("exchange.feed_file_unreadable", reason=str(error)) from error
        self._ended = not read
        self._held += read
        return bool(read)

    def _leave(self, length: int) -> None:
        left = self._held[:length]
        if lines := left.count("\n"):
            self._line += lines
            self._column = length - left.rfind("\n")
        else:
            self._column += length
        self._held = self._held[length:]

    def _wrong(self, code: str, **told: Any) -> WrongFileError:  # noqa: ANN401
        return wrong_file(self._file, self._line, code, **told)


def _properties(feature: Mapping[str, Any]) -> Mapping[str, str]:
    """Return properties as a table would hold them."""
    told = feature.get("properties") or {}
    own = {"id": feature["id"]} if "id" in feature else {}
    return {
        name: value.strip() if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in {**own, **told}.items()
        if value is not None
    }
