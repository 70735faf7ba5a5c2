"""Which flows a file declares: each section's owner tells."""

from collections.abc import Iterator

from beffroi.exchange.connectors import checking as connectors
from beffroi.exchange.connectors.planning import planned_connectors
from beffroi.exchange.declared import ExchangeFile
from beffroi.exchange.feeds.planning import planned_feeds
from beffroi.exchange.flows.errors import DeclarationRefusedError
from beffroi.exchange.flows.model import FLOW_SECTIONS, PlannedFlow
from beffroi.exchange.mqtt import checking as brokers
from beffroi.exchange.mqtt.planning import planned_brokers
from beffroi.exchange.uplinks.planning import planned_uplinks
from beffroi.territory.findings import Mistake


def flow_mistakes(declared: ExchangeFile) -> Iterator[Mistake]:
    """Tell what is wrong with flows that can be told without the files beside them."""
    seen: set[str] = set()
    for section in FLOW_SECTIONS:
        for name in getattr(declared, section):
            if name in seen:
                yield Mistake(
                    "exchange.flow_named_twice", (section, name), {"name": name}, at_key=True
                )
            seen.add(name)
    yield from brokers.mistakes(declared.brokers)
    yield from connectors.mistakes(declared.connectors)


def planned_flows(declared: ExchangeFile) -> Iterator[PlannedFlow]:
    """Give every flow that the platform carries by itself.

    Raises:
        DeclarationRefusedError: One is declared wrong: not all files come by way of the command,
            which tells every mistake at its line.
    """
    for mistake in flow_mistakes(declared):
        raise DeclarationRefusedError(mistake.code, **mistake.values)
    yield from planned_connectors(declared.connectors)
    yield from planned_feeds(declared.feeds)
    yield from planned_uplinks(declared.uplinks)
    yield from planned_brokers(declared.brokers)
