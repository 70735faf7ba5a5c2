"""Which flows the feeds of a file are: those that the platform reads by itself."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from beffroi.exchange.feeds.checking import feed_mistakes
from beffroi.exchange.feeds.declared import Feed, SourceKind
from beffroi.exchange.flows.errors import DeclarationRefusedError
from beffroi.exchange.flows.model import Direction, PlannedFlow

CARRIED: Final = (SourceKind.POLL, SourceKind.FOLDER, SourceKind.SQL)
"""Sources that the platform reads; a file is sent by who has it."""


def planned_feeds(feeds: Mapping[str, Feed]) -> Iterator[PlannedFlow]:
    """Give the flows of feeds.

    Raises:
        DeclarationRefusedError: A feed cannot mean anything.
    """
    for feed in feeds.values():
        for mistake in feed_mistakes(feed):
            raise DeclarationRefusedError(mistake.code, **mistake.values)
        if feed.kind in CARRIED:
            yield PlannedFlow(
                name=feed.name,
                direction=Direction.IN,
                kind=feed.kind.value,
                declared=msgspec.json.encode(feed),
            )
