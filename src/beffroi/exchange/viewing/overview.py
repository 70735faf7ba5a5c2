"""What comes in, what goes out and what fails, at a glance; pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from beffroi.exchange.flows.figures import Rates, rates_of
from beffroi.exchange.flows.model import (
    FLOW_ACCOUNT,
    Direction,
    FlowHealth,
    FlowMinute,
    FlowSummary,
)
from beffroi.exchange.models.catalogue import FedBy, FeedingKind, TypeSummary
from beffroi.exchange.subscriptions.model import HeldSubscription, Status, subscription_of

_HOUR: Final = timedelta(hours=1)


class DoorSeen(msgspec.Struct, frozen=True, kw_only=True):
    """The flows of one kind, together.

    Attributes:
        failing: How many of them fail.
        carried: In the time that is shown; so is ``refused``.
        last_hour: What they carried in the last hour.
        last_at: When one of them carried last.
    """

    direction: Direction
    kind: str
    flows: int
    failing: int
    carried: int
    refused: int
    last_hour: int
    last_at: datetime | None
    rates: Rates


class AccountsSeen(msgspec.Struct, frozen=True):
    """What accounts wrote themselves, over HTTP or MQTT, since they began."""

    accounts: int
    writes: int
    refused: int
    last_at: datetime | None


class MinutesSeen(msgspec.Struct, frozen=True):
    """What came in by a door that is no flow.

    Attributes:
        refused: In the time that is shown.
        last_hour: What came in in the last hour.
        last_at: The last minute in which anything did.
    """

    refused: int
    last_hour: int
    last_at: datetime | None
    rates: Rates


class SubscribersSeen(msgspec.Struct, frozen=True):
    """What became of notifications.

    Attributes:
        failing: How many subscriptions were not told when it was tried last.
    """

    active: int
    failing: int
    sent: int
    failed: int
    last_at: datetime | None


def doors_seen(
    summaries: Sequence[FlowSummary], now: datetime, over: timedelta
) -> Sequence[DoorSeen]:
    """Join flows by their direction and kind, incoming ones first.

    Args:
        summaries: With their minutes of the time that is shown.
        now: When that ends.
        over: How long it is.
    """
    joined: dict[tuple[Direction, str], list[FlowSummary]] = {}
    for one in summaries:
        joined.setdefault((one.flow.direction, one.flow.kind), []).append(one)
    return [
        _door(direction, kind, joined[direction, kind], now, over)
        for direction, kind in sorted(joined, key=lambda key: (key[0] is Direction.OUT, key[1]))
    ]


def minutes_seen(minutes: Sequence[FlowMinute], now: datetime, over: timedelta) -> MinutesSeen:
    """Add up the minutes of a door that is no flow.

    Args:
        minutes: Of the time that is shown, in order.
        now: When that ends.
        over: How long it is.
    """
    return MinutesSeen(
        sum(one.refused for one in minutes),
        sum(one.carried for one in minutes if one.minute >= now - _HOUR),
        _latest(one.minute for one in minutes),
        rates_of(minutes, now, over),
    )


def accounts_seen(types: Iterable[TypeSummary]) -> AccountsSeen:
    """Add up what accounts wrote that are no flows."""
    writers: list[FedBy] = [
        by
        for one in types
        for by in one.fed_by
        if by.kind is FeedingKind.ACCOUNT and not by.name.startswith(FLOW_ACCOUNT)
    ]
    return AccountsSeen(
        len({(by.organisation, by.name) for by in writers}),
        sum(by.writes for by in writers),
        sum(by.refused for by in writers),
        _latest(by.last_at for by in writers),
    )


def subscribers_seen(held: Iterable[HeldSubscription], now: datetime) -> SubscribersSeen:
    """Add up what became of the notifications of subscriptions."""
    active = [one for one in held if subscription_of(one.document).status(now) is Status.ACTIVE]
    return SubscribersSeen(
        len(active),
        sum(is_failing(one) for one in active),
        sum(one.told.times_sent for one in active),
        sum(one.told.times_failed for one in active),
        _latest(one.told.last_notification for one in active),
    )


def is_failing(held: HeldSubscription) -> bool:
    """Tell whether a subscription's receiver was not told when it was tried last."""
    failure, success = held.told.last_failure, held.told.last_success
    return failure is not None and (success is None or failure > success)


def _door(
    direction: Direction,
    kind: str,
    joined: Sequence[FlowSummary],
    now: datetime,
    over: timedelta,
) -> DoorSeen:
    minutes = [minute for one in joined for minute in one.minutes if minute.minute >= now - over]
    return DoorSeen(
        direction=direction,
        kind=kind,
        flows=len(joined),
        failing=sum(one.health is FlowHealth.FAILING for one in joined),
        carried=sum(one.carried for one in minutes),
        refused=sum(one.refused for one in minutes),
        last_hour=sum(one.carried for one in minutes if one.minute >= now - _HOUR),
        last_at=_latest(one.state.last_carried_at for one in joined),
        rates=rates_of(minutes, now, over),
    )


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((one for one in moments if one is not None), default=None)
