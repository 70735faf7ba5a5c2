"""Packets read from what arrives, however it is cut.

Source: OASIS MQTT 3.1.1 and 5.0; chapters are those of version 5.
"""

from typing import Final

from beffroi.exchange.mqtt.fields import BrokenPacketError, Fields, read_topic
from beffroi.exchange.mqtt.protocol import (
    WILL,
    Accepted,
    Answered,
    Connect,
    Kind,
    Packet,
    Property,
    Publish,
    Reason,
    Signal,
    Subscribed,
    Subscribing,
    Version,
)

FIRST_MOST_BYTES: Final = 16_384
"""What a CONNECT may take: whoever sends it is not known yet."""

_TOPICS_KEPT: Final = 4_096
_FLAGS: Final = {Kind.PUBREL: 2, Kind.SUBSCRIBE: 2, Kind.UNSUBSCRIBE: 2}
_TO_SERVER: Final = frozenset(
    {
        *(Kind.PUBACK, Kind.PUBREC, Kind.PUBREL, Kind.PUBCOMP, Kind.SUBSCRIBE, Kind.UNSUBSCRIBE),
        *(Kind.PINGREQ, Kind.DISCONNECT, Kind.AUTH),
    }
)
_TO_CLIENT: Final = frozenset(
    {
        *(Kind.CONNACK, Kind.PUBACK, Kind.PUBREC, Kind.PUBREL, Kind.PUBCOMP, Kind.SUBACK),
        *(Kind.UNSUBACK, Kind.PINGRESP, Kind.DISCONNECT, Kind.AUTH),
    }
)


class PacketReader:
    """Reads what one peer sends; it keeps no more of it than one packet.

    Args:
        packet_most: How large a packet may be, in bytes, its header included.
        version: Known beforehand to a client; a server learns it from the CONNECT, which has to
            come first.

    Attributes:
        broken: Why nothing more is read, once something was no packet.
        version: Of the protocol that is spoken.
    """

    def __init__(self, packet_most: int, version: Version | None = None) -> None:
        self.broken: Reason | None = None
        self.version = version or Version.V3
        self._packet_most = packet_most
        self._awaits_connect = version is None
        self._is_server = version is None
        self._left = bytearray()
        self._needed = 2
        self._topics: dict[bytes, str] = {}

    @property
    def unfinished(self) -> int:
        """How many bytes of a packet wait for its end."""
        return len(self._left)

    def packets(self, received: bytes) -> list[Packet]:
        """Return the packets that are whole by now; ``broken`` tells what ends them."""
        if self.broken is not None:
            return []
        if self._left:
            self._left += received
            if len(self._left) < self._needed:
                return []
            received = bytes(self._left)
            self._left.clear()
        found: list[Packet] = []
        try:
            start = self._cut(received, found)
        except BrokenPacketError as error:
            self.broken = error.reason
            return found
        if start < len(received):
            self._left += received[start:]
        return found

    def _cut(self, received: bytes, found: list[Packet]) -> int:
        """Read packet after packet; return where the one begins that is not whole."""
        start, end = 0, len(received)
        self._needed = 2
        while end - start >= 2:
            first, length, begin = received[start], received[start + 1], start + 2
            if length >= 0x80:
                length, begin = _long_length(received, start + 1)
                if length < 0:
                    self._needed = end - start + 1
                    break
            stop = begin + length
            most = FIRST_MOST_BYTES if self._awaits_connect else self._packet_most
            if stop - start > most:
                raise BrokenPacketError(Reason.PACKET_TOO_LARGE)
            if stop > end:
                self._refuse_unawaited(first)
                self._needed = stop - start
                break
            if first & 0xF0 == 0x30 and not self._awaits_connect:
                found.append(self._publish(first, received, begin, stop))
            else:
                found.append(self._read(first, received[begin:stop]))
            start = stop
        else:
            if start < end:
                self._refuse_unawaited(received[start])
        return start

    def _refuse_unawaited(self, first: int) -> None:
        if self._awaits_connect and first != Kind.CONNECT << 4:
            raise BrokenPacketError(Reason.PROTOCOL_ERROR)

    def _publish(self, first: int, received: bytes, begin: int, stop: int) -> Publish:
        """Read a message without looking at anything twice: this is where the time goes."""
        qos = first >> 1 & 3
        topic_end = begin + 2
        if topic_end > stop:
            raise BrokenPacketError(Reason.MALFORMED)
        topic_end += received[begin] << 8 | received[begin + 1]
        at = topic_end + 2 if qos else topic_end
        if at > stop or qos == 3 or (qos == 0 and first & 8):
            raise BrokenPacketError(Reason.MALFORMED)
        name = received[begin + 2 : topic_end]
        topic = self._topics.get(name)
        if topic is None:
            topic = self._new_topic(name)
        packet = 0
        if qos:
            packet = received[topic_end] << 8 | received[topic_end + 1]
            if packet == 0:
                raise BrokenPacketError(Reason.PROTOCOL_ERROR)
        if self.version is Version.V5:
            if at < stop and received[at] == 0:
                at += 1
            else:
                fields = Fields(received[at:stop])
                if Property.TOPIC_ALIAS in fields.properties(Kind.PUBLISH):
                    raise BrokenPacketError(Reason.TOPIC_ALIAS_INVALID)
                at = stop - fields.left
        return Publish(topic, received[at:stop], qos, packet, bool(first & 1))

    def _new_topic(self, name: bytes) -> str:
        topic = read_topic(name)
        if len(self._topics) >= _TOPICS_KEPT:
            self._topics.clear()
        self._topics[name] = topic
        return topic

    def _read(self, first: int, content: bytes) -> Packet:
        fields = Fields(content)
        if self._awaits_connect:
            self._refuse_unawaited(first)
            connect = _connect(fields)
            self._awaits_connect = False
            self.version = connect.version
            return connect
        number = first >> 4
        if number not in (_TO_SERVER if self._is_server else _TO_CLIENT):
            raise BrokenPacketError(Reason.PROTOCOL_ERROR)
        kind = Kind(number)
        if first & 0x0F != _FLAGS.get(kind, 0):
            raise BrokenPacketError(Reason.MALFORMED)
        packet = self._other(kind, fields)
        if fields.left:
            raise BrokenPacketError(Reason.MALFORMED)
        return packet

    def _other(self, kind: Kind, fields: Fields) -> Packet:
        is_v5 = self.version is Version.V5
        if kind is Kind.CONNACK:
            flags, reason = fields.number(1), fields.number(1)
            return Accepted(reason, bool(flags & 1), fields.properties(kind) if is_v5 else {})
        if kind in (Kind.PUBACK, Kind.PUBREC, Kind.PUBREL, Kind.PUBCOMP):
            return Answered(kind, fields.packet(), self._reason(kind, fields))
        if kind in (Kind.SUBSCRIBE, Kind.UNSUBSCRIBE):
            return self._subscribing(kind, fields)
        if kind in (Kind.SUBACK, Kind.UNSUBACK):
            packet = fields.packet()
            if is_v5:
                fields.properties(kind)
            return Subscribed(kind, packet, tuple(fields.take(fields.left)))
        if kind is Kind.AUTH and not is_v5:
            raise BrokenPacketError(Reason.PROTOCOL_ERROR)
        return Signal(kind, self._reason(kind, fields))

    def _reason(self, kind: Kind, fields: Fields) -> int:
        """Read the reason and the properties that may be left out at the end (3.4.2)."""
        if self.version is not Version.V5 or not fields.left or kind in _BARE:
            return 0
        reason = fields.number(1)
        if fields.left:
            fields.properties(kind)
        return reason

    def _subscribing(self, kind: Kind, fields: Fields) -> Subscribing:
        packet, filters = fields.packet(), 0
        if self.version is Version.V5:
            fields.properties(kind)
        while fields.left:
            if not fields.text():
                raise BrokenPacketError(Reason.MALFORMED)
            if kind is Kind.SUBSCRIBE:
                fields.number(1)
            filters += 1
        if not filters:
            raise BrokenPacketError(Reason.PROTOCOL_ERROR)
        return Subscribing(kind, packet, filters)


