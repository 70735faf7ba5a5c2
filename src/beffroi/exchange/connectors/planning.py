"""Connectors as flows that go out."""

from collections.abc import Iterator, Mapping

import msgspec

from beffroi.exchange.connectors.declared import Connector, targets_of
from beffroi.exchange.flows.model import Direction, PlannedFlow


def planned_connectors(connectors: Mapping[str, Connector]) -> Iterator[PlannedFlow]:
    """Give the flow of each connector; each has one target."""
    for one in connectors.values():
        (kind,) = targets_of(one)
        yield PlannedFlow(
            name=one.name,
            direction=Direction.OUT,
            kind=kind.value,
            declared=msgspec.json.encode(one),
            tenant=one.tenant,
        )
