"""Schema changes, one folder of numbered SQL files per domain, applied once and in order."""

import logging
import time
from hashlib import sha256
from importlib.resources import files

import msgspec

from beffroi.kernel.database.pool import EVERYTHING, Connection, Database
from beffroi.kernel.database.rows import execute, fetch_all
from beffroi.kernel.errors import ConflictError

_logger = logging.getLogger(__name__)
_LOCK: int = 0x6265666672
_CREATE_TABLE = """
create schema if not exists kernel;
create table if not exists kernel.migration (
    domain text not null,
    name text not null,
    digest text not null,
    applied_at timestamptz not null default now(),
    primary key (domain, name)
)
"""


class Migration(msgspec.Struct, frozen=True):
    """One SQL file of a domain."""

    domain: str
    name: str
    digest: str
    statements: str = ""


async def migrate(database: Database, domains: tuple[str, ...]) -> list[Migration]:
    """Apply what is missing, all in one transaction.

    Args:
        database: The open database.
        domains: Packages under ``beffroi`` that keep a ``migrations`` folder, in order.

    Returns:
        The migrations applied now.

    Raises:
        ConflictError: A file that was applied has changed since.
    """
    async with database.transaction(EVERYTHING) as connection:
        # Months of history are looked through for longer than a statement may take otherwise.
        await execute(connection, "set local statement_timeout = 0")
        await execute(connection, "select pg_advisory_xact_lock(%s)", (_LOCK,))
        await execute(connection, _CREATE_TABLE, None)
        applied = {
            (done.domain, done.name): done.digest
            for done in await fetch_all(
                connection, Migration, "select domain, name, digest from kernel.migration"
            )
        }
        return [
            migration
            for domain in domains
            for migration in _written(domain)
            if await _apply(connection, migration, applied)
        ]


def _written(domain: str) -> list[Migration]:
    folder = files(f"beffroi.{domain}").joinpath("migrations")
    found = []
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".sql"):
            text = file.read_text(encoding="utf-8")
            found.append(Migration(domain, file.name, sha256(text.encode()).hexdigest(), text))
    return found


async def _apply(
    connection: Connection, migration: Migration, applied: dict[tuple[str, str], str]
) -> bool:
    digest = applied.get((migration.domain, migration.name))
    if digest == migration.digest:
        return False
    if digest is not None:
        raise ConflictError(
            "kernel.migration_changed", domain=migration.domain, name=migration.name
        )
    _logger.info("migration domain=%s name=%s state=begun", migration.domain, migration.name)
    begun_s = time.monotonic()
    await execute(connection, migration.statements, None)
    await execute(
        connection,
        "insert into kernel.migration (domain, name, digest) values (%s, %s, %s)",
        (migration.domain, migration.name, migration.digest),
    )
    _logger.info(
        "migration domain=%s name=%s state=done took_s=%.1f",
        migration.domain,
        migration.name,
        time.monotonic() - begun_s,
    )
    return True
