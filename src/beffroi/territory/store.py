"""The versions of the territory: the only SQL of its schema."""

from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from beffroi.kernel.database import Connection, execute, fetch_optional
from beffroi.territory.model import Territory

DocumentT = TypeVar("DocumentT")


class Versioned(msgspec.Struct, Generic[DocumentT], frozen=True, kw_only=True):
    """A document as it was applied; versions count from 1."""

    version: int
    applied_at: datetime
    actor: str
    source_digest: str
    document: DocumentT


async def lock(connection: Connection) -> None:
    """Keep other writers out until the end of the transaction; readers go on."""
    await execute(connection, "lock table territory.version in share row exclusive mode", None)


async def current(connection: Connection) -> Versioned[Territory] | None:
    """Return the highest version, or nothing before the first."""
    return await fetch_optional(
        connection,
        Versioned[Territory],
        "select * from territory.version order by version desc limit 1",
    )


async def insert(connection: Connection, versioned: Versioned[Territory]) -> None:
    """Add a version.

    Raises:
        ConflictError: The version exists.
    """
    await execute(
        connection,
        """
        insert into territory.version (version, applied_at, actor, source_digest, document)
        values (%s, %s, %s, %s, %s::jsonb)
        """,
        (
            versioned.version,
            versioned.applied_at,
            versioned.actor,
            versioned.source_digest,
            msgspec.json.encode(versioned.document).decode(),
        ),
    )
