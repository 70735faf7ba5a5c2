"""Reading the file that declares an organisation's flows: every mistake at its line."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from beffroi.exchange.connectors.declared import Connector
from beffroi.exchange.declared import ExchangeFile
from beffroi.exchange.feeds import checking as feeds
from beffroi.exchange.feeds.declared import Feed
from beffroi.exchange.flows.planning import flow_mistakes
from beffroi.exchange.governance import checking as governance
from beffroi.exchange.governance.declared import Policy, Treatment
from beffroi.exchange.models import checking as models
from beffroi.exchange.mqtt.declared import Broker
from beffroi.exchange.uplinks import checking as uplinks
from beffroi.exchange.uplinks.declared import Uplink
from beffroi.territory.declared_file import load_declared
from beffroi.territory.findings import Mistake

SECTIONS: Final[Mapping[str, type[msgspec.Struct]]] = {
    "feeds": Feed,
    "uplinks": Uplink,
    "brokers": Broker,
    "register": Treatment,
    "policies": Policy,
    "connectors": Connector,
}
"""Of the file, by name: what each of its entries is."""


def load_declarations(file: Path) -> ExchangeFile:
    """Read and check a file, and that what it names beside it is there.

    Raises:
        TerritoryInvalidError: It has mistakes, all of them told at once.
    """

    def mistakes(declared: ExchangeFile) -> Iterator[Mistake]:
        yield from flow_mistakes(declared)
        yield from feeds.mistakes(declared.feeds, file.parent)
        yield from uplinks.mistakes(declared.uplinks, file.parent)
        yield from governance.register_mistakes(declared.register, file.parent)
        yield from governance.policy_mistakes(declared.policies, file.parent)
        yield from models.mistakes(declared.models, file.parent)

    return load_declared(file, ExchangeFile, SECTIONS, mistakes)
