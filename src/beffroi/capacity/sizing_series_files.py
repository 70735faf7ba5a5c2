"""Files of usage series: one column per measure, one row per measure, or one file per machine."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from beffroi.capacity.inventories.findings import (
    Note,
    RejectedRow,
    RowPlace,
    WrongFileError,
    WrongValueError,
    wrong,
)
from beffroi.capacity.inventories.quantities import UnitRules
from beffroi.capacity.inventories.tables import bytes_of, refused, separator_of, split_rows, text_of
from beffroi.capacity.sizing_exports import read_domstats, read_rrddata
from beffroi.capacity.sizing_series import Measure, Numbers, Samples
from beffroi.capacity.sizing_series_columns import Layout, Valued, layout_of, metric_of
from beffroi.capacity.sizing_times import UNUSABLE, InstantReader, ReadInstants, in_file_order

_ROWS_AT_ONCE: Final = 100_000
Row = tuple[int, list[str]]


class ReadSeries(msgspec.Struct, frozen=True, eq=False):
    """What files tell of usage."""

    samples: tuple[Samples, ...] = ()
    rejected: tuple[RejectedRow, ...] = ()
    notes: tuple[Note, ...] = ()


def read_series(path: Path, rules: UnitRules) -> ReadSeries:
    """Read a file of series, or all those of a folder; mistakes are among what is rejected."""
    files = sorted(one for one in path.iterdir() if one.is_file()) if path.is_dir() else [path]
    parts = [_read_file(file, rules) for file in files]
    return ReadSeries(
        samples=tuple(one for part in parts for one in part.samples),
        rejected=tuple(row for part in parts for row in part.rejected),
        notes=tuple(note for part in parts for note in part.notes),
    )


def _read_file(file: Path, rules: UnitRules) -> ReadSeries:
    try:
        text = text_of(file, bytes_of(file))
        start = text.lstrip()[:1]
        if start in {"{", "["}:
            return ReadSeries(read_rrddata(file, text))
        if "\nDomain: '" in text[:10_000] or text.startswith("Domain: '"):
            return ReadSeries(read_domstats(file, text))
        return _read_table(file, text, rules)
    except WrongFileError as error:
        return ReadSeries(rejected=(error.rejected,))


def _read_table(file: Path, text: str, rules: UnitRules) -> ReadSeries:
    rows = _rows(file, text)
    first = next(rows, None)
    if first is None:
        raise refused(file, "capacity.file_empty")
    try:
        layout = layout_of(first[1], rules)
    except WrongValueError as error:
        place = RowPlace(str(file), first[0])
        raise WrongFileError(RejectedRow(place=place, code=error.code, told=error.told)) from error
    reading = _Reading(file, layout, rules)
    while chunk := list(islice(rows, _ROWS_AT_ONCE)):
        reading.take(chunk)
    return reading.result()


def _rows(file: Path, text: str) -> Iterator[Row]:
    return (row for row in split_rows(file, text, separator_of(text)) if any(row[1]))


class _Reading:
    """A table of series being read."""

    def __init__(self, file: Path, layout: Layout, rules: UnitRules) -> None:
        self._file = file
        self._layout = layout
        self._rules = rules
        self._instants = InstantReader()
        self._rejected: list[RejectedRow] = []
        self._ignored: dict[str, int] = defaultdict(int)
        self._parts: dict[tuple[str, Measure], list[tuple[ReadInstants, Numbers]]]
        self._parts = defaultdict(list)

    def take(self, chunk: Sequence[Row]) -> None:
        """Read some rows."""
        width = self._layout.width
        rows = [row for row in chunk if self._has_width(row, width)]
        machines = [self._machine(cells) for _, cells in rows]
        texts = [cells[self._layout.time].strip() for _, cells in rows]
        instants, unusable = self._instants.read(texts)
        for place, error in unusable.items():
            self._refuse(rows[place], self._layout.time, error)
        if self._layout.metric is not None:
            self._take_metrics(rows, machines, instants)
        for valued in self._layout.values:
            values = self._values(rows, valued)
            self._keep(machines, valued.measure, instants, values)

    def result(self) -> ReadSeries:
        """Return what all rows hold."""
        samples = tuple(
            Samples(
                machine,
                measure,
                in_file_order([instants for instants, _ in parts]),
                np.concatenate([values for _, values in parts]),
            )
            for (machine, measure), parts in self._parts.items()
        )
        notes = tuple(
            Note("metric_ignored", {"file": str(self._file), "metric": metric, "rows": count})
            for metric, count in self._ignored.items()
        )
        return ReadSeries(samples, tuple(self._rejected), notes)

    def _has_width(self, row: Row, width: int) -> bool:
        if len(row[1]) >= width:
            return True
        self._refuse(row, len(row[1]), wrong("capacity.row_too_short", columns=width))
        return False

    def _machine(self, cells: list[str]) -> str:
        return (
            self._file.stem if self._layout.machine is None else cells[self._layout.machine].strip()
        )

    def _take_metrics(
        self, rows: Sequence[Row], machines: list[str], instants: ReadInstants
    ) -> None:
        """Read rows that each tell one measure by its name."""
        by_metric: dict[str, list[int]] = defaultdict(list)
        for place, (_, cells) in enumerate(rows):
            by_metric[cells[self._layout.metric or 0].strip()].append(place)
        for metric, places in by_metric.items():
            try:
                valued = metric_of(metric, self._layout.value, self._rules)
            except WrongValueError as error:
                self._refuse(rows[places[0]], self._layout.metric or 0, error)
                continue
            if valued is None:
                self._ignored[metric] += len(places)
                continue
            values = self._values([rows[place] for place in places], valued)
            named = [machines[place] for place in places]
            self._keep(named, valued.measure, instants.at(places), values)

    def _values(self, rows: Sequence[Row], valued: Valued) -> Numbers:
        values = self._numbers(rows, valued.column)
        if valued.times is not None:
            values = values * self._numbers(rows, valued.times)
        return values * valued.factor

    def _numbers(self, rows: Sequence[Row], column: int) -> Numbers:
        """Return a column of numbers; nothing written is not known."""
        texts = [cells[column] for _, cells in rows]
        try:
            found = np.array(texts, dtype=np.float64)
        except ValueError:
            found = np.array([_number(text) for text in texts], dtype=np.float64)
        for place in np.flatnonzero(np.isinf(found)).tolist():
            self._refuse(rows[place], column, wrong("capacity.not_a_number"))
        found[np.isinf(found)] = np.nan
        return found

    def _keep(
        self, machines: list[str], measure: Measure, instants: ReadInstants, values: Numbers
    ) -> None:
        """Keep the usable samples of each machine."""
        numbers: dict[str, int] = {}
        places = np.array([numbers.setdefault(one, len(numbers)) for one in machines], np.int64)
        places[instants.first_s == UNUSABLE] = len(numbers)
        order = np.argsort(places, kind="stable")
        bounds = np.searchsorted(places[order], np.arange(len(numbers) + 1))
        for name, (begin, end) in zip(numbers, pairwise(bounds), strict=True):
            mine = order[begin:end]
            self._parts[name, measure].append((instants.at(mine), values[mine]))

    def _refuse(self, row: Row, column: int, error: WrongValueError) -> None:
        number, cells = row
        self._rejected.append(
            RejectedRow(
                place=RowPlace(str(self._file), number),
                code=error.code,
                column=self._layout.heading[column] if column < len(self._layout.heading) else "",
                position=column + 1,
                value=cells[column] if column < len(cells) else "",
                told=error.told,
            )
        )


def _number(text: str) -> float:
    """Return a number, not a number where none is written, infinity where it is none."""
    if text.strip().lower() in {"", "nan", "null", "none", "-"}:
        return float("nan")
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return float("inf")


def by_workload(samples: Sequence[Samples]) -> Mapping[str, tuple[Samples, ...]]:
    """Gather what several files tell of each workload, samples of one measure put together."""
    gathered: dict[tuple[str, Measure], list[Samples]] = defaultdict(list)
    for one in samples:
        gathered[one.workload, one.measure].append(one)
    found: dict[str, tuple[Samples, ...]] = {}
    for (workload, measure), parts in gathered.items():
        instants = np.concatenate([part.instants_s for part in parts])
        values = np.concatenate([part.values for part in parts])
        whole = Samples(workload, measure, instants, values)
        found[workload] = (*found.get(workload, ()), whole)
    return found
