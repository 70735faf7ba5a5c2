"""Clients that are silent, slow, wrong or too many: they harm themselves alone."""

import asyncio
import os
from pathlib import Path

import pytest

from beffroi.exchange.mqtt import writing
from beffroi.exchange.mqtt.limits import Limits
from beffroi.exchange.mqtt.link import LinkSession, linked
from beffroi.exchange.mqtt.protocol import Connect, Reason, Version
from beffroi.exchange.outgoing import Outgoing
from tests.integration.exchange.mqtt.conftest import OpenADoor, OpenDoor
from tests.support.waiting import eventually

TOPIC = "ngsi-ld/Device/urn:ngsi-ld:Device:quai-1"
IDLE = 5_000


async def _connected(
    door: OpenDoor, sent: bytes
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(sent)
    return reader, writer


def _connect(door: OpenDoor, keep_alive_s: int = 60, name: str = "bad") -> bytes:
    token = door.tokens["arras"].encode()
    return writing.connect(
        Connect(
            version=Version.V5,
            client_id=name,
            clean=True,
            keep_alive_s=keep_alive_s,
            user_name="arras",
            password=token,
        )
    )


@pytest.mark.parametrize("sent", [b"", b"\x10", b"\x10\x30\x00\x04MQ", b"GET / HTTP/1.1\r\n\r\n"])
async def test_one_who_does_not_say_who_it_is_is_sent_away(
    open_door: OpenADoor, sent: bytes
) -> None:
    door = await open_door(Limits(connect_within_s=0.2, looked_at_every_s=0.05))
    reader, writer = await _connected(door, sent)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_half_a_packet_is_not_waited_for_for_ever(open_door: OpenADoor) -> None:
    door = await open_door(Limits(packet_within_s=0.2, looked_at_every_s=0.05))
    reader, writer = await _connected(door, _connect(door) + b"\x32\x20\x00\x09ngsi")
    ended = (await asyncio.wait_for(reader.read(), 5))[-3:]
    assert ended == bytes([0xE0, 1, Reason.MALFORMED])
    writer.close()


async def test_silence_beyond_the_keep_alive_ends_the_connection(open_door: OpenADoor) -> None:
    door = await open_door(Limits(looked_at_every_s=0.05))
    reader, writer = await _connected(door, _connect(door, keep_alive_s=1))
    ended = (await asyncio.wait_for(reader.read(), 10))[-3:]
    assert ended == bytes([0xE0, 1, Reason.KEEP_ALIVE_TIMEOUT])
    writer.close()


async def test_a_message_of_256_mb_is_refused_before_it_is_there(open_door: OpenADoor) -> None:
    door = await open_door()
    before_kib = _resident_kib()
    for _ in range(20):
        reader, writer = await _connected(door, _connect(door) + b"\x32\xff\xff\xff\x7f")
        ended = (await asyncio.wait_for(reader.read(), 5))[-3:]
        assert ended == bytes([0xE0, 1, Reason.PACKET_TOO_LARGE])
        writer.close()
    assert _resident_kib() - before_kib < 20_000


async def test_thousands_of_idle_clients_leave_room_for_one_who_sends(
    open_door: OpenADoor,
) -> None:
    door = await open_door(Limits(connections_most=IDLE + 1, connect_within_s=60))
    before_kib = _resident_kib()
    greeting = _connect(door)
    writers = []
    for start in range(0, IDLE, 500):
        opened = await asyncio.gather(
            *(_connected(door, _connect(door, 0, f"i{start + n}")) for n in range(500))
        )
        writers += [writer for _, writer in opened]
        await asyncio.gather(*(reader.readexactly(4) for reader, _ in opened))
    assert len(door.door.clients()) == IDLE
    assert _resident_kib() - before_kib < IDLE * 60
    async with Outgoing(allow_internal=True) as outgoing:
        link = await linked(outgoing, door.address(Version.V5), LinkSession(), 5)
        assert await link.publish(TOPIC, b'{"temperature": 1}', 1) == 0
        reader, writer = await _connected(door, greeting)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        await link.close()
    for one in (*writers, writer):
        one.transport.abort()
    await eventually(lambda: not door.door.clients(), within_s=10)


def _resident_kib() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024
