"""Rows of a feed on disk, to be had again in the order of time."""

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from beffroi.exchange.feeds.mapping import MappedRow
from beffroi.exchange.feeds.mistakes import wrong_value

_TABLE: Final = """
create table row (
    id text, at integer, line integer, document blob, primary key (id, at)
) without rowid
"""
_ADD: Final = "insert into row (id, at, line, document) values (?, ?, ?, ?) on conflict do nothing"
_SAME: Final = "select line, document from row where id = ? and at = ?"
_JOIN: Final = "update row set document = ? where id = ? and at = ?"
_IN_TIME: Final = "select line, id, document from row order by at, line"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class SpooledRow(msgspec.Struct, frozen=True):
    """What rows tell of an entity at an instant.

    Attributes:
        line: Of the first of them.
    """

    line: int
    id: str
    document: dict[str, Any]


class Spool:
    """A temporary file of rows, gone once it is left."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="beffroi-feed-")
        # Used by one thread at a time, not always the same.
        self._database = sqlite3.connect(
            Path(self._folder.name, "rows"), isolation_level=None, check_same_thread=False
        )
        for setting in ("journal_mode = off", "synchronous = off", "temp_store = file"):
            self._database.execute(f"pragma {setting}")
        self._database.execute(_TABLE)
        self._database.execute("begin")
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._database.close()
        self._folder.cleanup()

    def add(self, row: MappedRow) -> None:
        """Keep a row; what it says of an entity and instant joins what earlier ones said.

        Raises:
            WrongValueError: An earlier one says otherwise of the same entity and instant.
        """
        at = 0 if row.at is None else (row.at - _EPOCH) // timedelta(microseconds=1)
        document = msgspec.json.encode(row.document)
        added = self._database.execute(_ADD, (row.id, at, row.line, document)).rowcount
        self.rows += added
        if added:
            return
        earlier, said = self._database.execute(_SAME, (row.id, at)).fetchone()
        if said == document:
            return
        told = msgspec.json.decode(said)
        if any(told.get(name, value) != value for name, value in row.document.items()):
            raise wrong_value("exchange.feed_row_twice", entity=row.id, earlier=earlier)
        joined = msgspec.json.encode({**told, **row.document})
        self._database.execute(_JOIN, (joined, row.id, at))

    def batches(self, size: int) -> Iterator[Sequence[SpooledRow]]:
        """Give the rows in the order of time, some at once."""
        found = self._database.execute(_IN_TIME)
        while rows := found.fetchmany(size):
            yield [
                SpooledRow(line, entity_id, msgspec.json.decode(document))
                for line, entity_id, document in rows
            ]
