"""The log's slices: made ahead, closed, let go; nobody appends or reads meanwhile."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from beffroi.kernel.database import Connection, execute, fetch_tuples, fetch_value
from beffroi.kernel.log.entries import hold_appends, last_seq

_SEQ_MOST: Final = 2**63 - 1
_HOUR_S: Final = 3_600.0
_LOCK_WITHIN: Final = "250ms"
"""How long writers may have to wait behind one who waits for the log itself."""
_BEFORE_END: Final = "log_kept_before_end"
_FORGOTTEN_AT_ONCE: Final = 10_000
RESERVE: Final = 16
"""How many times as large as the next slice the one behind it is, for bursts."""


class Slice(msgspec.Struct, frozen=True):
    """A part of the log.

    Attributes:
        low: The first seq that it may hold.
        high: The first seq that it may hold no more; nothing: it is the open one.
    """

    low: int
    high: int | None

    @property
    def table(self) -> str:
        """Its table."""
        return f"kernel.log_{self.low}"

    @property
    def last(self) -> int:
        """The last seq that it may hold."""
        return _SEQ_MOST if self.high is None else self.high - 1


class Kept(msgspec.Struct, frozen=True):
    """From where on the log has every entry.

    Attributes:
        seq: What comes from it on is there.
        at: When the first entry from there on was written; nothing: there is none.
        is_all: Nothing was ever let go.
    """

    seq: int
    at: datetime | None
    is_all: bool


async def all_slices(connection: Connection) -> Sequence[Slice]:
    """Return the slices, the oldest first."""
    rows = await fetch_tuples(connection, "select kernel.log_slices()")
    lows = [row[0] for row in rows]
    return [Slice(low, high) for low, high in zip(lows, [*lows[1:], None], strict=True)]


async def kept_from(connection: Connection) -> Kept:
    """Tell from where on the log has every entry."""
    await execute(connection, "lock table only kernel.log in access share mode")
    low: int = await fetch_value(connection, "select min(low) from kernel.log_slices() as s(low)")
    rows = await fetch_tuples(
        connection, "select at from kernel.log where seq >= %s order by seq limit 1", (low,)
    )
    return Kept(low, rows[0][0] if rows else None, is_all=low == 1)


async def newest_at(connection: Connection, one: Slice) -> datetime | None:
    """Return when the last entry of a slice was written; nothing: it has none."""
    rows = await fetch_tuples(
        connection,
        "select at from kernel.log where seq between %s and %s order by seq desc limit 1",
        (one.low, one.last),
    )
    return rows[0][0] if rows else None


async def filled_slice(connection: Connection) -> Slice:
    """Return the slice in which the last entry is."""
    return (await _to_come(connection, await last_seq(connection)))[0]


async def oldest_at(connection: Connection, one: Slice) -> datetime | None:
    """Return when the first entry of a slice was written; nothing: it has none."""
    rows = await fetch_tuples(
        connection,
        "select at from kernel.log where seq between %s and %s order by seq limit 1",
        (one.low, one.last),
    )
    return rows[0][0] if rows else None


async def move_on(connection: Connection, one: Slice) -> None:
    """Have the next entry come behind a slice, however few it has.

    The numbers in between are left out: to narrow what a slice may hold PostgreSQL would read it
    while everybody waits.
    """
    await hold_appends(connection)
    if one.high is None or await last_seq(connection) > one.last:
        return
    await fetch_value(
        connection,
        "select setval(name::regclass, greatest(%s, nextval(name::regclass)), false) "
        "from pg_get_serial_sequence('kernel.log', 'seq') as s(name)",
        (one.high,),
    )


class Filling(msgspec.Struct, frozen=True):
    """How far the slices are filled, the oldest first.

    Attributes:
        ends: The first seq that each may hold, and the last that it holds.
    """

    ends: Sequence[tuple[int, int]]

    def behind(self, seq: int) -> int:
        """Return how many entries follow a seq; what was rolled back counts."""
        return sum(max(0, newest - max(low - 1, seq)) for low, newest in self.ends)


async def filling(connection: Connection) -> Filling:
    """Look how far the slices are filled."""
    found = await all_slices(connection)
    rows = await fetch_tuples(
        connection,
        "select low, (select seq from kernel.log where seq between low and last "
        "order by seq desc limit 1) from unnest(%s::bigint[], %s::bigint[]) as s(low, last)",
        ([one.low for one in found], [one.last for one in found]),
    )
    return Filling([(low, newest) for low, newest in rows if newest is not None])


async def pace_in(connection: Connection, one: Slice) -> float:
    """Return how many entries a second came in a slice, as if within an hour at least."""
    rows = await fetch_tuples(
        connection,
        "select count(*), extract(epoch from max(at) - min(at))::float8, max(seq) - min(seq) from ("
        "(select seq, at from kernel.log where seq >= %s order by seq limit 1) union all "
        "(select seq, at from kernel.log where seq >= %s order by seq desc limit 1)) as ends",
        (one.low, one.low),
    )
    count, took_s, entries = rows[0]
    return entries / max(took_s, _HOUR_S) if count == 2 else 0.0


async def hold(connection: Connection) -> None:
    """Have the log alone until the transaction ends.

    Raises:
        ConflictError: Somebody reads it for long; it is tried another time.
    """
    await execute(connection, f"set local lock_timeout = '{_LOCK_WITHIN}'")
    await execute(connection, "lock table kernel.log in access exclusive mode")


async def lay_out(connection: Connection, entries: int) -> bool:
    """Make the slices to come, where fewer than two are there behind the one that is filled.

    Args:
        connection: Where to; ``hold`` comes first where this has something to do.
        entries: How many the next slice is for.

    Returns:
        Whether there was something to do.
    """
    if not await is_short(connection):
        return False
    await hold(connection)
    last = await last_seq(connection)
    filled, *ahead = await _to_come(connection, last)
    for one in ahead:
        await execute(connection, f"drop table {one.table}")
    low = filled.high
    if low is None:
        # A burst went through what was made ahead; what it wrote is looked at once.
        low = last + 1
        await execute(connection, f"alter table kernel.log detach partition {filled.table}")
        await execute(
            connection,
            f"alter table kernel.log attach partition {filled.table} "
            f"for values from ({filled.low}) to ({low})",
        )
    middle = low + entries
    high = middle + RESERVE * entries
    for first, end in ((low, middle), (middle, high), (high, None)):
        await execute(connection, "select kernel.make_log_slice(%s, %s)", (first, end))
    return True


async def is_short(connection: Connection) -> bool:
    """Tell whether slices have to be made ahead."""
    return len(await _to_come(connection, await last_seq(connection))) < 4


async def _to_come(connection: Connection, last: int) -> Sequence[Slice]:
    """Return the slice in which the last entry is, and those behind it."""
    found = await all_slices(connection)
    return [one for one in found if one.last >= max(last, 1)]


async def prepare_letting_go(connection: Connection, one: Slice) -> None:
    """Say that acts which were kept come before the end of a slice; nothing is looked at yet."""
    await execute(connection, f"set local lock_timeout = '{_LOCK_WITHIN}'")
    await execute(
        connection, f"alter table kernel.log_kept drop constraint if exists {_BEFORE_END}"
    )
    await execute(
        connection,
        f"alter table kernel.log_kept add constraint {_BEFORE_END} "
        f"check (seq < {one.high}) not valid",
    )


async def look_through_kept(connection: Connection) -> None:
    """Look whether that is so, while others read and append: ``let_go`` need not look again."""
    await execute(connection, "set local statement_timeout = 0")
    await execute(connection, f"alter table kernel.log_kept validate constraint {_BEFORE_END}")


async def let_go(connection: Connection, one: Slice, acts_since: datetime) -> int:
    """Let the oldest slice go, a closed one; acts that are not older outlive it. The log is held.

    Args:
        connection: Where to.
        one: For which ``prepare_letting_go`` and ``look_through_kept`` were committed.
        acts_since: Acts from then on outlive it.

    Returns:
        How many acts were kept.
    """
    await execute(connection, "alter table kernel.log detach partition kernel.log_kept")
    # Without figures of a slice PostgreSQL would read all of it, and everybody would wait.
    await execute(connection, "set local enable_seqscan = off")
    kept = await execute(
        connection,
        "insert into kernel.log_kept (seq, at, kind, subject, organisation, body) "  # noqa: S608
        f"select seq, at, kind, subject, organisation, body from {one.table} "
        "where not kernel.is_change(kind) and at >= %s",
        (acts_since,),
    )
    await execute(connection, f"drop table {one.table}")
    await execute(
        connection,
        "alter table kernel.log attach partition kernel.log_kept "
        f"for values from (minvalue) to ({one.high})",
    )
    await execute(connection, f"alter table kernel.log_kept drop constraint {_BEFORE_END}")
    return kept


async def forget_acts(connection: Connection, before: datetime) -> bool:
    """Delete some of the acts that are older; tell whether there may be more of them.

    The oldest alone are looked at, for acts are kept for long and may be many.
    """
    await execute(connection, "select set_config('beffroi.trimming', 'on', true)")
    gone = await execute(
        connection,
        "delete from kernel.log_kept where seq in (select seq from (select seq, at "
        "from kernel.log_kept order by seq limit %s) as oldest where at < %s)",
        (_FORGOTTEN_AT_ONCE, before),
    )
    return gone == _FORGOTTEN_AT_ONCE


async def bytes_of(connection: Connection) -> int:
    """Return what the log takes on the disk."""
    size: int = await fetch_value(
        connection,
        "select coalesce(sum(pg_total_relation_size(inhrelid)), 0)::bigint from pg_inherits "
        "where inhparent = 'kernel.log'::regclass",
    )
    return size
