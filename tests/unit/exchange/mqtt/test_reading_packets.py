"""Packets, however they are cut and whatever they hold."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from beffroi.exchange.mqtt import writing
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
    Subscribing,
    Version,
)
from beffroi.exchange.mqtt.reading import FIRST_MOST_BYTES, PacketReader

MOST = 262_144
VERSIONS = st.sampled_from(Version)
NUMBERS = st.integers(1, 65_535)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
TOPICS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0+#"), min_size=1, max_size=40
)


def _connect(version: Version, **more: Any) -> Connect:
    given = {"client_id": "sensor-1", "clean": True, "keep_alive_s": 60, **more}
    return Connect(version=version, **given)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Version, list[Packet], bytes]:
    """What a client says: packets, and how they are written."""
    version = draw(VERSIONS)
    first = _connect(
        version,
        client_id=draw(TEXTS),
        keep_alive_s=draw(st.integers(0, 65_535)),
        user_name=draw(TEXTS),
        password=draw(st.binary(max_size=40)),
        properties={Property.USER: [("a", draw(TEXTS))]} if version is Version.V5 else {},
    )
    packets: list[Packet] = [first]
    written = [writing.connect(first)]
    for _ in range(draw(st.integers(0, 6))):
        number, kind = draw(NUMBERS), draw(st.integers(0, 3))
        if kind == 0:
            topic, payload = draw(TOPICS), draw(st.binary(max_size=300))
            qos = draw(st.integers(0, 2))
            packets.append(Publish(topic, payload, qos, number if qos else 0))
            written.append(writing.publish(topic.encode(), payload, qos, number, version))
        elif kind == 1:
            filters = draw(st.lists(TOPICS, min_size=1, max_size=3))
            packets.append(Subscribing(Kind.SUBSCRIBE, number, len(filters)))
            written.append(writing.subscribe(number, filters, 1, version))
        elif kind == 2:
            packets.append(Answered(Kind.PUBREL, number))
            written.append(writing.answer(Kind.PUBREL, number))
        else:
            packets.append(Signal(Kind.PINGREQ))
            written.append(writing.PING)
    return version, packets, b"".join(written)


def _read_in_parts(content: bytes, cuts: Sequence[int]) -> tuple[list[Packet], Reason | None]:
    reader, found = PacketReader(MOST), []
    places = [0, *sorted(min(one, len(content)) for one in cuts), len(content)]
    for start, stop in pairwise(places):
        found += reader.packets(content[start:stop])
    return found, reader.broken


@given(conversations(), st.lists(st.integers(0, 2_000), max_size=8))
def test_what_is_written_is_read_wherever_it_is_cut(
    said: tuple[Version, list[Packet], bytes], cuts: list[int]
) -> None:
    _, packets, written = said
    assert _read_in_parts(written, cuts) == (packets, None)
    assert _read_in_parts(written, range(len(written))) == (packets, None)


@given(conversations(), st.data())
def test_a_changed_byte_is_told_alike_wherever_it_is_cut(
    said: tuple[Version, list[Packet], bytes], data: st.DataObject
) -> None:
    changed = bytearray(said[2])
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    whole = _read_in_parts(bytes(changed), [])
    assert _read_in_parts(bytes(changed), range(len(changed))) == whole


@given(st.binary(max_size=200), VERSIONS)
@example(b"\x30\x00", Version.V5)
@example(b"\x10\xff\xff\xff\xff\x01", Version.V5)
@example(b"\x90\x01\x00", Version.V3)
def test_nothing_makes_the_reader_raise(content: bytes, version: Version) -> None:
    after_connect = PacketReader(MOST)
    after_connect.packets(writing.connect(_connect(version)))
    for one in (PacketReader(MOST), PacketReader(MOST, version), after_connect):
        one.packets(content)
        one.packets(content)
        assert one.unfinished <= 2 * len(content)


@pytest.mark.parametrize("version", Version)
def test_a_packet_too_large_is_refused_at_its_header(version: Version) -> None:
    reader = PacketReader(MOST)
    assert reader.packets(writing.connect(_connect(version)))
    assert reader.packets(b"\x32\xff\xff\xff\x7f") == []
    assert reader.broken is Reason.PACKET_TOO_LARGE
    assert reader.unfinished == 0


def test_one_who_is_not_known_yet_may_send_little() -> None:
    reader = PacketReader(MOST)
    reader.packets(b"\x10\xff\xff\x01")
    assert reader.broken is Reason.PACKET_TOO_LARGE
    assert FIRST_MOST_BYTES < MOST


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (writing.PING, Reason.PROTOCOL_ERROR),
        (b"\x10\x0c\x00\x06MQIsdp\x03\x02\x00\x3c", Reason.VERSION_UNSUPPORTED),
        (b"\x10\x0c\x00\x04MQTT\x04\x03\x00\x3c\x00\x00", Reason.MALFORMED),
        (b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01\xff", Reason.MALFORMED),
        (b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01\x00", Reason.MALFORMED),
    ],
    ids=["no CONNECT", "MQTT 3.1", "reserved flag", "not UTF-8", "null character"],
)
def test_a_wrong_beginning_is_told(sent: bytes, reason: Reason) -> None:
    reader = PacketReader(MOST)
    assert reader.packets(sent) == []
    assert reader.broken is reason


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (writing.connect(_connect(Version.V5)), Reason.PROTOCOL_ERROR),
        (b"\x32\x03\x00\x05a", Reason.MALFORMED),
        (b"\x36\x06\x00\x01a\x00\x01\x00", Reason.MALFORMED),
        (b"\x32\x06\x00\x01a\x00\x00\x00", Reason.PROTOCOL_ERROR),
        (b"\x32\x06\x00\x01#\x00\x01\x00", Reason.TOPIC_INVALID),
        (b"\x32\x07\x00\x02\xed\xa0\x00\x01\x00", Reason.MALFORMED),
        (b"\x32\x09\x00\x01a\x00\x01\x03\x23\x00\x01", Reason.TOPIC_ALIAS_INVALID),
        (b"\x32\x09\x00\x01a\x00\x01\x03\x11\x00\x01", Reason.MALFORMED),
        (b"\x82\x03\x00\x01\x00", Reason.PROTOCOL_ERROR),
        (b"\xc0\x01\x00", Reason.MALFORMED),
        (b"\x20\x02\x00\x00", Reason.PROTOCOL_ERROR),
        (b"\x80\x02\x00\x01", Reason.MALFORMED),
    ],
    ids=[
        *("CONNECT twice", "topic longer than the packet", "QoS 3", "packet 0", "wildcard"),
        *("half a surrogate", "topic alias", "property of another packet", "no filter"),
        *("PINGREQ with content", "packet of a server", "wrong flags"),
    ],
)
def test_a_wrong_packet_is_told_after_those_before_it(sent: bytes, reason: Reason) -> None:
    reader = PacketReader(MOST)
    reader.packets(writing.connect(_connect(Version.V5)))
    assert reader.packets(writing.PING + sent + writing.PING) == [Signal(Kind.PINGREQ)]
    assert reader.broken is reason
    assert reader.packets(writing.PING) == []


@given(VERSIONS, NUMBERS, st.lists(st.sampled_from([0, 1, 0x80, 0x87]), min_size=1, max_size=4))
def test_a_client_reads_what_a_server_writes(
    version: Version, number: int, reasons: list[int]
) -> None:
    reader = PacketReader(MOST, version)
    told: Properties = {Property.RECEIVE_MAXIMUM: 7, Property.MAXIMUM_QOS: 1}
    written = (
        writing.connack(version, 0, told)
        + writing.answer(Kind.PUBACK, number, 0x99 if version is Version.V5 else 0)
        + writing.suback(Kind.SUBACK, number, reasons, version)
        + writing.PONG
    )
    is_v5 = version is Version.V5
    assert reader.packets(written) == [
        Accepted(0, properties=told if is_v5 else {}),
        Answered(Kind.PUBACK, number, 0x99 if is_v5 else 0),
        Subscribed(Kind.SUBACK, number, tuple(reasons)),
        Signal(Kind.PINGRESP),
    ]


@given(st.lists(st.integers(1, 65_535), max_size=50))
def test_confirmations_written_at_once_are_those_written_one_by_one(packets: list[int]) -> None:
    one_by_one = b"".join(writing.answer(Kind.PUBACK, one) for one in packets)
    assert writing.pubacks(packets) == one_by_one
