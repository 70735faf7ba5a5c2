"""Rows of Parquet, a batch of columns at a time."""

import json
import math
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from pyarrow import parquet

from beffroi.exchange.feeds.mistakes import RowPlace
from beffroi.exchange.feeds.rows import Row, WrongFileError, wrong_file

_BATCH: Final = 64
"""Rows at once: a value that is long and written once may stand in all of them."""
_WRONG: Final = (pa.ArrowException, OSError, ValueError, OverflowError, LookupError)


def read_parquet(file: Path, rows: str = "") -> Iterator[Row]:
    """Give the rows of a table."""
    del rows
    number = 0
    try:
        with parquet.ParquetFile(file) as table:
            for batch in table.iter_batches(batch_size=_BATCH):
                for one in batch.to_pylist():
                    number += 1
                    cells = {name: _cell(value) for name, value in one.items()}
                    yield Row(RowPlace(str(file), number), cells)
    except _WRONG as error:
        raise _not_parquet(file, number + 1, error) from error


def parquet_columns(file: Path) -> Sequence[str]:
    """Return the columns of a table.

    Raises:
        WrongFileError: It is none.
    """
    try:
        return tuple(parquet.read_schema(file).names)
    except _WRONG as error:
        raise _not_parquet(file, 1, error) from error


def _not_parquet(file: Path, row: int, error: Exception) -> WrongFileError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return wrong_file(file, row, "exchange.feed_file_not_parquet", reason=reason)


def _cell(value: Any) -> str:  # noqa: ANN401 - what a column may hold
    match value:
        case str():
            return value.strip()
        case datetime() | date():
            return value.isoformat()
        case bytes():
            return value.hex()
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, default=str)
    is_none = value is None or (isinstance(value, float) and math.isnan(value))
    return "" if is_none else str(value)
