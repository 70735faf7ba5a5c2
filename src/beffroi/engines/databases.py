"""A database and a role of its own for each application that asks."""

from collections.abc import Iterable, Mapping
from urllib.parse import parse_qs, urlsplit

import msgspec

from beffroi.kernel.database import Connection, Database, fetch_all, fetch_value
from beffroi.kernel.errors import FailedError
from beffroi.kernel.ids import is_slug
from beffroi.kernel.secrets import Secret

_CONNECTION_LIMIT = 20


def socket_folder(url: Secret) -> str:
    """Return the folder of the socket that a URL names; empty when it names a TCP address."""
    host = parse_qs(urlsplit(url.reveal()).query).get("host", [""])[0]
    return host if host.startswith("/") else ""


class ApplicationDatabases:
    """Makes and removes them on the platform's server.

    An application reaches the server by its unix socket alone: its sandbox has no network.
    """

    def __init__(self, url: Secret) -> None:
        self._url = url

    @property
    def socket_folder(self) -> str:
        """Return the folder of the server's socket.

        Raises:
            FailedError: The server is reached by TCP.
        """
        folder = socket_folder(self._url)
        if not folder:
            raise FailedError("engines.database_by_tcp")
        return folder

    async def ensure(self, application: str, password: Secret) -> None:
        """Make the application's role and database, or set its password anew."""
        name = database_name(application)
        async with await Database(self._url).dedicated() as connection:
            await _run(connection, "set createrole_self_grant = 'set, inherit'")
            if await fetch_value(connection, "select 1 from pg_roles where rolname = %s", (name,)):
                verb = "alter"
            else:
                verb = "create"
            given = (password.reveal(),)
            literal = await fetch_value(connection, "select quote_literal(%s)", given)
            await _run(
                connection,
                f"{verb} role {name} login connection limit {_CONNECTION_LIMIT} password {literal}",
            )
            known = "select 1 from pg_database where datname = %s"
            if await fetch_value(connection, known, (name,)) is None:
                await _run(connection, f"create database {name} owner {name}")
            await _run(connection, f"revoke connect on database {name} from public")

    async def remove(self, application: str) -> None:
        """Remove the database and the role, with all they hold."""
        name = database_name(application)
        async with await Database(self._url).dedicated() as connection:
            await _run(connection, f"drop database if exists {name} with (force)")
            await _run(connection, f"drop role if exists {name}")

    async def sizes(self, applications: Iterable[str]) -> Mapping[str, int]:
        """Return how many bytes of disk each application's database takes; 0 without one."""
        names = {database_name(one): one for one in applications}
        async with await Database(self._url).dedicated() as connection:
            found = await fetch_all(
                connection,
                _DatabaseSize,
                "select datname as name, coalesce(pg_database_size(oid), 0) as size_bytes"
                " from pg_database where datname = any(%s)",
                (list(names),),
            )
        sizes = {names[one.name]: one.size_bytes for one in found}
        return {application: sizes.get(application, 0) for application in names.values()}


class _DatabaseSize(msgspec.Struct, frozen=True):
    name: str
    size_bytes: int


def database_name(application: str) -> str:
    """Return the name of an application's database, which is its role's too."""
    if not is_slug(application):
        raise FailedError("engines.database_name", application=application)
    return "app_" + application.replace("-", "_")


async def _run(connection: Connection, statement: str) -> None:
    """Run a statement whose names were checked: PostgreSQL takes no parameter there."""
    await connection.execute(statement.encode())
