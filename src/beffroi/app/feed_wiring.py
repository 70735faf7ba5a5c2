"""Joining the parts of feeds that the platform reads by itself."""

from collections.abc import Mapping

from beffroi.app.exchange_foundation import ExchangeFoundation
from beffroi.exchange.contexts.service import Contexts
from beffroi.exchange.feeds.declared import SourceKind
from beffroi.exchange.feeds.driving import FeedCarrying, FolderDriver, PollDriver, SqlDriver
from beffroi.exchange.feeds.sources import AskedSources
from beffroi.exchange.feeds.writing import FeedWriter
from beffroi.exchange.flows.journal import FlowJournal
from beffroi.exchange.flows.running import FlowDriver
from beffroi.exchange.flows.vault import FlowVault
from beffroi.exchange.service import Exchange
from beffroi.exchange.temporal.recording import Recorder
from beffroi.exchange.temporal.service import History


def feed_drivers(
    given: ExchangeFoundation,
    exchange: Exchange,
    contexts: Contexts,
    journal: FlowJournal,
    vault: FlowVault,
) -> Mapping[str, FlowDriver]:
    """Return which driver carries which kind of source."""
    database, clock = given.database, given.clock
    history, recorder = History(database), Recorder(database, clock)
    writer = FeedWriter(exchange, history, recorder, contexts, clock)
    carrying = FeedCarrying(writer, journal, clock)
    sources = AskedSources(given.outgoing, vault)
    drivers: dict[str, FlowDriver] = {
        SourceKind.POLL.value: PollDriver(carrying, sources),
        SourceKind.SQL.value: SqlDriver(carrying, sources),
    }
    if given.drops is not None:
        drivers[SourceKind.FOLDER.value] = FolderDriver(carrying, given.drops)
    return drivers
