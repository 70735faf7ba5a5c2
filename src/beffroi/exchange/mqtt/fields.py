"""Fields of packets, one after another.

Source: OASIS MQTT 5.0, chapters 1.5 and 2.2.2.
"""

from typing import Any

from beffroi.exchange.mqtt.protocol import PROPERTIES, REPEATED, Form, Properties, Reason


class BrokenPacketError(Exception):
    """What a peer sent is no packet, or not one that may come; the connection ends with it."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.name)
        self.reason = reason


class Fields:
    """Reads the fields of one packet.

    Args:
        content: The packet after its fixed header.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    @property
    def left(self) -> int:
        """How many bytes are still to be read."""
        return len(self._content) - self._at

    def take(self, count: int) -> bytes:
        """Read bytes."""
        end = self._at + count
        if end > len(self._content):
            raise BrokenPacketError(Reason.MALFORMED)
        taken = self._content[self._at : end]
        self._at = end
        return taken

    def number(self, count: int) -> int:
        """Read a number of some bytes, the highest first."""
        return int.from_bytes(self.take(count), "big")

    def packet(self) -> int:
        """Read the number of a packet, which is never 0."""
        number = self.number(2)
        if number == 0:
            raise BrokenPacketError(Reason.PROTOCOL_ERROR)
        return number

    def variable(self) -> int:
        """Read a number of one to four bytes, the lowest first (1.5.5)."""
        value = 0
        for place in range(4):
            byte = self.number(1)
            value |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                return value
        raise BrokenPacketError(Reason.MALFORMED)

    def binary(self) -> bytes:
        """Read bytes with their count before them."""
        return self.take(self.number(2))

    def text(self) -> str:
        """Read UTF-8 with its length before it (1.5.4)."""
        return read_text(self.binary())

    def properties(self, place: int) -> Properties:
        """Read properties with their length before them.

        Args:
            place: In which packet they stand.
        """
        inner = Fields(self.take(self.variable()))
        found: Properties = {}
        while inner.left:
            identifier = inner.variable()
            form, places = PROPERTIES.get(identifier, (None, ()))
            if form is None or place not in places:
                raise BrokenPacketError(Reason.MALFORMED)
            value = inner.value(form)
            if identifier in REPEATED:
                found.setdefault(identifier, []).append(value)
            elif identifier in found:
                raise BrokenPacketError(Reason.PROTOCOL_ERROR)
            else:
                found[identifier] = value
        return found

    def value(self, form: Form) -> Any:  # noqa: ANN401 - as many kinds as there are forms
        """Read the value of a property."""
        if form is Form.TEXT:
            return self.text()
        if form is Form.PAIR:
            return (self.text(), self.text())
        if form is Form.BINARY:
            return self.binary()
        if form is Form.VARIABLE:
            return self.variable()
        return self.number({Form.BYTE: 1, Form.TWO_BYTES: 2, Form.FOUR_BYTES: 4}[form])


def read_text(content: bytes) -> str:
    """Read UTF-8 that has no null character, nor half of a surrogate pair."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise BrokenPacketError(Reason.MALFORMED) from None
    if "\0" in text:
        raise BrokenPacketError(Reason.MALFORMED)
    return text


def read_topic(content: bytes) -> str:
    """Read the name of a topic (4.7.1): at least one character, and no wildcard."""
    topic = read_text(content)
    if not topic or "+" in topic or "#" in topic:
        raise BrokenPacketError(Reason.TOPIC_INVALID)
    return topic
