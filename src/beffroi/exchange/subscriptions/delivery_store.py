"""The only SQL of what waits to be sent."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from beffroi.exchange.subscriptions.model import DeadLetter, HeldSubscription, Occasion
from beffroi.kernel.database import Connection, Scope, execute, fetch_all, fetch_tuples, fetch_value
from beffroi.kernel.database.columns import EncodedTexts, Integers, Texts, Times

CHANNEL: Final = "beffroi_deliveries"
_PLACE_BITS: Final = 20
"""Of a delivery's number: what is left is the number of its occasion."""
_TOLD_MOST: Final = 1 << _PLACE_BITS
_RETRIED_WITHIN: Final = timedelta(minutes=15)
"""No pause is longer: what is due later was put off by a clock that has been set back since."""
_LOOKED_AT_MOST: Final = 1_000
_ENCODER: Final = msgspec.json.Encoder()
_ADD: Final = """
with kept as (
    insert into exchange.occasion (at, content)
    select at, content from unnest(%s::timestamptz[], %s::text[]) with ordinality
        as given(at, content, place)
    order by place
    returning number
), placed as materialized (
    select array_agg(number order by number) as numbers from kept
), added as (
    insert into exchange.delivery (number, subscription, endpoint)
    select (placed.numbers[given.occasion] << 20) + given.place_within, given.subscription,
        given.endpoint
    from placed cross join unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[])
        as given(occasion, place_within, subscription, endpoint)
)
select pg_notify(%s, '')
"""


class Due(msgspec.Struct, frozen=True):
    """An occasion, and the subscriptions to which it is one."""

    at: datetime
    occasion: Occasion
    subscriptions: Sequence[HeldSubscription]


class Subscriber(msgspec.Struct, frozen=True):
    """Whose notification waits."""

    tenant: str
    organisation: str
    everything: bool
    document: str

    @property
    def scope(self) -> Scope:
        """What its transactions may see."""
        return Scope(organisation=self.organisation, everything=self.everything)


class Waiting(msgspec.Struct, frozen=True):
    """A notification to send.

    Attributes:
        subscriber: Nothing: the subscription is no more.
        content: Of the occasion; nothing: what there was to tell was erased.
    """

    number: int
    attempts: int
    subscription: int
    subscriber: Subscriber | None
    at: datetime
    content: str | None

    @property
    def occasion(self) -> int:
        """The number of its occasion."""
        return self.number >> _PLACE_BITS


async def add_deliveries(connection: Connection, due: Sequence[Due]) -> None:
    """Keep what is to be sent; the senders hear of it when it is committed."""
    parts = [part for one in due for part in _parts(one)]
    occasions: list[int] = []
    places: list[int] = []
    told: list[HeldSubscription] = []
    for number, one in enumerate(parts, start=1):
        count = len(one.subscriptions)
        occasions += [number] * count
        places += range(count)
        told += one.subscriptions
    await execute(
        connection,
        _ADD,
        (
            Times([one.at for one in parts]),
            EncodedTexts([_ENCODER.encode(one.occasion) for one in parts]),
            Integers(occasions),
            Integers(places),
            Integers([held.number for held in told]),
            Texts([held.endpoint for held in told]),
            CHANNEL,
        ),
    )


def _parts(due: Due) -> Sequence[Due]:
    """Split what more are told than an occasion has numbers for."""
    if len(due.subscriptions) <= _TOLD_MOST:
        return (due,)
    return [
        Due(due.at, due.occasion, due.subscriptions[start : start + _TOLD_MOST])
        for start in range(0, len(due.subscriptions), _TOLD_MOST)
    ]


async def are_waiting(connection: Connection, held: HeldSubscription) -> bool:
    """Tell whether something waits for a subscription among the last for its endpoint."""
    found: bool = await fetch_value(
        connection,
        "select exists (select from (select d.subscription from exchange.delivery d "
        "where d.endpoint = %s and d.dead_at is null order by d.number desc limit %s) as last "
        "where last.subscription = %s)",
        (held.endpoint, _LOOKED_AT_MOST, held.number),
    )
    return found


