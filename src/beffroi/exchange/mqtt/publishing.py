"""Messages of a file published to a broker, to try devices and declarations out."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from beffroi.exchange.mqtt.address import BrokerAddress
from beffroi.exchange.mqtt.link import LinkSession, linked
from beffroi.exchange.outgoing import Outgoing
from beffroi.kernel.errors import InvalidInputError

_WITHIN_S: Final = 10.0
_AT_ONCE: Final = 100
_REFUSED: Final = 0x80
_TOPIC_MOST_BYTES: Final = 65_535


class FileMessage(msgspec.Struct, frozen=True):
    """A line of a file."""

    line: int
    topic: str
    payload: bytes


class RefusedMessage(msgspec.Struct, frozen=True):
    """A message that was refused, with the reason code of the protocol."""

    line: int
    topic: str
    reason: int


class Published(msgspec.Struct, frozen=True):
    """What became of messages."""

    confirmed: int
    refused: Sequence[RefusedMessage]


def read_messages(content: bytes, topic: str) -> list[FileMessage]:
    """Read a message from each line that is not empty.

    Args:
        content: Of a file.
        topic: Of all messages; empty: each line begins with its own, and a space.

    Raises:
        InvalidInputError: A line names no topic.
    """
    found = []
    for number, line in enumerate(content.splitlines(), start=1):
        told = line.strip()
        if not told:
            continue
        name, payload = topic, told
        if not topic:
            first, _, payload = told.partition(b" ")
            name = first.decode("utf-8", "replace")
            is_long = len(name.encode()) > _TOPIC_MOST_BYTES
            if not payload or is_long or any(one in name for one in '{["+#\0'):
                raise InvalidInputError("exchange.publish_line", line=number)
        found.append(FileMessage(number, name, payload.strip()))
    return found


async def published(address: BrokerAddress, messages: Sequence[FileMessage]) -> Published:
    """Publish messages in their order with QoS 1; return once all of them are answered.

    Raises:
        UnreachableError: The broker does not answer, does not want us, or ended the connection.
    """
    refused: list[RefusedMessage] = []
    async with Outgoing(allow_internal=True) as outgoing:
        link = await linked(outgoing, address, LinkSession(), _WITHIN_S)
        try:
            for start in range(0, len(messages), _AT_ONCE):
                some = messages[start : start + _AT_ONCE]
                reasons = await asyncio.gather(
                    *(link.publish(one.topic, one.payload, 1) for one in some)
                )
                refused += [
                    RefusedMessage(one.line, one.topic, reason)
                    for one, reason in zip(some, reasons, strict=True)
                    if reason >= _REFUSED
                ]
        finally:
            await link.close()
    return Published(len(messages) - len(refused), refused)
