"""Appending to the log in the commit of the change itself, and reading it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString

import msgspec

from beffroi.kernel.database import Connection, execute, fetch_tuples, fetch_value
from beffroi.kernel.database.columns import EncodedTexts, Texts

CHANNEL = "beffroi_log"
_APPEND_LOCK = 0x6C6F67
_ENCODER = msgspec.json.Encoder()
_APPEND: LiteralString = """
with alone as materialized (
    select pg_advisory_xact_lock(%s)
), appended as (
    insert into kernel.log (kind, subject, organisation, body)
    select kind, subject, organisation, body::json
    from alone, unnest(%s::text[], %s::text[], %s::text[], %s::text[])
        with ordinality as given(kind, subject, organisation, body, place)
    order by place
    returning 1
)
select pg_notify(%s, %s) from appended limit 1
"""
_READ: LiteralString = "select seq, at, kind, subject, organisation, body::text from kernel.log "


class Event(msgspec.Struct, frozen=True):
    """Something that a transaction decides."""

    kind: str
    subject: str
    organisation: str = ""
    body: dict[str, Any] = {}


class Entry(msgspec.Struct, frozen=True):
    """An event as committed: ``seq`` grows in the order of commit."""

    seq: int
    at: datetime
    kind: str
    subject: str
    organisation: str
    body: dict[str, Any]


async def append(connection: Connection, *events: Event) -> None:
    """Write events as the last act of a transaction.

    From here to the commit no other transaction can append: seq and commit keep one order. A seq is
    drawn for a row that is joined to the lock, hence after it is taken.
    Source: docs/decisions/0004-one-order-for-the-log.md.
    """
    if not events:
        return
    await execute(
        connection,
        _APPEND,
        (
            _APPEND_LOCK,
            Texts([one.kind for one in events]),
            Texts([one.subject for one in events]),
            Texts([one.organisation for one in events]),
            EncodedTexts([_ENCODER.encode(one.body) for one in events]),
            CHANNEL,
            ",".join(sorted({one.kind for one in events})),
        ),
    )


async def read_after(connection: Connection, seq: int, limit: int) -> Sequence[Entry]:
    """Return the entries that follow a seq, in order."""
    rows = await fetch_tuples(
        connection, _READ + "where seq > %s order by seq limit %s", (seq, limit)
    )
    return [_entry(row) for row in rows]


async def last_seq(connection: Connection) -> int:
    """Return the seq of the newest entry; 0 where there is none."""
    seq: int = await fetch_value(connection, "select coalesce(max(seq), 0) from kernel.log")
    return seq


async def read_of_kinds(
    connection: Connection, prefixes: Sequence[str], after: int, limit: int
) -> tuple[Sequence[Entry], int]:
    """Return the entries that follow a seq and whose kind begins so, and up to where they tell.

    What lies in between is of other kinds.
    """
    last = await last_seq(connection)
    rows = await fetch_tuples(
        connection,
        _READ + "where seq > %s and seq <= %s and kind ^@ any(%s) order by seq limit %s",
        (after, last, list(prefixes), limit),
    )
    entries = [_entry(row) for row in rows]
    return entries, entries[-1].seq if len(entries) == limit else last


def _entry(row: tuple[Any, ...]) -> Entry:
    seq, at, kind, subject, organisation, body = row
    return Entry(seq, at, kind, subject, organisation, msgspec.json.decode(body))
