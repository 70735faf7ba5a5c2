"""Joining the parts of the exchange, for each process that answers its door."""

from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path

import msgspec

from beffroi.exchange.api.mounting import ExchangeServices
from beffroi.exchange.contexts.service import CONTEXT_CHANGED, Contexts
from beffroi.exchange.inventory_service import Inventory
from beffroi.exchange.outgoing import Outgoing
from beffroi.exchange.service import Exchange
from beffroi.exchange.subscriptions.service import Needs as SubscriptionNeeds
from beffroi.exchange.subscriptions.service import Subscriptions
from beffroi.exchange.temporal.recording import Recorder
from beffroi.exchange.temporal.service import History
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database
from beffroi.kernel.log import Entry, LogWatch, Tail
from beffroi.kernel.secrets import SealingKey


class ExchangeFoundation(msgspec.Struct, frozen=True, kw_only=True):
    """What the exchange stands on.

    Attributes:
        database: Open.
        watch: Running.
        outgoing: Open.
        known_contexts: Files that stand for the addresses of @contexts.
        public_url: The platform's address.
    """

    database: Database
    watch: LogWatch
    outgoing: Outgoing
    known_contexts: Mapping[str, Path]
    public_url: str
    key: SealingKey
    clock: Clock


def exchange_services(given: ExchangeFoundation) -> ExchangeServices:
    """Join the parts of the exchange."""
    database, clock = given.database, given.clock
    contexts = Contexts(
        database, given.outgoing, clock, public_url=given.public_url, known=given.known_contexts
    )
    needs = SubscriptionNeeds(database, given.watch, given.outgoing, contexts, clock)
    return ExchangeServices(
        exchange=Exchange(database, clock),
        inventory=Inventory(database),
        history=History(database),
        recorder=Recorder(database, clock),
        contexts=contexts,
        subscriptions=Subscriptions(needs),
        public_url=given.public_url,
    )


def exchange_loops(
    given: ExchangeFoundation, services: ExchangeServices
) -> tuple[Coroutine[None, None, None], ...]:
    """Return what has to run in each process that answers the door."""

    async def renew(entries: Sequence[Entry]) -> None:
        for entry in entries:
            services.contexts.forget(entry.subject)

    changed = Tail("exchange", given.database, given.watch, (CONTEXT_CHANGED,), renew)
    return (
        services.exchange.run(),
        services.contexts.run(),
        services.subscriptions.run(),
        changed.run(),
    )
