"""Clients at the door, account by account, as a page shows them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from beffroi.exchange.mqtt.listener import SeenClient
from beffroi.kernel.rights.model import Actor, Permission


class SeenAccount(msgspec.Struct, frozen=True, kw_only=True):
    """The clients of an account.

    Attributes:
        since: When the first of them came.
        messages: What they sent since they came.
        rate: Of messages, in a second.
    """

    account: str
    organisation: str
    clients: int
    since: datetime
    messages: int
    rate: float


def seen_accounts(
    clients: Iterable[SeenClient], actor: Actor, now: datetime
) -> Sequence[SeenAccount]:
    """Gather the clients that an actor may read of, the busiest accounts first."""
    by_account: dict[str, list[SeenClient]] = {}
    for one in clients:
        if actor.may(Permission.READ, one.organisation):
            by_account.setdefault(one.account, []).append(one)
    found = [
        SeenAccount(
            account=account,
            organisation=those[0].organisation,
            clients=len(those),
            since=min(one.connected_at for one in those),
            messages=sum(one.messages for one in those),
            rate=sum(one.messages / _lasted_s(one, now) for one in those),
        )
        for account, those in by_account.items()
    ]
    return sorted(found, key=lambda one: (-one.messages, one.account))


def _lasted_s(client: SeenClient, now: datetime) -> float:
    return max(1.0, (now - client.connected_at).total_seconds())