_BARE: Final = frozenset({Kind.PINGREQ, Kind.PINGRESP})


def _long_length(received: bytes, at: int) -> tuple[int, int]:
    """Read a remaining length of more than one byte; below 0: its end is not there yet."""
    value = 0
    for place in range(4):
        if at + place >= len(received):
            return -1, 0
        byte = received[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise BrokenPacketError(Reason.MALFORMED)


def _connect(fields: Fields) -> Connect:
    """Read a CONNECT (3.1)."""
    name, level = fields.binary(), fields.number(1)
    if name != b"MQTT" or level not in (Version.V3, Version.V5):
        raise BrokenPacketError(Reason.VERSION_UNSUPPORTED)
    version, flags, keep_alive_s = Version(level), fields.number(1), fields.number(2)
    has_will, will_qos = bool(flags & 4), flags >> 3 & 3
    if flags & 1 or will_qos == 3 or (not has_will and flags & 0x38):
        raise BrokenPacketError(Reason.MALFORMED)
    if version is Version.V3 and flags & 0xC0 == 0x40:
        raise BrokenPacketError(Reason.MALFORMED)
    properties = fields.properties(Kind.CONNECT) if version is Version.V5 else {}
    client_id = fields.text()
    if has_will:
        if version is Version.V5:
            fields.properties(WILL)
        read_topic(fields.binary())
        fields.binary()
    user_name = fields.text() if flags & 0x80 else None
    password = fields.binary() if flags & 0x40 else None
    if fields.left:
        raise BrokenPacketError(Reason.MALFORMED)
    return Connect(
        version=version,
        client_id=client_id,
        clean=bool(flags & 2),
        keep_alive_s=keep_alive_s,
        user_name=user_name,
        password=password,
        will_qos=will_qos if has_will else None,
        properties=properties,
    )
