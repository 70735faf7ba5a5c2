"""Rows as frozen typed values."""

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString, TypeVar

import msgspec
import psycopg
from psycopg.rows import dict_row

from beffroi.kernel.database.pool import Connection

RowT = TypeVar("RowT")
Parameters = Sequence[Any] | Mapping[str, Any] | None


async def execute(
    connection: Connection, statement: LiteralString, parameters: Parameters = ()
) -> int:
    """Run one statement.

    Returns:
        How many rows it touched.
    """
    cursor = await connection.execute(statement, parameters)
    return cursor.rowcount


async def fetch_all(
    connection: Connection,
    kind: type[RowT],
    statement: LiteralString,
    parameters: Parameters = (),
) -> list[RowT]:
    """Return every row as a value of the kind, columns matched to fields by name."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(statement, parameters)
        return [msgspec.convert(row, kind, strict=False) for row in await cursor.fetchall()]


async def fetch_tuples(
    connection: Connection,
    statement: str,
    parameters: Parameters = (),
    *,
    prepare: bool | None = None,
) -> list[tuple[Any, ...]]:
    """Return every row as it comes: for hot paths, and for statements made of parts.

    Args:
        connection: Where to.
        statement: Made of texts of ours alone; values are parameters.
        parameters: In the order of their places.
        prepare: Let the connection keep it from the first time on; None: once it was often asked.
    """
    cursor = await connection.execute(statement.encode(), parameters, prepare=prepare)
    return await cursor.fetchall()


async def fetch_optional(
    connection: Connection,
    kind: type[RowT],
    statement: LiteralString,
    parameters: Parameters = (),
) -> RowT | None:
    """Return the first row, or nothing."""
    rows = await fetch_all(connection, kind, statement, parameters)
    return rows[0] if rows else None


async def fetch_one(
    connection: Connection,
    kind: type[RowT],
    statement: LiteralString,
    parameters: Parameters = (),
) -> RowT:
    """Return the one row that the statement always gives."""
    row = await fetch_optional(connection, kind, statement, parameters)
    if row is None:
        raise psycopg.DataError("the statement gave no row")
    return row


async def fetch_value(
    connection: Connection, statement: LiteralString, parameters: Parameters = ()
) -> Any:  # noqa: ANN401 - the caller knows the column
    """Return the first column of the first row."""
    cursor = await connection.execute(statement, parameters)
    row = await cursor.fetchone()
    return None if row is None else row[0]
