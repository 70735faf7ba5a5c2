"""Connections to PostgreSQL, each transaction bound to what its asker may see."""

import asyncio
import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import psycopg
from psycopg import errors
from psycopg_pool import AsyncConnectionPool

from beffroi.kernel.errors import BeffroiError, ConflictError, InvalidInputError, UnavailableError
from beffroi.kernel.secrets import Secret

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

_CONNECT_TIMEOUT_S = 10
_STATEMENT_TIMEOUT_MS = 30_000
# A process that hangs in a transaction that appended would hold up every other writer.
_IDLE_TIMEOUT_MS = 30_000
_POOL_MIN, _POOL_MAX = 1, 8
_BIND = """
select set_config('beffroi.organisation', %s, true), set_config('beffroi.everything', %s, true)
"""
# A plan that is kept outlives what it was made for: made while a table was small, it would read it
# whole when it is large, until statistics are taken anew. Left are ways that go by a key.
_BIND_BY_KEY = (
    _BIND.rstrip()
    + """, set_config('plan_cache_mode', 'force_generic_plan', true),
    set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
    set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)
"""
)
# Rows of the platform itself carry '': an asker without an organisation must not match them.
_NO_ORGANISATION = "-"


class Scope(msgspec.Struct, frozen=True):
    """What a transaction may see: one organisation's rows, or all.

    Row-level security compares it with each row's organisation, so that a query that forgets
    its filter still shows nothing of another organisation.
    """

    organisation: str = ""
    everything: bool = False


class Database:
    """A pool of connections; ``transaction`` is the way in."""

    def __init__(self, url: Secret) -> None:
        self.url = url
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url.reveal(),
            min_size=_POOL_MIN,
            max_size=_POOL_MAX,
            open=False,
            timeout=_CONNECT_TIMEOUT_S,
            max_idle=300,
            reconnect_timeout=60,
            kwargs={
                "connect_timeout": _CONNECT_TIMEOUT_S,
                "options": (
                    f"-c statement_timeout={_STATEMENT_TIMEOUT_MS} "
                    f"-c idle_in_transaction_session_timeout={_IDLE_TIMEOUT_MS} -c timezone=UTC"
                ),
            },
            check=_refuse_ended,
        )

    async def open(self) -> None:
        """Connect.

        Raises:
            UnavailableError: PostgreSQL does not answer within 10 s.
        """
        try:
            await self._pool.open(wait=True, timeout=_CONNECT_TIMEOUT_S)
        except psycopg.OperationalError as error:
            await self._pool.close()
            raise UnavailableError("kernel.database_unreachable") from error

    async def close(self) -> None:
        """Give every connection back."""
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self, scope: Scope, *, by_key: bool = False) -> AsyncIterator[Connection]:
        """Open a transaction that sees what the scope allows; an exception rolls it back.

        Args:
            scope: What it sees.
            by_key: Its statements meet each row by a key, whatever PostgreSQL expects of the
                tables: for what is said again and again, and never reads much.

        Raises:
            UnavailableError: PostgreSQL went away, perhaps after the work was committed, or a
                statement took more than 30 s, or the work idled for as long, or its disk is full.
            ConflictError: A key of the schema forbids it, or another transaction changed the
                same rows at the same moment; nothing was committed.
            InvalidInputError: A text holds a character that PostgreSQL cannot keep: NUL.
        """
        task = asyncio.current_task()
        asked_before = task.cancelling() if task else 0
        try:
            async with self._pool.connection() as connection:
                # Until Python 3.12, wait_for in the pool may lose a cancellation that comes as it
                # ends.
                if task and task.cancelling() > asked_before:
                    raise asyncio.CancelledError
                everything = "on" if scope.everything else "off"
                organisation = scope.organisation or _NO_ORGANISATION
                bind = _BIND_BY_KEY if by_key else _BIND
                await connection.execute(bind, (organisation, everything))
                yield connection
        except psycopg.Error as error:
            told = _told(error)
            if told is None:
                raise
            raise told from error

    async def dedicated(self) -> Connection:
        """Open a connection outside the pool, in autocommit, for listening.

        Whoever waits on it need not ask whether its other end is there: TCP finds out in 25 s.
        """
        try:
            return await psycopg.AsyncConnection.connect(
                self.url.reveal(),
                autocommit=True,
                connect_timeout=_CONNECT_TIMEOUT_S,
                keepalives_idle=10,
                keepalives_interval=5,
                keepalives_count=3,
            )
        except psycopg.OperationalError as error:
            raise UnavailableError("kernel.database_unreachable") from error


async def _refuse_ended(connection: Connection) -> None:
    """Ask PostgreSQL where it said something unasked: that it ended, mostly. That costs no trip."""
    readable = select.poll()
    readable.register(connection.fileno(), select.POLLIN)
    if readable.poll(0):
        await AsyncConnectionPool.check_connection(connection)


def _told(error: psycopg.Error) -> BeffroiError | None:
    match error:
        case errors.UniqueViolation() | errors.ForeignKeyViolation():
            constraint = error.diag.constraint_name or "?"
            return ConflictError("kernel.constraint_violated", constraint=constraint)
        case errors.DeadlockDetected() | errors.SerializationFailure() | errors.LockNotAvailable():
            return ConflictError("kernel.changed_meanwhile")
        case errors.UntranslatableCharacter() | errors.CharacterNotInRepertoire():
            return InvalidInputError("kernel.text_not_storable")
        case psycopg.DataError() if error.sqlstate is None:
            return InvalidInputError("kernel.text_not_storable")
        case psycopg.OperationalError() | errors.IdleInTransactionSessionTimeout():
            return _unavailable(error)
    return None


def _unavailable(error: psycopg.Error) -> UnavailableError:
    if isinstance(error, errors.DiskFull):
        return UnavailableError("kernel.database_full")
    return UnavailableError("kernel.database_unreachable")


EVERYTHING = Scope(everything=True)
