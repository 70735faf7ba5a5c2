"""Clients at the door, account by account, as a page shows them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from beffroi.exchange.mqtt.protocol import Version
from beffroi.kernel.rights.model import Actor, Permission


class SeenClient(msgspec.Struct, frozen=True, kw_only=True):
    """A client that is connected.

    Attributes:
        messages: Taken since it came.
    """

    account: str
    organisation: str
    client_id: str
    version: Version
    connected_at: datetime
    messages: int


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


def accounts_of(clients: Iterable[SeenClient], now: datetime) -> list[SeenAccount]:
    """Gather the clients of one process, account by account."""
    by_account: dict[str, list[SeenClient]] = {}
    for one in clients:
        by_account.setdefault(one.account, []).append(one)
    return [
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


def seen_accounts(told: Iterable[SeenAccount], actor: Actor) -> Sequence[SeenAccount]:
    """Join what processes tell, where the actor may read of it, the busiest accounts first."""
    joined: dict[str, SeenAccount] = {}
    for one in told:
        if actor.may(Permission.READ, one.organisation):
            before = joined.get(one.account)
            joined[one.account] = one if before is None else _joined(before, one)
    return sorted(joined.values(), key=lambda one: (-one.messages, one.account))


def _joined(one: SeenAccount, other: SeenAccount) -> SeenAccount:
    return SeenAccount(
        account=one.account,
        organisation=one.organisation,
        clients=one.clients + other.clients,
        since=min(one.since, other.since),
        messages=one.messages + other.messages,
        rate=one.rate + other.rate,
    )


def _lasted_s(client: SeenClient, now: datetime) -> float:
    return max(1.0, (now - client.connected_at).total_seconds())
