"""The only SQL of connectors: the log that they read, and what they could not send."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import msgspec

from beffroi.exchange.connectors.mapping import Row
from beffroi.exchange.flows.model import HeldFlow, ToldError
from beffroi.exchange.model import Iri
from beffroi.exchange.subscriptions.moments import ENTITY_KINDS
from beffroi.kernel.database import Connection, execute, fetch_tuples
from beffroi.kernel.log import Entry
from beffroi.kernel.log.entries import last_seq

_ENTRIES: Final = """
select seq, at, kind, subject, organisation, body::text from kernel.log
where seq > %s and seq <= %s and kind = any(%s)
    and (%s::text[] is null or organisation = any(%s))
order by seq limit %s
"""
_SPAN: Final = 20_000
"""How much of the log one look goes through at most: among others' changes, few may be wanted."""


class Passage(msgspec.Struct, frozen=True):
    """A part of the log that a connector reads at once.

    Attributes:
        entries: Changes of entities that it may see.
        until: The seq up to which the log was read.
        end: The last seq there is.
    """

    entries: Sequence[Entry]
    until: int
    end: int


class Change(msgspec.Struct, frozen=True):
    """A change of an entity, in the receiver's words.

    Attributes:
        seq: Of its entry in the log.
        id: Of the entity, as the connector may see it.
        observed_at: When the newest of what it tells was so.
        owner: Whose entity it is.
        types: Of the entity.
        names: The attributes that the row tells of.
        given: The marks of the policies by which another's entity is told.
    """

    seq: int
    at: datetime
    id: str
    deleted: bool
    row: Row
    observed_at: datetime | None = None
    owner: str = ""
    types: tuple[Iri, ...] = ()
    names: tuple[Iri, ...] = ()
    given: tuple[str, ...] = ()


async def passage_after(
    connection: Connection, owners: Collection[str] | None, seq: int, most: int
) -> Passage:
    """Read on in the log after a seq.

    Args:
        connection: Where to.
        owners: Whose changes; nothing: everybody's.
        seq: After which.
        most: How many changes at most.
    """
    asked = None if owners is None else sorted(owners)
    end = await last_seq(connection)
    until = min(end, seq + _SPAN)
    if until <= seq:
        return Passage((), seq, end)
    rows = await fetch_tuples(
        connection,
        _ENTRIES,
        (seq, until, list(ENTITY_KINDS), asked, asked, most),
    )
    entries = [
        Entry(seq, at, kind, subject, organisation, msgspec.json.decode(body))
        for seq, at, kind, subject, organisation, body in rows
    ]
    return Passage(entries, entries[-1].seq if len(entries) == most else until, end)


async def keep_dead(connection: Connection, flow: HeldFlow, dead: Change, error: ToldError) -> None:
    """Keep a change that was refused, whole, unless it is kept already."""
    content = msgspec.json.encode(dead).decode()
    await execute(
        connection,
        "insert into exchange.flow_refused (organisation, name, code, facts, told, content) "
        "select %s, %s, %s, %s, %s, %s where not exists (select from exchange.flow_refused "
        "where organisation = %s and name = %s and content ->> 'seq' = %s) "
        "and exists (select from exchange.flow where organisation = %s and name = %s)",
        (
            *flow.key,
            error.code,
            msgspec.json.encode(error.values).decode(),
            msgspec.json.encode(dead.row).decode()[:500],
            content,
            *flow.key,
            str(dead.seq),
            *flow.key,
        ),
    )


async def wanted_again(connection: Connection, flow: HeldFlow) -> Sequence[tuple[int, Change]]:
    """Return some dead letters that were asked to be sent again, the oldest first."""
    rows = await fetch_tuples(
        connection,
        "select number, content::text from exchange.flow_refused where organisation = %s "
        "and name = %s and wanted and content is not null "
        "order by (content ->> 'seq')::bigint limit 1000",
        flow.key,
    )
    return [(row[0], msgspec.json.decode(row[1], type=Change)) for row in rows]


async def forget_dead(connection: Connection, number: int) -> None:
    """Forget a dead letter that was taken at last."""
    await execute(connection, "delete from exchange.flow_refused where number = %s", (number,))


async def still_dead(connection: Connection, number: int, error: ToldError) -> None:
    """Keep a dead letter that was refused again."""
    await execute(
        connection,
        "update exchange.flow_refused set wanted = false, at = clock_timestamp(), code = %s, "
        "facts = %s where number = %s",
        (error.code, msgspec.json.encode(error.values).decode(), number),
    )
