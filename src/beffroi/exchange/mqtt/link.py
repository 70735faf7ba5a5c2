"""A connection to a broker of others: what it sends is confirmed by hand, what we send is awaited.

Source: OASIS MQTT 3.1.1 and 5.0; chapters are those of version 5.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from beffroi.exchange.mqtt import writing
from beffroi.exchange.mqtt.address import BrokerAddress
from beffroi.exchange.mqtt.protocol import (
    Accepted,
    Answered,
    Connect,
    Kind,
    Packet,
    Properties,
    Property,
    Publish,
    Reason,
    Signal,
    Subscribed,
    Version,
)
from beffroi.exchange.mqtt.reading import PacketReader
from beffroi.exchange.outgoing import Outgoing, UnreachableError
from beffroi.kernel.units import MIB

_KEEP_ALIVE_S: Final = 30
_CHUNK_BYTES: Final = 65_536
_PACKET_MOST_BYTES: Final = MIB
_NUMBER_MOST: Final = 65_535
_IN_FLIGHT_MOST: Final = 1_000
_TAKEN_MOST: Final = 5_000
"""Messages that wait to be taken; beyond, nothing is read."""
_REFUSED: Final = 0x80


class LinkSession(msgspec.Struct, frozen=True, kw_only=True):
    """How to be known to a broker.

    Attributes:
        clean: It forgets us when the connection ends; otherwise it keeps what comes meanwhile.
        expiry_s: For how long it does.
    """

    client_id: str = ""
    clean: bool = True
    expiry_s: int = 0


class BrokerLink:
    """A connection to a broker, made by ``linked``; ``close`` it."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: BrokerAddress
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._address = address
        self._packets = PacketReader(_PACKET_MOST_BYTES, address.version)
        self._loop = asyncio.get_running_loop()
        self._awaited: dict[int, asyncio.Future[Packet]] = {}
        self._accepted: asyncio.Future[Packet] = self._loop.create_future()
        self._taken: list[Publish] = []
        self._arrived, self._room = asyncio.Event(), asyncio.Event()
        self._window = asyncio.Semaphore(_IN_FLIGHT_MOST)
        self._told: Properties = {}
        self._number = 0
        self._heard_s = self._loop.time()
        self._ended: UnreachableError | None = None
        self._tasks = [self._loop.create_task(one) for one in (self._listen(), self._stay())]

    @property
    def is_open(self) -> bool:
        """Whether it can still be used."""
        return self._ended is None

    async def open(self, session: LinkSession) -> None:
        """Introduce ourselves.

        Raises:
            UnreachableError: The broker does not want us.
        """
        address = self._address
        properties: Properties = {}
        if address.version is Version.V5:
            properties = {
                Property.SESSION_EXPIRY: session.expiry_s,
                Property.RECEIVE_MAXIMUM: _IN_FLIGHT_MOST,
                Property.PACKET_MOST: _PACKET_MOST_BYTES,
            }
        password = address.password.reveal()
        wanted = Connect(
            version=address.version,
            client_id=session.client_id,
            clean=session.clean,
            keep_alive_s=_KEEP_ALIVE_S,
            user_name=address.user or None,
            password=password.encode() if password else None,
            properties=properties,
        )
        await self._write(writing.connect(wanted))
        accepted = await self._accepted
        if not isinstance(accepted, Accepted) or accepted.reason:
            reason = accepted.reason if isinstance(accepted, Accepted) else Reason.PROTOCOL_ERROR
            raise self._refused("CONNECT", reason)
        self._told = accepted.properties
        at_once = self._told.get(Property.RECEIVE_MAXIMUM, _IN_FLIGHT_MOST)
        self._window = asyncio.Semaphore(min(at_once, _IN_FLIGHT_MOST))

    async def publish(self, topic: str, payload: bytes, qos: int, *, retained: bool = False) -> int:
        """Send a message; return the broker's reason code once it has it, below 128 for success.

        One of QoS 0 is not confirmed.

        Raises:
            UnreachableError: The connection ended before.
        """
        qos = min(qos, self._told.get(Property.MAXIMUM_QOS, 2))
        name, version = topic.encode(), self._address.version
        most_bytes = self._told.get(Property.PACKET_MOST)
        if most_bytes is not None and len(name) + len(payload) + 16 > most_bytes:
            return Reason.PACKET_TOO_LARGE
        if not qos:
            await self._write(writing.publish(name, payload, 0, 0, version, retained=retained))
            return 0
        async with self._window:
            number = self._next_number()
            sent = writing.publish(name, payload, qos, number, version, retained=retained)
            answer = await self._answer(number, sent)
            if qos == 2 and isinstance(answer, Answered) and answer.reason < _REFUSED:
                answer = await self._answer(number, writing.answer(Kind.PUBREL, number))
        return answer.reason if isinstance(answer, Answered) else Reason.PROTOCOL_ERROR

    async def subscribe(self, filters: Sequence[str], qos: int) -> None:
        """Ask for messages.

        Raises:
            UnreachableError: The broker refuses one of the filters, or the connection ended.
        """
        number = self._next_number()
        sent = writing.subscribe(number, filters, qos, self._address.version)
        answer = await self._answer(number, sent)
        reasons = answer.reasons if isinstance(answer, Subscribed) else (Reason.PROTOCOL_ERROR,)
        for asked, reason in zip(filters, reasons, strict=False):
            if reason >= _REFUSED:
                raise self._refused(asked, reason)

    async def messages(self) -> Sequence[Publish]:
        """Return what came, at least one.

        Raises:
            UnreachableError: The connection ended.
        """
        while not self._taken:
            if self._ended is not None:
                raise self._ended
            self._arrived.clear()
            await self._arrived.wait()
        taken, self._taken = self._taken, []
        self._room.set()
        return taken

    async def confirm(self, numbers: Iterable[int]) -> None:
        """Tell the broker that messages are ours now."""
        sent = b"".join([writing.answer(Kind.PUBACK, one) for one in numbers if one])
        if sent:
            await self._write(sent)

    async def close(self) -> None:
        """End it; as politely as may be."""
        if self._ended is None:
            with suppress(OSError):
                self._writer.write(writing.disconnect(self._address.version))
        self._end("closed")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await self._writer.wait_closed()

    async def _answer(self, number: int, sent: bytes) -> Packet:
        future = self._awaited[number] = self._loop.create_future()
        try:
            await self._write(sent)
            answer: Packet = await future
            return answer
        finally:
            self._awaited.pop(number, None)

    async def _write(self, content: bytes) -> None:
        if self._ended is not None:
            raise self._ended
        self._writer.write(content)
        try:
            await self._writer.drain()
        except OSError as error:
            self._end(str(error) or type(error).__name__)
            raise self._unreachable(str(error)) from error

    async def _listen(self) -> None:
        """Read what the broker sends until it stops."""
        reason = "closed"
        with suppress(asyncio.CancelledError):
            try:
                while content := await self._reader.read(_CHUNK_BYTES):
                    self._heard_s = self._loop.time()
                    for packet in self._packets.packets(content):
                        self._take(packet)
                    if self._packets.broken is not None:
                        reason = self._packets.broken.name
                        break
                    while len(self._taken) > _TAKEN_MOST:
                        self._room.clear()
                        await self._room.wait()
            except OSError as error:
                reason = str(error) or type(error).__name__
            self._end(reason)

    def _take(self, packet: Packet) -> None:
        if isinstance(packet, Publish):
            self._taken.append(packet)
            self._arrived.set()
        elif isinstance(packet, Accepted):
            _settle(self._accepted, packet)
        elif isinstance(packet, Answered | Subscribed):
            if (future := self._awaited.get(packet.packet)) is not None:
                _settle(future, packet)
        elif isinstance(packet, Signal) and packet.kind is Kind.DISCONNECT:
            self._end(f"DISCONNECT 0x{packet.reason:02x}")

    async def _stay(self) -> None:
        """Say from time to time that we are here; end where the broker does not."""
        while self._ended is None:
            await asyncio.sleep(_KEEP_ALIVE_S / 2)
            if self._loop.time() - self._heard_s > 1.5 * _KEEP_ALIVE_S and not self._taken:
                self._end("silent")
            elif self._ended is None:
                self._writer.write(writing.PING)

    def _end(self, reason: str) -> None:
        if self._ended is not None:
            return
        self._ended = self._unreachable(reason)
        self._writer.close()
        self._arrived.set()
        for future in (self._accepted, *self._awaited.values()):
            if not future.done():
                future.set_exception(self._ended)
                # Whoever waited may be gone: then nobody looks.
                future.exception()

    def _next_number(self) -> int:
        """Return a number that no answer is awaited for."""
        while True:
            self._number = self._number % _NUMBER_MOST + 1
            if self._number not in self._awaited:
                return self._number

    def _unreachable(self, reason: str) -> UnreachableError:
        return UnreachableError("exchange.no_answer", url=self._address.url, reason=reason)

    def _refused(self, asked: str, reason: int) -> UnreachableError:
        return UnreachableError(
            "exchange.broker_refuses", url=self._address.url, asked=asked, reason=f"0x{reason:02x}"
        )


async def linked(
    outgoing: Outgoing, address: BrokerAddress, session: LinkSession, within_s: float
) -> BrokerLink:
    """Connect to a broker.

    Raises:
        UnreachableError: It does not answer in time or does not want us, or it is in the
            platform's own network.
    """
    link: BrokerLink | None = None
    try:
        async with asyncio.timeout(within_s):
            reader, writer = await outgoing.connected(
                address.host, address.port, address.url, is_encrypted=address.is_encrypted
            )
            link = BrokerLink(reader, writer, address)
            await link.open(session)
            return link
    except BaseException as error:
        if link is not None:
            await link.close()
        if isinstance(error, TimeoutError):
            raise UnreachableError(
                "exchange.no_answer_in_time", url=address.url, seconds=within_s
            ) from error
        raise


def _settle(future: asyncio.Future[Packet], packet: Packet) -> None:
    if not future.done():
        future.set_result(packet)
