"""Use read from a CSV file, every mistake told with its row and cell.

The heading names the columns: ``application``, ``organisation`` (``_platform`` for the platform's
own use, which all who share costs pay), ``since``, ``until``, then a
column per unit of use, each one optional but one; ``minutes`` says how many minutes have a record
where not all have. Fields are apart by commas, or by semicolons with decimal commas.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec

from beffroi.ledger.issuing import PLATFORM
from beffroi.ledger.model import Usage, UsageUnit
from beffroi.ledger.months import YEARS_COUNTED, instant_of, is_counted
from beffroi.territory.errors import TerritoryInvalidError
from beffroi.territory.findings import Finding, in_order
from beffroi.territory.shape import nearest
from beffroi.territory.yaml_text import bytes_of, text_of

REQUIRED: Final = ("application", "organisation", "since", "until")
MINUTES: Final = "minutes"
_KNOWN: Final = (*REQUIRED, *UsageUnit, MINUTES)
_LARGEST: Final = Decimal(10) ** 12
_MINUTE: Final = timedelta(minutes=1)


class _Row(msgspec.Struct, frozen=True):
    """A row under its heading; ``line`` is where it begins."""

    line: int
    fields: dict[str, str]


class _Told:
    """Collects what is wrong, each at its row and cell."""

    def __init__(self, file: Path, heading: Sequence[str]) -> None:
        self.found: list[Finding] = []
        self._file = str(file)
        self._heading = list(heading)

    def wrong(self, code: str, line: int, column: str = "", **values: object) -> None:
        """Note a mistake; a column that is not there is told at the row's first cell."""
        cell = self._heading.index(column) + 1 if column in self._heading else 1
        path = (column,) if column else ()
        values = {"column": column, **values} if column else values
        self.found.append(Finding(code, self._file, line, cell, path, values))


def load_usage(file: Path) -> tuple[Usage, ...]:
    """Read a file of use.

    Raises:
        TerritoryInvalidError: It has mistakes, all of them told at once.
    """
    text = text_of(file, bytes_of(file))
    first, _, _ = text.partition("\n")
    semicolons = first.count(";") > first.count(",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if semicolons else ",")
    heading = [name.strip() for name in next(reader, [])]
    told = _Told(file, heading)
    _check_heading(heading, told)
    if told.found:
        raise TerritoryInvalidError(in_order(told.found))
    rows = list(_rows(reader, heading, told))
    numbered = [
        (row.line, usage)
        for row in rows
        if (usage := _usage(row, told, "," if semicolons else ".")) is not None
    ]
    _check_overlaps(numbered, told)
    if not rows and not told.found:
        told.wrong("ledger.csv_without_rows", 1)
    if told.found:
        raise TerritoryInvalidError(in_order(told.found))
    return tuple(usage for _, usage in numbered)


def _check_heading(heading: Sequence[str], told: _Told) -> None:
    for name in REQUIRED:
        if name not in heading:
            told.wrong("ledger.csv_column_missing", 1, missing=name)
    if not set(heading) & set(UsageUnit):
        told.wrong("ledger.csv_column_missing", 1, missing=", ".join(UsageUnit))
    for place, name in enumerate(heading):
        if name not in _KNOWN:
            values = {"found": name, "nearest": nearest(name, _KNOWN), "known": ", ".join(_KNOWN)}
            told.wrong("ledger.csv_column_unknown", 1, name, **values)
        elif name in heading[:place]:
            told.wrong("ledger.csv_column_twice", 1, name)


def _rows(reader: Iterator[list[str]], heading: Sequence[str], told: _Told) -> Iterator[_Row]:
    line = 2
    for cells in reader:
        if len(cells) == len(heading):
            stripped = (cell.strip() for cell in cells)
            yield _Row(line, dict(zip(heading, stripped, strict=True)))
        elif cells:
            told.wrong("ledger.csv_row_width", line, count=len(cells), wanted=len(heading))
        line = _lines_read(reader) + 1


def _lines_read(reader: Iterator[list[str]]) -> int:
    lines: int = getattr(reader, "line_num")  # noqa: B009 - csv.reader has no public type
    return lines


def _usage(row: _Row, told: _Told, decimal_mark: str) -> Usage | None:
    mistakes = len(told.found)
    if not row.fields["application"]:
        told.wrong("ledger.csv_cell_empty", row.line, "application")
    organisation = row.fields["organisation"]
    if not organisation:
        told.wrong("ledger.csv_organisation_empty", row.line, "organisation", platform=PLATFORM)
    since, until = _instant(row, "since", told), _instant(row, "until", told)
    quantities = {
        unit: quantity
        for unit in UsageUnit
        if (quantity := _quantity(row, unit, told, decimal_mark)) is not None
    }
    minutes = _quantity(row, MINUTES, told, decimal_mark)
    if minutes is not None and minutes != int(minutes):
        told.wrong("ledger.csv_minutes_whole", row.line, MINUTES, found=row.fields[MINUTES])
    if since is None or until is None:
        return None
    if until <= since:
        told.wrong("ledger.csv_ends_before_start", row.line, "until", since=row.fields["since"])
    possible = (until - since) // _MINUTE
    if minutes is not None and minutes > possible:
        told.wrong("ledger.csv_minutes", row.line, MINUTES, found=str(minutes), most=possible)
    if len(told.found) > mistakes:
        return None
    return Usage(
        application=row.fields["application"],
        organisation="" if organisation == PLATFORM else organisation,
        since=since,
        until=until,
        quantities=quantities,
        minutes=possible if minutes is None else int(minutes),
    )


def _instant(row: _Row, column: str, told: _Told) -> datetime | None:
    """Read a day, which begins at midnight in Paris, or a time with its zone."""
    written = row.fields[column]
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        found = None
    is_day = len(written) == len("2026-07-01")
    if found is None or not (is_day or found.tzinfo):
        told.wrong("ledger.csv_not_an_instant", row.line, column, found=written)
        return None
    if not is_counted(found.date()):
        told.wrong("ledger.csv_year_not_counted", row.line, column, found=written, **YEARS_COUNTED)
        return None
    return instant_of(found.date()) if is_day else found


def _quantity(row: _Row, column: str, told: _Told, decimal_mark: str) -> Decimal | None:
    """Read a quantity; nothing where the file has no such column or leaves it empty."""
    written = row.fields.get(column, "")
    if not written:
        return None
    plain = written.replace(decimal_mark, ".") if decimal_mark == "," else written
    try:
        quantity = Decimal(plain)
    except InvalidOperation:
        quantity = Decimal("nan")
    if not quantity.is_finite():
        told.wrong("ledger.csv_not_a_number", row.line, column, found=written)
        return None
    if not 0 <= quantity <= _LARGEST:
        told.wrong("ledger.csv_out_of_bounds", row.line, column, found=written, most=str(_LARGEST))
        return None
    return quantity


def _check_overlaps(numbered: Sequence[tuple[int, Usage]], told: _Told) -> None:
    """Find times of one application that two rows count."""

    def order(one: tuple[int, Usage]) -> tuple[str, str, datetime, int]:
        return one[1].application, one[1].organisation, one[1].since, one[0]

    for (line, earlier), (later_line, later) in pairwise(sorted(numbered, key=order)):
        same = (earlier.application, earlier.organisation) == (
            later.application,
            later.organisation,
        )
        if same and later.since < earlier.until:
            values = {"application": later.application, "other": line}
            told.wrong("ledger.csv_counted_twice", later_line, "since", **values)
