"""What waits for an endpoint, read: which of it is sent one after another, and which at once."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final
from zlib import crc32

import msgspec

from beffroi.exchange.subscriptions.delivery_store import Subscriber, Waiting
from beffroi.exchange.subscriptions.model import Occasion, Subscription

_LANES: Final = 4
Lanes = Mapping[int, Sequence["ToTell"]]


class ToTell(msgspec.Struct, frozen=True):
    """A notification that is read."""

    waiting: Waiting
    subscriber: Subscriber
    subscription: Subscription
    occasion: Occasion


def in_lanes(waiting: Iterable[Waiting]) -> tuple[Lanes, Sequence[Waiting]]:
    """Tell what to send one after another, and what nobody is to be told any more.

    What is told of one entity is in one lane, in the order that it came in.
    """
    occasions: dict[int, Occasion] = {}
    lanes: dict[int, list[ToTell]] = {}
    left: list[Waiting] = []
    for one in waiting:
        subscriber = one.subscriber
        if subscriber is None or one.content is None:
            left.append(one)
            continue
        occasion = occasions.get(one.occasion)
        if occasion is None:
            occasion = msgspec.json.decode(one.content, type=Occasion)
            occasions[one.occasion] = occasion
        told = ToTell(one, subscriber, _subscription(subscriber.document), occasion)
        lanes.setdefault(_lane(occasion), []).append(told)
    return lanes, left


def _lane(occasion: Occasion) -> int:
    first = next((one.id for one in occasion.entities), "")
    return crc32(first.encode()) % _LANES


@lru_cache(maxsize=4_096)
def _subscription(document: str) -> Subscription:
    return msgspec.json.decode(document, type=Subscription)
