"""What the exchange stands on in each of its processes."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from beffroi.exchange.outgoing import Outgoing
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database
from beffroi.kernel.log import LogWatch
from beffroi.kernel.secrets import SealingKey


class ExchangeFoundation(msgspec.Struct, frozen=True, kw_only=True):
    """What the exchange stands on.

    Attributes:
        database: Open.
        watch: Running.
        outgoing: Open.
        known_contexts: Files that stand for the addresses of @contexts.
        public_url: The platform's address.
        drops: Where files of watched folders come, by organisation; nothing: none is watched.
    """

    database: Database
    watch: LogWatch
    outgoing: Outgoing
    known_contexts: Mapping[str, Path]
    public_url: str
    key: SealingKey
    clock: Clock
    drops: Path | None = None
