"""Attempts to tell receivers, and what they add up to for a subscription; pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from beffroi.exchange.subscriptions.delivery_store import Waiting
from beffroi.exchange.subscriptions.model import Told


class Attempt(msgspec.Struct, frozen=True):
    """What became of one attempt.

    Attributes:
        dropped: The subscription is not served any more, or may not be told this; nothing was
            sent.
        reason: Why it failed; "" where it did not.
        unreachable: The endpoint failed, not this notification alone.
    """

    waiting: Waiting
    at: datetime
    dropped: bool = False
    reason: str = ""
    unreachable: bool = False
    cooldown_s: float = 0.0


def told_of(attempts: Iterable[Attempt]) -> Mapping[int, Told]:
    """Add up what became of attempts, by the number of the subscription and in its order."""
    told: dict[int, Told] = {}
    for one in sorted(attempts, key=lambda attempt: attempt.at):
        number = one.waiting.subscription
        told[number] = counted(told.get(number, Told()), one)
    return dict(sorted(told.items()))


def counted(before: Told, attempt: Attempt) -> Told:
    """Add an attempt to what became of those before."""
    failed = bool(attempt.reason)
    return Told(
        times_sent=before.times_sent + 1,
        times_failed=before.times_failed + failed,
        last_notification=attempt.at,
        last_success=before.last_success if failed else attempt.at,
        last_failure=attempt.at if failed else before.last_failure,
    )
