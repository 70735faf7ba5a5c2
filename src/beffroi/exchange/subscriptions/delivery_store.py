"""The only SQL of what waits to be sent."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zlib import crc32

import msgspec

from beffroi.exchange.subscriptions.model import DeadLetter, HeldSubscription, Occasion
from beffroi.kernel.database import Connection, execute, fetch_all, fetch_tuples
from beffroi.kernel.database.columns import EncodedTexts, Texts, Times

CHANNEL: Final = "beffroi_deliveries"
LANES: Final = 4
_ENCODER: Final = msgspec.json.Encoder()


class Due(msgspec.Struct, frozen=True):
    """An occasion, and the subscriptions to which it is one."""

    at: datetime
    occasion: Occasion
    subscriptions: tuple[HeldSubscription, ...]


class Waiting(msgspec.Struct, frozen=True):
    """A notification to send."""

    number: int
    attempts: int
    lane: int
    occasion: int
    subscription: int
    tenant: str
    organisation: str
    everything: bool
    document: str
    at: datetime
    content: str


async def add_deliveries(connection: Connection, due: Sequence[Due]) -> int:
    """Keep what is to be sent; the senders hear of it when it is committed.

    Returns:
        How many notifications that makes.
    """
    rows = await fetch_tuples(
        connection,
        "insert into exchange.occasion (at, content) select at, content::json "
        "from unnest(%s::timestamptz[], %s::text[]) with ordinality as given(at, content, place) "
        "order by place returning number",
        (
            Times([one.at for one in due]),
            EncodedTexts([_ENCODER.encode(one.occasion) for one in due]),
        ),
    )
    numbers = sorted(row[0] for row in rows)
    added = [
        (str(held.number), str(number), held.organisation, _endpoint(held), lane)
        for one, number in zip(due, numbers, strict=True)
        for lane in [_lane(one)]
        for held in one.subscriptions
    ]
    # A subscription that was deleted meanwhile is left out; each is looked up by its number.
    await execute(
        connection,
        "insert into exchange.delivery (subscription, occasion, organisation, endpoint, lane) "
        "select held.number, given.occasion::bigint, given.organisation, given.endpoint, "
        "given.lane::smallint from unnest(%s::text[], %s::text[], %s::text[], %s::text[], "
        "%s::text[]) with ordinality "
        "as given(subscription, occasion, organisation, endpoint, lane, place) "
        "cross join lateral (select s.number from exchange.subscription s "
        "where s.number = given.subscription::bigint limit 1) as held order by place",
        tuple(map(Texts, zip(*added, strict=True))),
    )
    await execute(connection, "select pg_notify(%s, '')", (CHANNEL,))
    return len(added)


async def endpoints_waiting(connection: Connection) -> Sequence[str]:
    """Return every endpoint that something waits for, by one look at the index each."""
    rows = await fetch_tuples(
        connection,
        """
        with recursive found as (
            (select endpoint from exchange.delivery where dead_at is null
                order by endpoint limit 1)
            union all
            select (select d.endpoint from exchange.delivery d
                where d.dead_at is null and d.endpoint > found.endpoint
                order by d.endpoint limit 1)
            from found where found.endpoint is not null
        )
        select endpoint from found where endpoint is not null
        """,
    )
    return [row[0] for row in rows]


async def endpoints_after(connection: Connection, number: int) -> tuple[Sequence[str], int]:
    """Return the endpoints of what was added after a number, and the last number."""
    rows = await fetch_tuples(
        connection,
        "select endpoint, max(number) from exchange.delivery "
        "where number > %s and dead_at is null group by endpoint",
        (number,),
    )
    return [row[0] for row in rows], max((row[1] for row in rows), default=number)


async def waiting_for(
    connection: Connection, asked: Mapping[str, int], now: datetime
) -> Mapping[str, Sequence[Waiting]]:
    """Return what may be sent to endpoints now, the oldest first.

    Args:
        connection: Where to look.
        asked: How many at most, by endpoint.
        now: What is due until then.
    """
    rows = await fetch_tuples(
        connection,
        "select asked.endpoint, d.number, d.attempts, d.lane, d.occasion, d.subscription, "
        "s.tenant, s.organisation, s.everything, s.document::text, o.at, o.content::text "
        "from unnest(%s::text[], %s::int[]) as asked(endpoint, most) cross join lateral "
        "(select * from exchange.delivery w where w.endpoint = asked.endpoint "
        "and w.dead_at is null and w.due_at <= %s order by w.number limit asked.most) d "
        "join exchange.subscription s on s.number = d.subscription "
        "join exchange.occasion o on o.number = d.occasion order by d.number",
        (list(asked), list(asked.values()), now),
    )
    found = dict[str, list[Waiting]]()
    for endpoint, *row in rows:
        found.setdefault(endpoint, []).append(Waiting(*row))
    return found


async def next_retries(
    connection: Connection, endpoints: Sequence[str], now: datetime
) -> Mapping[str, datetime]:
    """Return when the first of what may not be sent to endpoints yet may be."""
    rows = await fetch_tuples(
        connection,
        "select endpoint, min(due_at) from exchange.delivery "
        "where endpoint = any(%s) and dead_at is null and due_at > %s group by endpoint",
        (list(endpoints), now),
    )
    return dict(rows)


async def forget_deliveries(connection: Connection, done: Sequence[tuple[int, int]]) -> None:
    """Forget what was sent, and the occasions that nobody has to be told of any more.

    Args:
        connection: Where to.
        done: The number of each, and of its occasion.
    """
    await execute(
        connection,
        "delete from exchange.delivery where number = any(%s)",
        ([number for number, _ in done],),
    )
    # offset 0: one look at the index for each, whatever PostgreSQL expects of so many.
    await execute(
        connection,
        "delete from exchange.occasion o where number = any(%s) and not exists "
        "(select from exchange.delivery d where d.occasion = o.number offset 0)",
        (sorted({occasion for _, occasion in done}),),
    )


async def retry_later(
    connection: Connection, failed: Sequence[tuple[int, datetime, datetime | None, str]]
) -> None:
    """Count an attempt; say when the next may be, or that there is none.

    Args:
        connection: Where to.
        failed: The number of each, when the next attempt may be, when it was given up, and why.
    """
    columns = tuple(map(list, zip(*failed, strict=True)))
    await execute(
        connection,
        "update exchange.delivery d set attempts = attempts + 1, due_at = given.due_at, "
        "dead_at = given.dead_at, reason = given.reason "
        "from unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::text[]) "
        "as given(number, due_at, dead_at, reason) where d.number = given.number",
        columns,
    )


async def give_up_endpoint(
    connection: Connection, endpoint: str, before: datetime, now: datetime, reason: str
) -> int:
    """Make dead letters of what has waited for an endpoint since before a moment."""
    return await execute(
        connection,
        "update exchange.delivery set dead_at = %s, reason = %s where number in "
        "(select d.number from exchange.delivery d join exchange.occasion o "
        "on o.number = d.occasion where d.endpoint = %s and d.dead_at is null and o.at < %s "
        "for update of d skip locked)",
        (now, reason, endpoint, before),
    )


async def dead_letters(
    connection: Connection, subscription: int, most: int
) -> Sequence[DeadLetter]:
    """Return what was tried too often for a subscription, the oldest first."""
    return await fetch_all(
        connection,
        DeadLetter,
        "select d.number, d.endpoint, d.attempts, d.dead_at, d.reason, o.at as occurred_at "
        "from exchange.delivery d join exchange.occasion o on o.number = d.occasion "
        "where d.subscription = %s and d.dead_at is not null order by d.number limit %s",
        (subscription, most),
    )


async def replay(connection: Connection, subscription: int, endpoint: str) -> int:
    """Let dead letters wait again, for the endpoint that the subscription has now."""
    revived = await execute(
        connection,
        "update exchange.delivery set dead_at = null, attempts = 0, due_at = now(), "
        "endpoint = %s, reason = '' where number in (select number from exchange.delivery "
        "where subscription = %s and dead_at is not null for update skip locked)",
        (endpoint, subscription),
    )
    await execute(connection, "select pg_notify(%s, '')", (CHANNEL,))
    return revived


async def sweep(connection: Connection, before: datetime) -> None:
    """Forget dead letters from before a moment, and occasions that nobody is told of."""
    await execute(
        connection,
        "delete from exchange.delivery where number in (select number from exchange.delivery "
        "where dead_at < %s for update skip locked)",
        (before,),
    )
    await execute(
        connection,
        "delete from exchange.occasion o "
        "where not exists (select from exchange.delivery d where d.occasion = o.number)",
    )


def _endpoint(held: HeldSubscription) -> str:
    uri: str = held.document["notification"]["endpoint"]["uri"]
    return uri


def _lane(due: Due) -> str:
    entities: Iterable[Any] = due.occasion.entities
    key = next((one.id for one in entities), "")
    return str(crc32(key.encode()) % LANES)
