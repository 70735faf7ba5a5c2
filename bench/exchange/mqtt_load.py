"""Load on a listener of MQTT: as many messages in flight as it lets there be, none built late.

``python -m bench.exchange.mqtt_load`` in a process of its own, so that its CPU is nobody's.
"""

import asyncio
import socket
import sys
from collections import deque
from functools import partial
from time import perf_counter
from typing import Final, cast

import msgspec

from beffroi.exchange.mqtt import writing
from beffroi.exchange.mqtt.protocol import Connect, Version

CONNECTIONS: Final = 20
IN_FLIGHT: Final = 100
DEVICES: Final = 20_000
_ACK_BYTES: Final = 4
_CONNACK_BYTES: Final = 4
_WARM_S: Final = 2.0


class MqttLoad(msgspec.Struct, frozen=True):
    """Whom to load, and with what.

    Attributes:
        topic: Where messages go; {} is the number of a device.
        round_: Makes the times of messages later than those of the round before.
    """

    port: int
    topic: str
    user: str
    password: str
    duration_s: float
    round_: int


class MqttLoaded(msgspec.Struct, frozen=True):
    """What the sender saw of the messages that were answered in the time that counts."""

    messages: int
    wall_s: float
    p50_ms: float
    p99_ms: float


class _Sender(asyncio.Protocol):
    """One connection; a device is always that of the same one, as in the world."""

    def __init__(self, load: MqttLoad, number: int) -> None:
        self._load = load
        self._number = number
        self._packet = 0
        self._sent_s: deque[float] = deque()
        self._skipped = 0
        self.ended = asyncio.get_running_loop().create_future()
        self.answered = 0
        self.taken_s: list[float] = []
        self.runs = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = Connect(
            version=Version.V3,
            client_id=f"bench-{self._number}",
            clean=True,
            keep_alive_s=60,
            user_name=self._load.user or None,
            password=self._load.password.encode() or None,
        )
        self._transport.write(writing.connect(client))

    def data_received(self, data: bytes) -> None:
        length = len(data)
        if self._skipped < _CONNACK_BYTES:
            if self._skipped == 0 and length >= _CONNACK_BYTES and data[3]:
                raise RuntimeError(f"refused: {data[3]}")
            skipped = min(length, _CONNACK_BYTES - self._skipped)
            self._skipped += skipped
            length -= skipped
            if self._skipped == _CONNACK_BYTES:
                self._send(IN_FLIGHT)
        count = (self._left + length) // _ACK_BYTES
        self._left = (self._left + length) % _ACK_BYTES
        if count:
            now = perf_counter()
            self.taken_s += [now - self._sent_s.popleft() for _ in range(count)]
            self.answered += count
            if self.runs:
                self._send(count)

    _left = 0

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(exc)

    def close(self) -> None:
        self.runs = False
        self._transport.abort()

    def _send(self, count: int) -> None:
        packets = []
        for _ in range(count):
            self._packet += 1
            at = self._packet
            device = (at * CONNECTIONS + self._number) % DEVICES
            seconds, thousandths = divmod(at, 1000)
            payload = (
                f'{{"temperature":{at % 400 / 10},"humidity":{at % 1000 / 10},'
                f'"battery":{3 + at % 10 / 10},"observedAt":"2026-11-22T{self._load.round_:02}:'
                f'{seconds // 60 % 60:02}:{seconds % 60:02}.{thousandths:03}Z"}}'
            )
            topic = self._load.topic.format(device).encode()
            number = at % 60_000 + 1
            packets.append(writing.publish(topic, payload.encode(), 1, number, Version.V3))
        self._transport.write(b"".join(packets))
        now = perf_counter()
        self._sent_s.extend([now] * count)


async def load_mqtt(load: MqttLoad) -> MqttLoaded:
    """Send for a while, after a while that does not count."""
    loop = asyncio.get_running_loop()
    senders = []
    for number in range(CONNECTIONS):
        _, sender = await loop.create_connection(
            partial(_Sender, load, number), "127.0.0.1", load.port
        )
        senders.append(sender)
    await asyncio.sleep(_WARM_S)
    sys.stdout.write("begin\n")
    sys.stdout.flush()
    before = sum(one.answered for one in senders)
    for one in senders:
        one.taken_s.clear()
    begun = perf_counter()
    await asyncio.sleep(load.duration_s)
    wall_s = perf_counter() - begun
    count = sum(one.answered for one in senders) - before
    if any(one.ended.done() for one in senders):
        raise RuntimeError("the listener ended a connection")
    sys.stdout.write("end\n")
    sys.stdout.flush()
    taken = sorted(ms for one in senders for ms in one.taken_s)
    for one in senders:
        one.close()
    return MqttLoaded(
        messages=count,
        wall_s=wall_s,
        p50_ms=round(taken[len(taken) // 2] * 1000, 2),
        p99_ms=round(taken[len(taken) * 99 // 100] * 1000, 2),
    )


if __name__ == "__main__":
    given = msgspec.json.decode(sys.argv[1], type=MqttLoad)
    seen = asyncio.run(load_mqtt(given))
    sys.stdout.write(msgspec.json.encode(seen).decode() + "\n")