async def reason_to_wait(connection: Connection, held: HeldSubscription) -> str:
    """Return why the first that waits for a subscription was not taken; nothing: not known."""
    found: str | None = await fetch_value(
        connection,
        "select first.reason from (select d.subscription, d.reason from exchange.delivery d "
        "where d.endpoint = %s and d.dead_at is null order by d.number limit %s) as first "
        "where first.subscription = %s and first.reason <> '' limit 1",
        (held.endpoint, _LOOKED_AT_MOST, held.number),
    )
    return found or ""


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
    # What belongs to a delivery is looked up by its key, one by one (offset 0), whatever PostgreSQL
    # expects. The number of the occasion is reckoned before: in a condition it would have to be
    # hidden from row-level security, and every occasion looked at.
    rows = await fetch_tuples(
        connection,
        "select asked.endpoint, d.number, d.attempts, d.subscription, "
        "s.tenant, s.organisation, s.everything, s.document::text, o.at, o.content "
        "from unnest(%s::text[], %s::int[]) as asked(endpoint, most) cross join lateral "
        "(select w.*, w.number >> 20 as occasion from exchange.delivery w "
        "where w.endpoint = asked.endpoint and w.dead_at is null "
        "and (w.due_at is null or w.due_at <= %s or w.due_at > %s) "
        "order by w.number limit asked.most) d "
        "left join lateral (select * from exchange.subscription held "
        "where held.number = d.subscription offset 0) s on true "
        "left join lateral (select * from exchange.occasion told "
        "where told.number = d.occasion offset 0) o on true order by d.number",
        (list(asked), list(asked.values()), now, now + _RETRIED_WITHIN),
    )
    found = dict[str, list[Waiting]]()
    for endpoint, number, attempts, subscription, tenant, *of_subscriber, at, content in rows:
        subscriber = None if tenant is None else Subscriber(tenant, *of_subscriber)
        one = Waiting(number, attempts, subscription, subscriber, at or now, content)
        found.setdefault(endpoint, []).append(one)
    return found


async def next_retries(
    connection: Connection, endpoints: Sequence[str], now: datetime
) -> Mapping[str, datetime]:
    """Return when the first of what may not be sent to endpoints yet may be."""
    rows = await fetch_tuples(
        connection,
        "select endpoint, min(due_at) from exchange.delivery "
        "where endpoint = any(%s) and dead_at is null and due_at > %s and due_at <= %s "
        "group by endpoint",
        (list(endpoints), now, now + _RETRIED_WITHIN),
    )
    return dict(rows)


async def forget_deliveries(connection: Connection, done: Sequence[Waiting]) -> None:
    """Forget what was sent, and the occasions that nobody has to be told of any more."""
    numbers = Integers([one.number for one in done])
    # offset 0: one look at the index for each, whatever PostgreSQL expects of so many.
    await execute(
        connection,
        "with sent as (delete from exchange.delivery where number = any(%s)) "
        "delete from exchange.occasion o where number = any(%s) and not exists "
        "(select from exchange.delivery d where d.number >= o.number << 20 "
        "and d.number < (o.number + 1) << 20 and d.number <> all(%s) offset 0)",
        (numbers, Integers(sorted({one.occasion for one in done})), numbers),
    )


async def retry_later(
    connection: Connection, failed: Sequence[tuple[int, datetime | None, datetime | None, str]]
) -> None:
    """Count an attempt; say when the next may be, or that there is none.

    Args:
        connection: Where to.
        failed: The number of each, when the next attempt may be (nothing: once its endpoint is
            asked again), when it was given up, and why.
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
        "(select d.number from (select w.number, w.number >> 20 as occasion "
        "from exchange.delivery w where w.endpoint = %s and w.dead_at is null "
        "for update skip locked) as d join exchange.occasion o on o.number = d.occasion "
        "where o.at < %s)",
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
        "from (select w.*, w.number >> 20 as occasion from exchange.delivery w "
        "where w.subscription = %s and w.dead_at is not null order by w.number limit %s) as d "
        "join exchange.occasion o on o.number = d.occasion order by d.number",
        (subscription, most),
    )


async def replay(connection: Connection, subscription: int, endpoint: str) -> int:
    """Let dead letters wait again, for the endpoint that the subscription has now."""
    revived = await execute(
        connection,
        "update exchange.delivery set dead_at = null, attempts = 0, due_at = null, "
        "endpoint = %s, reason = '' where number in (select number from exchange.delivery "
        "where subscription = %s and dead_at is not null for update skip locked)",
        (endpoint, subscription),
    )
    await execute(connection, "select pg_notify(%s, '')", (CHANNEL,))
    return revived


async def sweep(connection: Connection, before: datetime) -> None:
    """Forget dead letters from before a moment or of nobody, and occasions nobody is told of."""
    await execute(
        connection,
        "delete from exchange.delivery where number in (select d.number from exchange.delivery d "
        "where d.dead_at is not null and (d.dead_at < %s or not exists "
        "(select from exchange.subscription s where s.number = d.subscription)) "
        "for update skip locked)",
        (before,),
    )
    await execute(
        connection,
        "delete from exchange.occasion o where not exists (select from exchange.delivery d "
        "where d.number >= o.number << 20 and d.number < (o.number + 1) << 20 offset 0)",
        (),
    )
