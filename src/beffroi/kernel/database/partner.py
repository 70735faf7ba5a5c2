"""Connections to databases that are not the platform's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec
import psycopg
from psycopg import errors, sql
from psycopg.types.json import Jsonb

from beffroi.kernel.database.pool import Connection
from beffroi.kernel.errors import InvalidInputError, UnavailableError
from beffroi.kernel.secrets import Secret

_CONNECT_WITHIN_S: Final = 10
_STATEMENT_MOST_MS: Final = 30_000
_DEAD_AFTER_MS: Final = 15_000
_FIT: Final = """
select a.attname, exists (
    select from pg_index i where i.indrelid = c.oid and i.indisunique and i.indpred is null
        and i.indexprs is null and (
            select array_agg(k.attname order by k.attname) from pg_attribute k
            where k.attrelid = c.oid and k.attnum = any(i.indkey[0:i.indnkeyatts - 1])
        ) = %(key)s::name[]
) from pg_class c join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid
where n.nspname = %(schema)s and c.relname = %(table)s and a.attnum > 0 and not a.attisdropped
"""


class PartnerAwayError(UnavailableError):
    """The partner's database does not answer, or refuses to as a whole."""


class RowsRefusedError(InvalidInputError):
    """The partner's database does not take these rows."""


class PartnerPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a partner's PostgreSQL is, and who signs in.

    Attributes:
        address: That the name leads to; looked at before.
        encrypted: Encrypt, and check the server's certificate against the system's authorities.
    """

    host: str
    address: str
    port: int
    database: str
    user: str
    password: Secret
    encrypted: bool


class PartnerTable(msgspec.Struct, frozen=True):
    """A table of a partner.

    Attributes:
        key: Columns that tell rows apart.
    """

    schema: str
    name: str
    key: tuple[str, ...]


@asynccontextmanager
async def partner_connection(place: PartnerPlace) -> AsyncIterator[Connection]:
    """Connect to a partner's PostgreSQL.

    Raises:
        PartnerAwayError: It does not let us in.
    """
    try:
        connection: Connection = await psycopg.AsyncConnection.connect(
            host=place.host,
            hostaddr=place.address,
            port=place.port,
            dbname=place.database,
            user=place.user,
            password=place.password.reveal(),
            connect_timeout=_CONNECT_WITHIN_S,
            tcp_user_timeout=_DEAD_AFTER_MS,
            application_name="beffroi",
            options=f"-c statement_timeout={_STATEMENT_MOST_MS}",
            sslmode="verify-full" if place.encrypted else "prefer",
            sslrootcert="system" if place.encrypted else "",
        )
    except psycopg.Error as error:
        raise PartnerAwayError(
            "kernel.partner_away", host=place.host, reason=_reason(error)
        ) from error
    async with connection:
        yield connection


async def columns_of(connection: Connection, table: PartnerTable) -> tuple[tuple[str, ...], bool]:
    """Return a table's columns, none where it is not there, and whether its key is unique."""
    try:
        async with connection.transaction():
            cursor = await connection.execute(
                _FIT,
                {"key": sorted(table.key), "schema": table.schema, "table": table.name},
            )
            rows = await cursor.fetchall()
    except psycopg.Error as error:
        raise PartnerAwayError("kernel.partner_away", host="?", reason=_reason(error)) from error
    return tuple(row[0] for row in rows), any(row[1] for row in rows)


async def put_rows(
    connection: Connection,
    table: PartnerTable,
    rows: list[dict[str, object]],
    gone: list[dict[str, object]],
) -> None:
    """Put rows in the place of those of the same key, and delete others, in one transaction.

    Args:
        connection: Where to.
        table: Which.
        rows: All with the same columns.
        gone: Keys of those to delete.

    Raises:
        RowsRefusedError: The table does not take a value; nothing was written.
        PartnerAwayError: It does not answer, or the table is not as it was.
    """
    where = _called(table.schema, table.name)
    try:
        async with connection.transaction(), connection.cursor() as cursor:
            if rows:
                columns = tuple(rows[0])
                values = [tuple(_stored(one[name]) for name in columns) for one in rows]
                await cursor.executemany(_upsert(where, columns, table.key), values)
            if gone:
                wanted = sql.SQL(" and ").join(
                    sql.SQL("{} = %s").format(_called(name)) for name in table.key
                )
                await cursor.executemany(
                    sql.SQL("delete from {} where {}").format(where, wanted),
                    [tuple(_compared(one[name]) for name in table.key) for one in gone],
                )
    except (psycopg.DataError, psycopg.IntegrityError, errors.DatatypeMismatch) as error:
        raise RowsRefusedError("kernel.partner_refused", reason=_reason(error)) from error
    except psycopg.Error as error:
        raise PartnerAwayError(
            "kernel.partner_away", host=table.name, reason=_reason(error)
        ) from error


def _upsert(where: sql.Identifier, columns: tuple[str, ...], key: tuple[str, ...]) -> sql.Composed:
    names = sql.SQL(", ").join(map(_called, columns))
    places = sql.SQL(", ").join([sql.Placeholder()] * len(columns))
    others = [name for name in columns if name not in key]
    changed = sql.SQL(", ").join(
        sql.SQL("{0} = excluded.{0}").format(_called(name)) for name in others
    )
    outcome = sql.SQL("do update set {}").format(changed) if others else sql.SQL("do nothing")
    return sql.SQL("insert into {} ({}) values ({}) on conflict ({}) {}").format(
        where, names, places, sql.SQL(", ").join(map(_called, key)), outcome
    )


def _called(*names: str) -> sql.Identifier:
    """Quote a name for a statement with parameters, where psycopg reads % even in names."""
    return sql.Identifier(*(name.replace("%", "%%") for name in names))


def _compared(value: object) -> object:
    """Write a value so that it can be compared with a column of any type that took it."""
    match value:
        case bool():
            return str(value).lower()
        case float() if value.is_integer():
            return str(int(value))
        case int() | float():
            return str(value)
    return _stored(value)


def _stored(value: object) -> object:
    return Jsonb(value) if isinstance(value, dict | list) else value


def _reason(error: psycopg.Error) -> str:
    told = error.diag.message_primary or str(error).strip() or type(error).__name__
    return told.splitlines()[0][:300]
