"""Reading a PostgreSQL that is not the platform's own: one query, changing nothing."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg
from psycopg import conninfo, sql
from psycopg.rows import dict_row

from beffroi.kernel.errors import InvalidInputError, UnavailableError
from beffroi.kernel.secrets import Secret

_CONNECT_WITHIN_S: Final = 10
_STATEMENT_MOST_MS: Final = 120_000
_FETCHED_AT_ONCE: Final = 500
_FETCH_WITHIN_S: Final = _STATEMENT_MOST_MS / 1_000 + 10
"""Also for a server that is gone without a word, or whose query lifted its own limit."""
_KEYWORDS: Final = frozenset(
    {
        "application_name",
        "channel_binding",
        "connect_timeout",
        "dbname",
        "host",
        "password",
        "port",
        "sslmode",
        "target_session_attrs",
        "user",
    }
)
"""What a connection string may say: nothing of files of ours, or of another way to connect."""
_NO_FILE: Final = "/dev/null"
_OPTIONS: Final = (
    f"-c statement_timeout={_STATEMENT_MOST_MS} -c default_transaction_read_only=on -c timezone=UTC"
)

# The others name files and accounts of the platform's own machine, or another host.
_ALLOWED: Final = frozenset(
    {"host", "port", "dbname", "user", "password", "sslmode", "connect_timeout"}
    | {"application_name", "target_session_attrs", "channel_binding", "require_auth"}
)


class PartnerUnreachableError(UnavailableError):
    """The partner's database does not answer, or not in time."""


class PartnerQueryError(InvalidInputError):
    """The partner's database refuses the query, or the address is none."""


def hosts_of(url: Secret) -> list[str]:
    """Return the hosts that a connection string names.

    Raises:
        PartnerQueryError: It is none, or names no host.
    """
    try:
        told = conninfo.conninfo_to_dict(url.reveal())
    except psycopg.ProgrammingError as error:
        raise PartnerQueryError("kernel.partner_url_wrong") from error
    hosts = [one for one in str(told.get("host") or "").split(",") if one]
    is_local = any(one.startswith(("/", "@")) for one in hosts)
    authorities = told.pop("sslrootcert", "system")
    is_others = told.keys() <= _ALLOWED and authorities == "system" and told.get("user")
    if not hosts or is_local or not is_others:
        raise PartnerQueryError("kernel.partner_url_wrong")
    return hosts


async def partner_rows(
    url: Secret, query: str, column: str, position: str | None, addresses: Mapping[str, str]
) -> AsyncIterator[Mapping[str, Any]]:
    """Give the rows of a query in the order of a column, from a position on, that one included.

    Args:
        url: A connection string.
        query: One select; what it would change is refused.
        column: Of its result.
        position: A value of the column, as text; nothing: from the beginning.
        addresses: The address to connect to, by host.

    Raises:
        PartnerUnreachableError: The database does not answer, or not in time.
        PartnerQueryError: It refuses the query.
    """
    async with _connected(url, addresses) as connection:
        await connection.set_read_only(True)
        async with (
            connection.transaction(),
            connection.cursor("beffroi_feed", row_factory=dict_row) as cursor,
        ):
            async with asyncio.timeout(_FETCH_WITHIN_S):
                await cursor.execute(_statement(query, column, position))
            while True:
                async with asyncio.timeout(_FETCH_WITHIN_S):
                    rows = await cursor.fetchmany(_FETCHED_AT_ONCE)
                if not rows:
                    return
                for row in rows:
                    yield row


def _statement(query: str, column: str, position: str | None) -> sql.Composed:
    # The query is of who owns the database that it is sent to.
    asked = sql.SQL(query.rstrip().removesuffix(";"))
    place = sql.Identifier("asked", column)
    since: sql.Composable = sql.SQL("true")
    if position is not None:
        since = sql.SQL("{} >= {}").format(place, sql.Literal(position))
    # A line of its own: the query may end in a comment.
    return sql.SQL("select * from ({}\n) as asked where {} order by {}").format(asked, since, place)


@asynccontextmanager
async def _connected(
    url: Secret, addresses: Mapping[str, str]
) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    try:
        async with await psycopg.AsyncConnection.connect(
            url.reveal(),
            hostaddr=",".join(addresses[one] for one in hosts_of(url)),
            connect_timeout=_CONNECT_WITHIN_S,
            passfile=_NO_FILE,
            options=_OPTIONS,
            application_name="beffroi",
        ) as connection:
            yield connection
    except TimeoutError as error:
        raise PartnerUnreachableError("kernel.partner_unreachable", reason="timeout") from error
    except psycopg.OperationalError as error:
        raise PartnerUnreachableError(
            "kernel.partner_unreachable", reason=_reason(error)
        ) from error
    except psycopg.Error as error:
        raise PartnerQueryError("kernel.partner_query_wrong", reason=_reason(error)) from error


def _reason(error: psycopg.Error) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
