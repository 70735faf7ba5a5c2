"""Packets as they are sent.

Source: OASIS MQTT 3.1.1 and 5.0; chapters are those of version 5.
"""

import struct
from collections.abc import Iterable, Sequence
from itertools import chain, repeat
from typing import Any, Final

from beffroi.exchange.mqtt.protocol import PROPERTIES, Connect, Form, Kind, Properties, Version

PING: Final = bytes((Kind.PINGREQ << 4, 0))
_PUBACK: Final = Kind.PUBACK << 12 | 2
PONG: Final = bytes((Kind.PINGRESP << 4, 0))


def connect(wanted: Connect) -> bytes:
    """Write a CONNECT without a will."""
    flags = 2 * wanted.clean
    content = [_text(wanted.client_id)]
    if wanted.user_name is not None:
        flags |= 0x80
        content.append(_text(wanted.user_name))
    if wanted.password is not None:
        flags |= 0x40
        content.append(_binary(wanted.password))
    head = b"\x00\x04MQTT" + bytes((wanted.version, flags)) + wanted.keep_alive_s.to_bytes(2, "big")
    told = _properties(wanted.properties) if wanted.version is Version.V5 else b""
    return _packet(Kind.CONNECT << 4, head, told, *content)


def connack(version: Version, code: int, properties: Properties) -> bytes:
    """Write a CONNACK that has no session to go on with."""
    told = _properties(properties) if version is Version.V5 else b""
    return _packet(Kind.CONNACK << 4, bytes((0, code)), told)


def publish(
    topic: bytes,
    payload: bytes,
    qos: int,
    packet: int,
    version: Version,
    *,
    retained: bool = False,
) -> bytes:
    """Write a message, without properties."""
    number = packet.to_bytes(2, "big") if qos else b""
    told = b"\x00" if version is Version.V5 else b""
    return _packet(Kind.PUBLISH << 4 | qos << 1 | retained, _binary(topic), number, told, payload)


def answer(kind: Kind, packet: int, reason: int = 0) -> bytes:
    """Write a PUBACK, PUBREC, PUBREL or PUBCOMP; a reason other than 0 is of version 5."""
    first = kind << 4 | (2 if kind is Kind.PUBREL else 0)
    if not reason:
        return bytes((first, 2, packet >> 8, packet & 0xFF))
    return bytes((first, 3, packet >> 8, packet & 0xFF, reason))


def pubacks(packets: Sequence[int]) -> bytes:
    """Write a PUBACK without a reason for each, as ``answer`` does, all at once."""
    length = len(packets)
    return struct.pack(">" + "HH" * length, *chain.from_iterable(zip(repeat(_PUBACK), packets)))


def subscribe(packet: int, filters: Sequence[str], qos: int, version: Version) -> bytes:
    """Write a SUBSCRIBE."""
    told = b"\x00" if version is Version.V5 else b""
    asked = [_text(one) + bytes((qos,)) for one in filters]
    return _packet(Kind.SUBSCRIBE << 4 | 2, packet.to_bytes(2, "big"), told, *asked)


def suback(kind: Kind, packet: int, reasons: Iterable[int], version: Version) -> bytes:
    """Write a SUBACK or an UNSUBACK; that of 3.1.1 has no reasons for the latter."""
    if version is Version.V5:
        return _packet(kind << 4, packet.to_bytes(2, "big"), b"\x00", bytes(reasons))
    codes = bytes(reasons) if kind is Kind.SUBACK else b""
    return _packet(kind << 4, packet.to_bytes(2, "big"), codes)


def disconnect(version: Version, reason: int = 0) -> bytes:
    """Write a DISCONNECT; in 3.1.1 only clients send it, and without a reason."""
    return _packet(Kind.DISCONNECT << 4, bytes((reason,)) if version is Version.V5 else b"")


def _packet(first: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return bytes((first,)) + _variable(len(content)) + content


def _variable(value: int) -> bytes:
    written = bytearray()
    while True:
        value, byte = divmod(value, 128)
        written.append(byte | 0x80 if value else byte)
        if not value:
            return bytes(written)


def _binary(content: bytes) -> bytes:
    return len(content).to_bytes(2, "big") + content


def _text(text: str) -> bytes:
    return _binary(text.encode())


def _properties(properties: Properties) -> bytes:
    content = b"".join(
        _variable(identifier) + _value(PROPERTIES[identifier][0], value)
        for identifier, value in properties.items()
    )
    return _variable(len(content)) + content


def _value(form: Form, value: Any) -> bytes:  # noqa: ANN401 - as many kinds as there are forms
    if form is Form.TEXT:
        return _text(value)
    if form is Form.PAIR:
        return b"".join(_text(one) + _text(other) for one, other in value)
    if form is Form.BINARY:
        return _binary(value)
    if form is Form.VARIABLE:
        return _variable(value)
    count: int = {Form.BYTE: 1, Form.TWO_BYTES: 2, Form.FOUR_BYTES: 4}[form]
    return bytes(value.to_bytes(count, "big"))
