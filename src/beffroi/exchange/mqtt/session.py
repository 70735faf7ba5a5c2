"""One client at the door, from its CONNECT to its end.

Source: OASIS MQTT 3.1.1 and 5.0; chapters are those of version 5.
"""

import asyncio
import socket
from contextlib import suppress
from datetime import datetime
from typing import Final, Protocol, cast

from beffroi.exchange.mqtt import writing
from beffroi.exchange.mqtt.admission import Admitted, Refused
from beffroi.exchange.mqtt.fates import Fates, fates_of
from beffroi.exchange.mqtt.limits import Limits
from beffroi.exchange.mqtt.ports import Intake
from beffroi.exchange.mqtt.protocol import (
    CONNECT_REFUSALS,
    Connect,
    Kind,
    Packet,
    Publish,
    Reason,
    Signal,
    Subscribing,
    Version,
)
from beffroi.exchange.mqtt.reading import PacketReader
from beffroi.exchange.uplinks.message import UplinkMessage
from beffroi.kernel.rights.model import Actor

_OVERHEAD_BYTES: Final = 200
"""What a message takes in memory beside its payload, about."""
_TARRY_S: Final = 2.0


class Door(Protocol):
    """What a session asks of the door that it came in by."""

    limits: Limits
    intake: Intake

    def now(self) -> datetime:
        """Return the time."""
        ...

    async def admitted(self, wanted: Connect, session: "Session") -> Admitted | Refused:
        """Tell whether a client may come in, and as whom."""
        ...

    def holds(self, count_bytes: int) -> None:
        """Note what is held for a client."""
        ...

    @property
    def has_room(self) -> bool:
        """Whether more may be held."""
        ...

    def releases(self, count_bytes: int) -> None:
        """Note what is held no more."""
        ...

    def came(self, session: "Session") -> bool:
        """Note a session; tell whether there is a place for it."""
        ...

    def left(self, session: "Session") -> None:
        """Forget a session."""
        ...


