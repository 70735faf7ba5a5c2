"""Appending to the log in the commit of the change itself, and reading it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from beffroi.kernel.database import Connection, execute, fetch_all, fetch_value

CHANNEL = "beffroi_log"
_APPEND_LOCK = 0x6C6F67


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
        """
        with alone as materialized (
            select pg_advisory_xact_lock(%s)
        ), appended as (
            insert into kernel.log (kind, subject, organisation, body)
            select event ->> 'kind', event ->> 'subject', event ->> 'organisation', event -> 'body'
            from alone, jsonb_array_elements(%s::jsonb) with ordinality as given(event, place)
            order by place
            returning 1
        )
        select pg_notify(%s, '') from appended limit 1
        """,
        (_APPEND_LOCK, msgspec.json.encode(events).decode(), CHANNEL),
    )


async def read_after(connection: Connection, seq: int, limit: int) -> Sequence[Entry]:
    """Return the entries that follow a seq, in order."""
    return await fetch_all(
        connection,
        Entry,
        "select * from kernel.log where seq > %s order by seq limit %s",
        (seq, limit),
    )


async def last_seq(connection: Connection) -> int:
    """Return the seq of the newest entry; 0 where there is none."""
    seq: int = await fetch_value(connection, "select coalesce(max(seq), 0) from kernel.log")
    return seq


async def read_of_kinds(
    connection: Connection, kinds: Sequence[str], after: int, last: int
) -> Sequence[Entry]:
    """Return the entries of some kinds that follow a seq, up to another, in order."""
    return await fetch_all(
        connection,
        Entry,
        "select * from kernel.log where seq > %s and seq <= %s and kind = any(%s) order by seq",
        (after, last, list(kinds)),
    )
