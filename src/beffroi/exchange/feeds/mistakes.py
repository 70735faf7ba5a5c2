"""Mistakes in rows of a feed's file, told where a person finds them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from beffroi.kernel.catalogue import Language
from beffroi.kernel.errors import InvalidInputError
from beffroi.territory.findings import Finding

LISTED_MOST: Final = 1_000
_TOLD_LENGTH: Final = 60


class WrongValueError(ValueError):
    """A cell that cannot mean what its feed declares; ``told`` completes the sentence."""

    def __init__(self, code: str, column: str, value: str, told: Mapping[str, object]) -> None:
        super().__init__(code)
        self.code = code
        self.column = column
        self.value = value
        self.told = told


def wrong_value(code: str, column: str = "", value: str = "", **told: object) -> WrongValueError:
    """Say what is wrong with a value of a column, or with a row as a whole."""
    return WrongValueError(code, column, value, told)


class RowPlace(msgspec.Struct, frozen=True):
    """Where a row begins, counted from 1, and where each of its columns is.

    Attributes:
        column: Where the row begins in its line.
        positions: Of its columns by name: the how many-th.
    """

    file: str
    line: int
    column: int = 1
    positions: Mapping[str, int] = {}

    def finding(self, feed: str, wrong: WrongValueError) -> Finding:
        """Tell what is wrong in this row."""
        values = {"column": wrong.column, "value": wrong.value[:_TOLD_LENGTH], **wrong.told}
        path = (feed, wrong.column) if wrong.column else (feed,)
        position = self.positions.get(wrong.column, self.column)
        return Finding(wrong.code, self.file, self.line, position, path, values)


class FeedsInvalidError(InvalidInputError):
    """Rows of feeds cannot be sent; the first thousand mistakes are listed."""

    def __init__(self, found: Iterable[Finding], count: int) -> None:
        super().__init__("exchange.feeds_invalid", count=count)
        self.found = tuple(found)

    def findings(self, language: Language) -> tuple[dict[str, Any], ...]:
        """List each mistake with its place, its sentence and its remedy."""
        return tuple(finding.as_json(language) for finding in self.found)
