"""The rows of a table as typed values, each mistake told where it stands."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from beffroi.capacity.inventories.columns import Column, Heading, Headings
from beffroi.capacity.inventories.findings import (
    Note,
    RejectedRow,
    RowPlace,
    WrongValueError,
    wrong,
)
from beffroi.capacity.inventories.quantities import (
    UnitRules,
    amount_of,
    bounded_number,
    number_of,
    plain_word,
)
from beffroi.capacity.inventories.tables import Table, TableRow, filled
from beffroi.capacity.model import Resource

_YES: Final = frozenset({"oui", "yes", "true", "vrai", "1", "x", "o", "y"})
_NO: Final = frozenset({"", "non", "no", "false", "faux", "0", "n"})


class TableReading:
    """A table being read; ``rejected`` grows with its mistakes."""

    def __init__(self, table: Table, headings: Headings, rules: UnitRules) -> None:
        self.rejected: list[RejectedRow] = []
        self.headings = headings
        self.rules = rules
        self._table = table
        self._named: dict[str, int] = {}

    def check_heading(self, needed: Iterable[tuple[str, ...]]) -> bool:
        """Refuse missing columns, columns written twice and units that cannot be used.

        Args:
            needed: Columns that must be there, each group by one of its own.
        """
        for heading in self.headings.twice:
            self._refuse(self._table.heading, wrong("capacity.column_twice"), heading)
        for group in needed:
            if not any(column in self.headings.known for column in group):
                error = wrong("capacity.column_missing", column=str(group[0]))
                self._refuse(self._table.heading, error)
        for heading in self.headings.known.values():
            if heading.resource is not None:
                self._check_unit(heading, heading.resource)
        return not self.rejected

    def rows(self) -> Iterator["Row"]:
        """Give the rows, each with as many cells as the heading."""
        width = len(self._table.heading.cells)
        for row in filled(self._table.rows, width):
            if any(row.cells[width:]):
                self._refuse(row, wrong("capacity.row_too_long", columns=width))
            else:
                yield Row(self, row)

    def notes(self) -> tuple[Note, ...]:
        """Tell which columns say nothing to us."""
        if not self.headings.ignored:
            return ()
        told = {"file": self._table.file, "columns": ", ".join(self.headings.ignored)}
        return (Note("columns_ignored", told),)

    def place(self, number: int) -> RowPlace:
        """Tell where a row is."""
        return self._table.place(number)

    def first_with(self, name: str, number: int) -> int | None:
        """Return the row that has the name already; otherwise note that this one has it."""
        first = self._named.setdefault(name, number)
        return None if first == number else first

    def refuse(self, row: TableRow, error: WrongValueError, heading: Heading, name: str) -> None:
        """Tell a value that cannot be used."""
        self._refuse(row, error, heading, name)

    def _check_unit(self, heading: Heading, resource: Resource) -> None:
        """Try the heading's unit once, so that its mistake is not told for every row."""
        cells = [row.cells[heading.position] for row in self._table.rows if self._has(row, heading)]
        sample = next((cell for cell in cells if cell), "1")
        try:
            bare = "1" if heading.unit or not _with_unit(sample) else sample
            amount_of(bare, resource, heading.unit, self.rules)
        except WrongValueError as error:
            if error.code.startswith(("capacity.unit", "capacity.clock")):
                self._refuse(self._table.heading, error, heading)

    def _has(self, row: TableRow, heading: Heading) -> bool:
        return heading.position < len(row.cells)

    def _refuse(
        self, row: TableRow, error: WrongValueError, heading: Heading | None = None, name: str = ""
    ) -> None:
        self.rejected.append(
            RejectedRow(
                place=self._table.place(row.number),
                code=error.code,
                column=heading.written if heading else "",
                position=heading.position + 1 if heading else 1,
                value=row.cells[heading.position] if heading else "",
                told=error.told,
                name=name,
            )
        )


class Row:
    """One row being read; ``sound`` until one of its values cannot be used."""

    def __init__(self, reading: TableReading, row: TableRow) -> None:
        self.sound = True
        self.number = row.number
        self._reading = reading
        self._row = row

    @property
    def name(self) -> str:
        """What the row is about."""
        return self.text(Column.NAME)

    def knows(self, column: str) -> bool:
        """Tell whether the table has the column."""
        return column in self._reading.headings.known

    def has(self, column: str) -> bool:
        """Tell whether something is written there."""
        return bool(self.text(column))

    def text(self, column: str) -> str:
        """Return what is written, or nothing."""
        heading = self._reading.headings.known.get(column)
        return self._row.cells[heading.position] if heading else ""

    def checked_name(self) -> str:
        """Return the name, which no other row has."""
        name = self.name
        if not name:
            self.refuse(Column.NAME, wrong("capacity.name_missing"))
            return ""
        first = self._reading.first_with(name, self.number)
        if first is not None:
            self.refuse(Column.NAME, wrong("capacity.row_name_twice", first=first))
        return name

    def amount(self, column: str, *, needed: bool, least: int = 0) -> int:
        """Return an amount in the unit of its resource; nothing written is 0."""
        try:
            return self._amount(column, needed=needed, least=least)
        except WrongValueError as error:
            self.refuse(column, error)
            return 0

    def _amount(self, column: str, *, needed: bool, least: int) -> int:
        written = self.text(column)
        if not written and least:
            raise wrong("capacity.amount_missing")
        heading = self._reading.headings.known.get(column)
        if not written or heading is None or heading.resource is None:
            return 0
        rules = self._reading.rules
        found = amount_of(written, heading.resource, heading.unit, rules, needed=needed)
        if found < least:
            raise wrong("capacity.amount_zero")
        return found

    def number_at(self, column: str, maximum: int) -> Decimal:
        """Return a plain number from 0 to a bound; nothing written is 0."""
        if not self.has(column):
            return Decimal(0)
        try:
            separated = self._reading.rules.comma_separates
            return bounded_number(self.text(column), maximum, comma_separates=separated)
        except WrongValueError as error:
            self.refuse(column, error)
            return Decimal(0)

    def flag(self, column: str) -> bool:
        """Return a yes or no; nothing written is no."""
        return self.choice(column, {**dict.fromkeys(_YES, True), **dict.fromkeys(_NO, False)})

    def choice(self, column: str, choices: Mapping[str, bool]) -> bool:
        """Return what one of several words stands for."""
        word = plain_word(self.text(column))
        if word not in choices:
            listed = ", ".join(one for one in choices if one)
            self.refuse(column, wrong("capacity.not_a_choice", choices=listed))
            return False
        return choices[word]

    def names(self, column: str) -> tuple[str, ...]:
        """Return a list of names, separated by ``|``."""
        return tuple(part.strip() for part in self.text(column).split("|") if part.strip())

    def refuse(self, column: str, error: WrongValueError) -> None:
        """Tell that a value cannot be used."""
        self.sound = False
        self._reading.refuse(self._row, error, self._reading.headings.known[column], self.name)


def _with_unit(text: str) -> bool:
    try:
        return bool(number_of(text)[1])
    except WrongValueError:
        return False


def rejected_in_order(rejected: Sequence[RejectedRow]) -> tuple[RejectedRow, ...]:
    """Sort mistakes by sheet, row and column."""
    return tuple(
        sorted(rejected, key=lambda one: (one.place.sheet, one.place.row, one.position, one.code))
    )
