"""Taking what a person was called out of the log: the one change that it knows."""

from collections.abc import Sequence
from typing import Any

import msgspec

from beffroi.kernel.database import Connection, execute, fetch_all
from beffroi.kernel.log.entries import Entry


async def allow_erasing(connection: Connection) -> None:
    """Let this transaction change what is otherwise only added to."""
    await execute(connection, "select set_config('beffroi.erasing', 'on', true)")


async def entries_with(
    connection: Connection, text: str, organisation: str | None, *, after: int, limit: int
) -> Sequence[Entry]:
    """Return entries in which a text stands, in order.

    Args:
        connection: Where to.
        text: As JSON writes it, without its quotes.
        organisation: Whose entries; nothing: everybody's.
        after: The seq of the last one seen.
        limit: How many at most.
    """
    return await fetch_all(
        connection,
        Entry,
        "select * from kernel.log where seq > %s and (strpos(body::text, %s) > 0 "
        "or strpos(subject, %s) > 0) and (%s::text is null or organisation = %s) "
        "order by seq limit %s",
        (after, text, text, organisation, organisation, limit),
    )


async def rewrite(connection: Connection, seq: int, subject: str, body: dict[str, Any]) -> None:
    """Put another subject and body in the place of an entry's."""
    await execute(
        connection,
        "update kernel.log set subject = %s, body = %s::json where seq = %s",
        (subject, msgspec.json.encode(body).decode(), seq),
    )
