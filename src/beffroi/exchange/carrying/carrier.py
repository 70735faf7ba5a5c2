"""Carries what happened to entities into a stream of NATS JetStream."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

import msgspec
import nats
from msgspec.structs import replace
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import StreamConfig

from beffroi.exchange.carrying.subjects import PREFIX, subject_of
from beffroi.exchange.logged import body_in_full
from beffroi.kernel.database import Database
from beffroi.kernel.errors import UnavailableError
from beffroi.kernel.log import Entry, LogWatch, Teller
from beffroi.kernel.secrets import Secret

FOLLOWER: Final = "exchange.nats"
STREAM: Final = StreamConfig(
    name="BEFFROI",
    subjects=[f"{PREFIX}.*.*.*"],
    max_age=7 * 86_400,
    duplicate_window=3_600,
)
_CARRIED: Final = "exchange.entity_"
_ANSWER_WITHIN_S: Final = 10.0
_RETRY_S: Final = 5.0
_logger = logging.getLogger(__name__)


class LogCarrier:
    """Publishes each entry once: what is sent again has its number, by which NATS drops it.

    NATS acknowledges before its disk has a message. PostgreSQL stays the truth: the cursor moves
    once NATS acknowledged, and a server that lost its stream is filled from then on.

    Args:
        database: Where the log and the cursor are.
        watch: Running.
        url: Of a NATS server, with whatever proves who we are.
    """

    def __init__(self, database: Database, watch: LogWatch, url: Secret) -> None:
        self._teller = Teller(FOLLOWER, database, watch, self._carry, (_CARRIED,))
        self._url = url
        self._stream: JetStreamContext | None = None
        self._is_made = False

    async def run(self) -> None:
        """Carry until cancelled; while NATS is away, the cursor waits."""
        connection = await self._connected()
        try:
            self._stream = connection.jetstream(timeout=_ANSWER_WITHIN_S)
            await self._teller.run()
        finally:
            await connection.close()

    async def _connected(self) -> Client:
        while True:
            try:
                return await nats.connect(
                    self._url.reveal(),
                    name="beffroi",
                    max_reconnect_attempts=-1,
                    error_cb=_told,
                )
            except (NatsError, OSError) as error:
                _logger.warning("carrier state=unconnected error=%r", error)
                await asyncio.sleep(_RETRY_S)

    async def _carry(self, entries: Sequence[Entry]) -> None:
        if self._stream is None:
            return
        try:
            if not self._is_made:
                await self._stream.add_stream(STREAM)
                self._is_made = True
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                acknowledged = [
                    await self._stream.publish_async(
                        subject_of(one),
                        msgspec.json.encode(replace(one, body=body_in_full(one.body))),
                        headers={"Nats-Msg-Id": str(one.seq)},
                    )
                    for one in entries
                ]
                await asyncio.gather(*acknowledged)
        except (NatsError, OSError, TimeoutError) as error:
            self._is_made = False
            raise UnavailableError("exchange.nats_away", reason=repr(error)) from error


async def _told(error: Exception) -> None:
    _logger.warning("carrier state=failing error=%r", error)
