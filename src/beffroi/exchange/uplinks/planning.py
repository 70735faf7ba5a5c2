"""Uplinks as flows that come in."""

from collections.abc import Iterator, Mapping

import msgspec
from msgspec import UNSET

from beffroi.exchange.flows.errors import DeclarationRefusedError
from beffroi.exchange.flows.model import Direction, PlannedFlow
from beffroi.exchange.uplinks.checking import uplink_mistakes
from beffroi.exchange.uplinks.declared import Uplink

UPLINK: str = "uplink"
"""Kind of the flows whose messages devices send."""


def planned_uplinks(uplinks: Mapping[str, Uplink]) -> Iterator[PlannedFlow]:
    """Give the flow of each uplink.

    Raises:
        DeclarationRefusedError: What one declares does not fit together.
    """
    for one in uplinks.values():
        for mistake in uplink_mistakes(one, ()):
            raise DeclarationRefusedError(mistake.code, **mistake.values)
        file = UNSET if one.codec is UNSET else one.codec.file
        yield PlannedFlow(
            name=one.name,
            direction=Direction.IN,
            kind=UPLINK,
            declared=msgspec.json.encode(one),
            companions=() if file is UNSET else (file,),
        )
