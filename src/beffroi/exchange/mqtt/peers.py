"""The other processes that listen at the same ports: one name, one connection among all."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from beffroi.exchange.mqtt import peer_store
from beffroi.exchange.mqtt.seen import SeenAccount
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError
from beffroi.kernel.ids import new_id
from beffroi.kernel.rights.model import Actor

_logger = logging.getLogger(__name__)
_SEEN_LATE_S: Final = 10.0
"""A claim is looked at again for that long: it may be committed after a later one."""
_TOLD_EVERY_S: Final = 5.0
_TOLD_HOLDS_S: Final = 20.0


class Claim(msgspec.Struct, frozen=True):
    """A session's hold on the name of its client.

    Attributes:
        at: By the database's clock: of two, the later one holds.
    """

    session: str
    at: datetime

    def yields_to(self, other: "Claim") -> bool:
        """Tell whether another session took the name since."""
        return other.session != self.session and other.at > self.at


class Peers:
    """What this process and the others tell each other through the database.

    Args:
        database: Of all of them.
        clock: Dates names of sessions.
        told_every_s: How often this one tells who is connected to it.
    """

    def __init__(
        self, database: Database, clock: Clock, told_every_s: float = _TOLD_EVERY_S
    ) -> None:
        self._database = database
        self._clock = clock
        self._told_every_s = told_every_s
        self._process = new_id(clock.now())
        self._looked_s = self._told_s = asyncio.get_running_loop().time()

    async def claim(self, actor: Actor, client_id: str) -> Claim:
        """Take the name of a client; whoever had it learns of it within a second or two.

        Raises:
            UnavailableError: The database does not answer.
        """
        session = new_id(self._clock.now())
        async with self._database.transaction(EVERYTHING) as connection:
            at = await peer_store.claim(
                connection, actor.organisation, actor.name, client_id, session
            )
        return Claim(session, at)

    async def claims(self) -> Sequence[tuple[tuple[str, str], Claim]]:
        """Return the claims since the last look, by account and client; some come again.

        Raises:
            UnavailableError: The database does not answer; the next look goes further back.
        """
        now_s = asyncio.get_running_loop().time()
        async with self._database.transaction(EVERYTHING) as connection:
            rows = await peer_store.claims_of(connection, now_s - self._looked_s + _SEEN_LATE_S)
        self._looked_s = now_s
        return [
            ((account, client_id), Claim(session, at)) for account, client_id, session, at in rows
        ]

    async def tell(self, accounts: Sequence[SeenAccount]) -> None:
        """Tell the others who is connected here, every few seconds."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._told_s < self._told_every_s:
            return
        self._told_s = now_s
        async with self._database.transaction(EVERYTHING) as connection:
            await peer_store.tell(connection, self._process, accounts)

    async def others(self) -> Sequence[SeenAccount]:
        """Return who is connected to the other processes."""
        try:
            async with self._database.transaction(EVERYTHING) as connection:
                return await peer_store.told_by_others(connection, self._process, _TOLD_HOLDS_S)
        except BeffroiError as error:
            _logger.debug("mqtt peers=unknown %s", error)
            return ()
