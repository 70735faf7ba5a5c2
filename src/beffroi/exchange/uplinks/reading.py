"""Reading messages of one uplink as far as that takes no other process."""

import binascii
from collections.abc import Mapping
from pathlib import PurePosixPath

from msgspec import UNSET

from beffroi.exchange.errors import ExchangeError
from beffroi.exchange.representation.json_reading import read_json
from beffroi.exchange.uplinks.codecs.byte_map import ByteMap
from beffroi.exchange.uplinks.codecs.cayenne import read_lpp
from beffroi.exchange.uplinks.declared import CodecKind, Encoding, Uplink
from beffroi.exchange.uplinks.lorawan import read_event, usual_topic
from beffroi.exchange.uplinks.message import Ignored, Reading, Undecoded, UplinkMessage
from beffroi.exchange.uplinks.topics import TopicPattern
from beffroi.exchange.uplinks.wrong import as_wrong, wrong_message

PAYLOAD_MOST = 1024 * 1024
"""Bytes of a message that are read."""


def topic_of(uplink: Uplink) -> TopicPattern | None:
    """Return the topic of an uplink's messages; nothing where it is none."""
    if uplink.topic or uplink.lorawan is UNSET:
        return TopicPattern.of(uplink.topic)
    return TopicPattern.of(usual_topic(uplink.lorawan))


def codec_text(uplink: Uplink, files: Mapping[str, bytes]) -> str:
    """Return the vendor's JavaScript of an uplink; empty where it has none."""
    if uplink.codec is UNSET or uplink.codec.file is UNSET:
        return ""
    name = uplink.codec.file
    found = files.get(name, files.get(PurePosixPath(name).name, b""))
    return found.decode("utf-8", "replace")


class UplinkReader:
    """Reads the messages of one uplink."""

    def __init__(self, uplink: Uplink) -> None:
        self._uplink = uplink
        self._kind = uplink.codec_kind
        codec = uplink.codec
        self._encoding = Encoding.RAW if codec is UNSET else codec.encoding
        self._bytes = ByteMap(() if codec is UNSET else codec.fields)

    def read(self, message: UplinkMessage, named: Mapping[str, str]) -> Reading | Ignored:
        """Read a message; a codec of JavaScript is left to be run.

        Args:
            message: As it came.
            named: The named levels of its topic.

        Raises:
            WrongMessageError: It cannot be read.
        """
        if len(message.payload) > PAYLOAD_MOST:
            raise wrong_message(
                "exchange.uplink_too_large", length=len(message.payload), most=PAYLOAD_MOST
            )
        try:
            if self._uplink.lorawan is not UNSET:
                event = named.get("event", "")
                found = read_event(self._uplink.lorawan, message, event)
                return found if isinstance(found, Ignored) else self._lorawan(found, named)
            return self._plain(message, named)
        except ExchangeError as error:
            raise as_wrong(error) from error

    def _lorawan(self, reading: Reading, named: Mapping[str, str]) -> Reading:
        # Beside the levels of its topic, a device of LoRaWAN has a name that is known anyway.
        reading.told["topic"] = {**named, "device": reading.device}
        if reading.undecoded is not None:
            if self._kind is CodecKind.NETWORK:
                raise wrong_message("exchange.uplink_not_decoded", port=reading.undecoded.port)
            self._decode(reading)
        return reading

    def _plain(self, message: UplinkMessage, named: Mapping[str, str]) -> Reading:
        told = {"topic": named}
        device = named.get("device", "")
        if self._kind is CodecKind.JSON:
            told = {"object": read_json(message.payload), "topic": named}
            return Reading(device=device, at=message.at, told=told)
        undecoded = Undecoded(self._payload(message.payload), 0, message.at)
        reading = Reading(device=device, at=message.at, told=told, undecoded=undecoded)
        self._decode(reading)
        return reading

    def _decode(self, reading: Reading) -> None:
        asked = reading.undecoded
        if asked is None or self._kind is CodecKind.JAVASCRIPT:
            return
        if self._kind is CodecKind.BYTES:
            reading.told["object"] = self._bytes.read(asked.payload, asked.port)
        elif self._kind is CodecKind.CAYENNE_LPP:
            reading.told["object"] = read_lpp(asked.payload)
        else:
            reading.told["object"] = read_json(asked.payload)
        reading.undecoded = None

    def _payload(self, sent: bytes) -> bytes:
        try:
            if self._encoding is Encoding.HEX:
                return binascii.unhexlify(sent.strip())
            if self._encoding is Encoding.BASE64:
                return binascii.a2b_base64(sent.strip(), strict_mode=True)
        except (binascii.Error, ValueError) as error:
            told = excerpt_of(sent, 60)
            if self._encoding is Encoding.HEX:
                raise wrong_message("exchange.uplink_not_hex", found=told) from error
            raise wrong_message("exchange.uplink_not_base64", found=told) from error
        return sent


def excerpt_of(payload: bytes, length: int = 300) -> str:
    """Show a payload to people: as text where it is one, else in hexadecimal digits."""
    part = payload[:length]
    try:
        text = part.decode()
    except UnicodeDecodeError:
        return part[: length // 2].hex()
    return text if text.isprintable() or "\n" in text else part[: length // 2].hex()
