"""The only SQL of subscriptions."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from beffroi.exchange.asking.question import Window
from beffroi.exchange.model import Json
from beffroi.exchange.subscriptions.model import HeldSubscription, Told
from beffroi.kernel.database import Connection, execute, fetch_tuples, fetch_value
from beffroi.kernel.database.columns import Integers, Times

_HELD: Final = """
select s.number, s.tenant, s.organisation, s.everything, s.document::text, s.since, s.created_at,
    s.modified_at, s.times_sent, s.times_failed, s.last_notification, s.last_success,
    s.last_failure
from exchange.subscription s
"""


class NewSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription to keep.

    Attributes:
        due_at: When it is told for the first time, where that is periodic.
    """

    tenant: str
    organisation: str
    everything: bool
    document: dict[str, Json]
    due_at: datetime | None
    created_at: datetime


async def add_subscription(connection: Connection, added: NewSubscription) -> bool:
    """Keep one; tell whether there was none of its id."""
    rows = await execute(
        connection,
        "insert into exchange.subscription (tenant, id, organisation, everything, document, "
        "due_at, created_at, modified_at) values (%s, %s, %s, %s, %s, %s, %s, %s) "
        "on conflict (tenant, id) do nothing",
        (
            added.tenant,
            added.document["id"],
            added.organisation,
            added.everything,
            _encoded(added.document),
            added.due_at,
            added.created_at,
            added.created_at,
        ),
    )
    return rows == 1


async def subscription_by_id(
    connection: Connection, tenant: str, subscription_id: str, *, for_update: bool = False
) -> HeldSubscription | None:
    """Return one; it may be held for a change."""
    rows = await fetch_tuples(
        connection,
        _HELD + "where s.tenant = %s and s.id = %s" + (" for no key update" if for_update else ""),
        (tenant, subscription_id),
    )
    return _held(rows[0]) if rows else None


async def all_subscriptions(connection: Connection) -> Sequence[HeldSubscription]:
    """Return every one."""
    return [_held(row) for row in await fetch_tuples(connection, _HELD)]


async def subscriptions_of(
    connection: Connection, tenant: str, window: Window
) -> Sequence[HeldSubscription]:
    """Return some of a tenant's, the oldest first, and one more where others follow."""
    rows = await fetch_tuples(
        connection,
        _HELD + "where s.tenant = %s order by s.number offset %s limit %s",
        (tenant, window.offset, window.limit + 1),
    )
    return [_held(row) for row in rows]


async def count_subscriptions(connection: Connection, tenant: str) -> int:
    """Count a tenant's."""
    found = await fetch_value(
        connection, "select count(*) from exchange.subscription where tenant = %s", (tenant,)
    )
    return int(found)


async def change_subscription(
    connection: Connection,
    number: int,
    document: dict[str, Json],
    *,
    due_at: datetime | None,
    resumed: bool,
    now: datetime,
) -> None:
    """Put a document in the place of that of a subscription.

    Args:
        connection: Where to.
        number: Which one.
        document: What it is now.
        due_at: When it is told next, where that is periodic.
        resumed: It comes back from a pause: what happened meanwhile is not told.
        now: When.
    """
    await execute(
        connection,
        "update exchange.subscription set document = %s, due_at = %s, modified_at = %s, "
        "since = case when %s then clock_timestamp() else since end where number = %s",
        (_encoded(document), due_at, now, resumed, number),
    )


async def delete_subscription(connection: Connection, number: int) -> None:
    """Delete one; what waits for its receiver is forgotten when its turn comes."""
    await execute(connection, "delete from exchange.subscription where number = %s", (number,))


async def due_subscriptions(
    connection: Connection, now: datetime, most: int
) -> Sequence[HeldSubscription]:
    """Return those whose periodic notification is due; no other transaction takes them."""
    rows = await fetch_tuples(
        connection,
        _HELD + "where s.due_at <= %s order by s.due_at limit %s for no key update skip locked",
        (now, most),
    )
    return [_held(row) for row in rows]


async def bring_forward(connection: Connection, now: datetime) -> None:
    """Let what is due in more than its interval be due now: the clock was set back since."""
    await execute(
        connection,
        "update exchange.subscription set due_at = %s where due_at > %s "
        "and due_at > %s + (document ->> 'timeInterval')::float8 * interval '1 second'",
        (now, now, now),
    )


async def next_due(connection: Connection) -> datetime | None:
    """Return when the next periodic notification is due."""
    rows = await fetch_tuples(
        connection, "select min(due_at) from exchange.subscription where due_at is not null"
    )
    found: datetime | None = rows[0][0]
    return found


async def postpone(connection: Connection, due: Sequence[tuple[int, datetime | None]]) -> None:
    """Set when subscriptions are told next."""
    await execute(
        connection,
        "update exchange.subscription s set due_at = given.due_at "
        "from unnest(%s::bigint[], %s::timestamptz[]) as given(number, due_at) "
        "where s.number = given.number",
        ([number for number, _ in due], [due_at for _, due_at in due]),
    )


async def hold(connection: Connection, numbers: Iterable[int]) -> None:
    """Hold subscriptions for a change, always in one order: or two would wait for each other."""
    await execute(
        connection,
        "select from exchange.subscription where number = any(%s) order by number "
        "for no key update",
        (sorted(numbers),),
    )


async def last_notified(
    connection: Connection, numbers: Sequence[int]
) -> dict[int, datetime | None]:
    """Return when the last change was told that was told to subscriptions."""
    rows = await fetch_tuples(
        connection,
        "select number, notified_at from exchange.subscription where number = any(%s)",
        (list(numbers),),
    )
    return {row[0]: row[1] for row in rows}


async def note_notified(connection: Connection, at: dict[int, datetime]) -> None:
    """Keep when a change was told last."""
    await hold(connection, at)
    await execute(
        connection,
        "update exchange.subscription s set notified_at = given.at "
        "from unnest(%s::bigint[], %s::timestamptz[]) as given(number, at) "
        "where s.number = given.number",
        (list(at), list(at.values())),
    )


async def add_told(connection: Connection, told: Mapping[int, Told]) -> None:
    """Add to what became of notifications; held as ``hold`` does."""
    counts = told.values()
    await execute(
        connection,
        """
        with held as materialized (
            select number from exchange.subscription where number = any(%s) order by number
            for no key update
        )
        update exchange.subscription s set
            times_sent = s.times_sent + given.sent,
            times_failed = s.times_failed + given.failed,
            last_notification = greatest(s.last_notification, given.last),
            last_success = greatest(s.last_success, given.success),
            last_failure = greatest(s.last_failure, given.failure)
        from held join unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[],
            %s::timestamptz[], %s::timestamptz[])
            as given(number, sent, failed, last, success, failure) using (number)
        where s.number = held.number
        """,
        (
            Integers(sorted(told)),
            Integers(told),
            Integers([one.times_sent for one in counts]),
            Integers([one.times_failed for one in counts]),
            Times([one.last_notification for one in counts]),
            Times([one.last_success for one in counts]),
            Times([one.last_failure for one in counts]),
        ),
    )


def _encoded(document: dict[str, Json]) -> str:
    return msgspec.json.encode(document).decode()


def _held(row: tuple[Any, ...]) -> HeldSubscription:
    return HeldSubscription(
        number=row[0],
        tenant=row[1],
        organisation=row[2],
        everything=row[3],
        document=msgspec.json.decode(row[4]),
        since=row[5],
        created_at=row[6],
        modified_at=row[7],
        told=Told(
            times_sent=row[8],
            times_failed=row[9],
            last_notification=row[10],
            last_success=row[11],
            last_failure=row[12],
        ),
    )