class Session(asyncio.Protocol):
    """A connection.

    What arrives while messages are being committed gathers, and is carried next, in one go: so
    answers come in order, and the more is sent, the larger the groups.

    Attributes:
        admitted: Who it is, once that is known.
        messages: How many were taken.
        heard_s: When something came last, by the loop's clock.
    """

    def __init__(self, door: Door) -> None:
        self._door = door
        self._loop = asyncio.get_running_loop()
        self._reader = PacketReader(door.limits.packet_most_bytes)
        self._transport: asyncio.Transport
        self._waiting: list[Packet] = []
        self._arrived: list[Publish] = []
        self._unanswered = 0
        self._held_bytes = 0
        self._work: asyncio.Task[None] | None = None
        self._reading = self._writing = True
        self._ended = False
        self._half_since_s: float | None = None
        self._keep_alive_s = 0.0
        self.admitted: Admitted | None = None
        self.messages = 0
        self.connected_at = door.now()
        self.heard_s = self._loop.time()

    @property
    def version(self) -> Version:
        """Which version of the protocol it speaks."""
        return self._reader.version

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen to it."""
        self._transport = cast("asyncio.Transport", transport)
        if not self._door.came(self):
            self.end(None)
            return
        peer = transport.get_extra_info("socket")
        if peer is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - as asyncio calls it
        """Forget it; what it sent before is still committed."""
        self._ended = True
        self._door.left(self)

    def pause_writing(self) -> None:
        """Read nothing of one that does not read its answers."""
        self._writing = False
        self.rule_reading()

    def resume_writing(self) -> None:
        """Read on."""
        self._writing = True
        self.rule_reading()

    def data_received(self, data: bytes) -> None:
        """Take what arrived."""
        self.heard_s = self._loop.time()
        packets = self._reader.packets(data)
        if not self._reader.unfinished:
            self._half_since_s = None
        elif packets or self._half_since_s is None:
            self._half_since_s = self.heard_s
        self._waiting += packets
        self._proceed()

    def check(self, now_s: float) -> None:
        """End it where it was silent for too long."""
        limits = self._door.limits
        if self.admitted is None:
            if now_s - self.heard_s > limits.connect_within_s or self._is_half(
                now_s, limits.connect_within_s
            ):
                self.end(None)
        elif self._is_half(now_s, limits.packet_within_s):
            self.end(Reason.MALFORMED)
        elif self._keep_alive_s and self._reading and now_s - self.heard_s > self._keep_alive_s:
            self.end(Reason.KEEP_ALIVE_TIMEOUT)

    def end(self, reason: Reason | None) -> None:
        """Close the connection, with a reason where the protocol has a place for it."""
        if self._ended:
            return
        self._ended = True
        if reason is not None and self.admitted is not None and self.version is Version.V5:
            self._transport.write(writing.disconnect(Version.V5, reason))
        self._transport.close()
        self._loop.call_later(_TARRY_S, self._transport.abort)

    async def finished(self) -> None:
        """Wait for what is being carried."""
        if self._work is not None:
            with suppress(asyncio.CancelledError):
                await asyncio.shield(self._work)

    def rule_reading(self) -> None:
        """Read while there is room for what comes, and its answers are read."""
        if self._ended:
            return
        limits = self._door.limits
        wanted = (
            self._door.has_room
            and self._writing
            and not (self.admitted is None and self._work is not None)
            and len(self._arrived) < limits.in_flight_most
            and self._held_bytes < limits.held_most_bytes
        )
        if wanted and not self._reading:
            self._transport.resume_reading()
        elif self._reading and not wanted:
            self._transport.pause_reading()
        self._reading = wanted

    def _is_half(self, now_s: float, most_s: float) -> bool:
        return self._half_since_s is not None and now_s - self._half_since_s > most_s

    def _proceed(self) -> None:
        """Go through the packets that wait, as far as one may now."""
        if self.admitted is None:
            self._begin()
            return
        waiting, self._waiting = self._waiting, []
        for packet in waiting:
            if self._ended:
                break
            if type(packet) is Publish:
                self._take(packet)
            else:
                self._obey(packet)
        if self._reader.broken is not None:
            self.end(self._reader.broken)
        self._carry_on()

    def _begin(self) -> None:
        """Have the first packet decided on; what comes after it waits."""
        if self._ended or self._work is not None:
            return
        if self._waiting:
            # The reader lets nothing else be the first.
            first = cast("Connect", self._waiting.pop(0))
            self._work = self._loop.create_task(self._admit(first))
            self.rule_reading()
        elif self._reader.broken is not None:
            if self._reader.broken is Reason.VERSION_UNSUPPORTED:
                code = CONNECT_REFUSALS[Reason.VERSION_UNSUPPORTED]
                self._transport.write(writing.connack(Version.V3, code, {}))
            self.end(None)

    async def _admit(self, wanted: Connect) -> None:
        decided = await self._door.admitted(wanted, self)
        self._work = None
        if self._ended:
            self.admitted = decided if isinstance(decided, Admitted) else None
            self._door.left(self)
            return
        if isinstance(decided, Refused):
            code = (
                decided.reason
                if wanted.version is Version.V5
                else CONNECT_REFUSALS.get(decided.reason)
            )
            if code is not None:
                self._transport.write(writing.connack(wanted.version, code, {}))
            self.end(None)
            return
        self.admitted = decided
        self._keep_alive_s = 1.5 * decided.keep_alive_s
        self._transport.write(writing.connack(wanted.version, 0, decided.told))
        self.rule_reading()
        self._proceed()

    def _take(self, message: Publish) -> None:
        if message.qos == 2:
            self.end(Reason.QOS_NOT_SUPPORTED)
            return
        if message.qos:
            self._unanswered += 1
            most = self._door.limits.in_flight_most
            if self._unanswered > most and self.version is Version.V5:
                self.end(Reason.RECEIVE_MAXIMUM_EXCEEDED)
                return
        held_bytes = len(message.payload) + _OVERHEAD_BYTES
        self._held_bytes += held_bytes
        self._door.holds(held_bytes)
        self._arrived.append(message)

    def _obey(self, packet: Packet) -> None:
        """Do what a packet that is no message asks for."""
        if isinstance(packet, Signal) and packet.kind is Kind.PINGREQ:
            self._transport.write(writing.PONG)
        elif isinstance(packet, Signal) and packet.kind is Kind.DISCONNECT:
            self._carry_on()
            self.end(None)
        elif isinstance(packet, Subscribing):
            is_new = packet.kind is Kind.SUBSCRIBE
            kind = Kind.SUBACK if is_new else Kind.UNSUBACK
            reason = Reason.NOT_AUTHORIZED if is_new else Reason.NO_SUBSCRIPTION
            if self.version is Version.V3:
                reason = Reason.UNSPECIFIED
            reasons = (reason,) * packet.filters
            self._transport.write(writing.suback(kind, packet.packet, reasons, self.version))
        else:
            self.end(Reason.PROTOCOL_ERROR)

    def _carry_on(self) -> None:
        if self._arrived and self._work is None:
            self._work = self._loop.create_task(self._carry())
        self.rule_reading()

    async def _carry(self) -> None:
        """Carry what arrived until nothing does."""
        while self._arrived and self.admitted is not None:
            messages, self._arrived = self._arrived, []
            held_bytes, self._held_bytes = self._held_bytes, 0
            self.rule_reading()
            try:
                await self._carry_some(messages, self.admitted.actor)
            finally:
                self._door.releases(held_bytes)
            self.rule_reading()
        self._work = None

    async def _carry_some(self, messages: list[Publish], actor: Actor) -> None:
        at = self._door.now()
        told = [UplinkMessage(one.topic, one.payload, at) for one in messages]
        fates = await fates_of(self._door.intake, actor, told)
        self.messages += len(messages)
        self._unanswered -= sum(1 for one in messages if one.qos)
        if not self._ended:
            self._transport.write(_answers(messages, fates, self.version))
            if fates.ending is not None:
                self.end(fates.ending)


def _answers(messages: list[Publish], fates: Fates, version: Version) -> bytes:
    """Write the PUBACKs of messages, in their order, up to the first that nothing became of."""
    if version is Version.V3 or not any(fates.reasons):
        answered = messages[: len(fates.reasons)]
        return writing.pubacks([one.packet for one in answered if one.qos])
    return b"".join(
        writing.answer(Kind.PUBACK, message.packet, reason)
        for message, reason in zip(messages, fates.reasons, strict=False)
        if message.qos
    )
