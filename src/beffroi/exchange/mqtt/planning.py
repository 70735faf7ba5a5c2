"""Brokers as flows that come in."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from beffroi.exchange.flows.errors import DeclarationRefusedError
from beffroi.exchange.flows.model import Direction, PlannedFlow
from beffroi.exchange.mqtt.checking import broker_mistakes
from beffroi.exchange.mqtt.declared import Broker

BROKER: Final = "broker"
"""Kind of the flows whose messages a broker of others brings."""


def planned_brokers(brokers: Mapping[str, Broker]) -> Iterator[PlannedFlow]:
    """Give the flow of each broker.

    Raises:
        DeclarationRefusedError: What one declares does not fit together.
    """
    for one in brokers.values():
        for mistake in broker_mistakes(one, ()):
            raise DeclarationRefusedError(mistake.code, **mistake.values)
        yield PlannedFlow(
            name=one.name,
            direction=Direction.IN,
            kind=BROKER,
            declared=msgspec.json.encode(one),
        )
