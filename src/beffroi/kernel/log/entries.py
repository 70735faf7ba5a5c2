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
    """Something that a transaction decides.

    Attributes:
        body: What there is to tell, or how that is written as JSON on one line.
    """

    kind: str
    subject: str
    organisation: str = ""
    body: dict[str, Any] | msgspec.Raw = {}


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
            EncodedTexts(_ENCODER.encode_lines([one.body for one in events]).split(b"\n")[:-1]),
            CHANNEL,
            ",".join(sorted({one.kind for one in events})),
        ),
    )


async def hold_appends(connection: Connection) -> None:
    """Have nobody append until the transaction ends."""
    await execute(connection, "select pg_advisory_xact_lock(%s)", (_APPEND_LOCK,))


async def written_after(connection: Connection, seqs: Sequence[int]) -> dict[int, datetime | None]:
    """Return when the entry that follows each seq was written; nothing: there is none."""
    rows = await fetch_tuples(
        connection,
        "select given.seq, (select at from kernel.log where seq > given.seq order by seq limit 1) "
        "from unnest(%s::bigint[]) as given(seq)",
        (list(seqs),),
    )
    return dict(rows)


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


async def read_of_subjects(
    connection: Connection,
    prefixes: Sequence[str],
    subjects: Sequence[str],
    between: tuple[int, int],
) -> Sequence[Entry]:
    """Return the entries after a seq, up to another, on some subjects and of such kinds."""
    rows = await fetch_tuples(
        connection,
        _READ + "where seq > %s and seq <= %s and subject = any(%s) and kind ^@ any(%s) "
        "order by seq",
        (*between, list(subjects), list(prefixes)),
    )
    return [_entry(row) for row in rows]


async def organisations_between(
    connection: Connection, prefixes: Sequence[str], between: tuple[int, int]
) -> frozenset[str]:
    """Return whose entries of such kinds come after a seq, up to another."""
    rows = await fetch_tuples(
        connection,
        "select distinct organisation from kernel.log "
        "where seq > %s and seq <= %s and kind ^@ any(%s)",
        (*between, list(prefixes)),
    )
    return frozenset(row[0] for row in rows)


def _entry(row: tuple[Any, ...]) -> Entry:
    seq, at, kind, subject, organisation, body = row
    return Entry(seq, at, kind, subject, organisation, msgspec.json.decode(body))
