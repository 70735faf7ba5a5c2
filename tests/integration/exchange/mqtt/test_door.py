"""Clients at the MQTT door: those of others, and our own."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiomqtt
import pytest
from paho.mqtt.reasoncodes import ReasonCode

from beffroi.exchange.mqtt import writing
from beffroi.exchange.mqtt.limits import Limits
from beffroi.exchange.mqtt.link import BrokerLink, LinkSession, linked
from beffroi.exchange.mqtt.ports import Fate
from beffroi.exchange.mqtt.protocol import Connect, Property, Reason, Version
from beffroi.exchange.outgoing import Outgoing, UnreachableError
from beffroi.exchange.uplinks.message import UplinkMessage
from beffroi.kernel.errors import UnavailableError
from beffroi.kernel.rights.model import Actor
from tests.integration.exchange.mqtt.conftest import OpenADoor, OpenDoor, Town
from tests.support.waiting import eventually

VERSIONS = [aiomqtt.ProtocolVersion.V311, aiomqtt.ProtocolVersion.V5]
DEVICE = "urn:ngsi-ld:Device:quai-1"
TOPIC = f"ngsi-ld/Device/{DEVICE}"
TEMPERATURE = "https://uri.etsi.org/ngsi-ld/default-context/temperature"


def _client(door: OpenDoor, version: aiomqtt.ProtocolVersion, name: str = "") -> aiomqtt.Client:
    return aiomqtt.Client(
        "127.0.0.1",
        door.port,
        username="arras",
        password=door.tokens["arras"],
        protocol=version,
        identifier=name or None,
    )


@asynccontextmanager
async def _link(door: OpenDoor, version: Version, name: str = "") -> AsyncIterator[BrokerLink]:
    async with Outgoing(allow_internal=True) as outgoing:
        session = LinkSession(client_id=name)
        link = await linked(outgoing, door.address(version), session, 5)
        try:
            yield link
        finally:
            await link.close()


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_is_confirmed_is_committed(
    town: Town, open_door: OpenADoor, version: aiomqtt.ProtocolVersion
) -> None:
    async with _client(await open_door(), version) as client:
        await client.publish(TOPIC, b'{"temperature": 19.5}', qos=1, timeout=5)
        held = await town.exchange.entity(town.actor, "", DEVICE)
        assert held.attributes[TEMPERATURE][0].value == 19.5
        await client.publish(f"tenants/metro/{TOPIC}", b'{"temperature": 3}', qos=1, timeout=5)
        held = await town.exchange.entity(town.actor, "metro", DEVICE)
        assert held.attributes[TEMPERATURE][0].value == 3


@pytest.mark.parametrize("version", Version)
async def test_hundreds_in_flight_are_answered_in_their_order(
    town: Town, open_door: OpenADoor, version: Version
) -> None:
    async with _link(await open_door(), version) as link:
        answered: list[int] = []

        async def send(number: int) -> None:
            told = f'{{"temperature": {number}}}'.encode()
            assert await link.publish(TOPIC, told, 1) == 0
            answered.append(number)

        await asyncio.gather(*(send(number) for number in range(600)))
    assert answered == list(range(600))
    held = await town.exchange.entity(town.actor, "", DEVICE)
    assert held.attributes[TEMPERATURE][0].value == 599


async def test_what_is_refused_is_told_why(open_door: OpenADoor) -> None:
    async with _link(await open_door(), Version.V5) as link:
        sent = {
            (TOPIC, b'{"temperature": '): Reason.PAYLOAD_INVALID,
            (TOPIC, b'{"temperature": NaN}'): Reason.PAYLOAD_INVALID,
            (TOPIC, b'{"location": 3}'): Reason.PAYLOAD_INVALID,
            (TOPIC, b'{"temperature": 1, "observedAt": "yesterday"}'): Reason.PAYLOAD_INVALID,
            ("ngsi-ld/Device", b"{}"): Reason.PAYLOAD_INVALID,
            ("sensors/1/up", b"{}"): Reason.TOPIC_INVALID,
            (TOPIC, b'{"temperature": 1}'): Reason.SUCCESS,
        }
        for (topic, payload), reason in sent.items():
            assert await link.publish(topic, payload, 1) == reason, payload


async def test_measures_that_come_late_change_history_alone(
    town: Town, open_door: OpenADoor
) -> None:
    async with _link(await open_door(), Version.V5) as link:
        for hour, value in ((10, 20.0), (8, 18.0)):
            told = f'{{"temperature":{value},"observedAt":"2026-11-22T{hour:02}:00:00Z"}}'
            assert await link.publish(TOPIC, told.encode(), 1) == 0
    held = await town.exchange.entity(town.actor, "", DEVICE)
    assert held.attributes[TEMPERATURE][0].value == 20.0


@pytest.mark.parametrize(
    ("account", "token", "v3", "v5"),
    [
        ("arras", "wrong", 4, Reason.BAD_CREDENTIALS),
        ("reader", "", 5, Reason.NOT_AUTHORIZED),
        ("arras", "of the reader", 4, Reason.BAD_CREDENTIALS),
    ],
)
async def test_who_may_not_send_is_told(
    open_door: OpenADoor, account: str, token: str, v3: int, v5: Reason
) -> None:
    door = await open_door()
    given = door.tokens["reader"] if token == "of the reader" else token
    async with Outgoing(allow_internal=True) as outgoing:
        for version, reason in ((Version.V3, v3), (Version.V5, v5)):
            with pytest.raises(UnreachableError) as refused:
                await linked(outgoing, door.address(version, account, given), LinkSession(), 5)
            assert refused.value.values["reason"] == f"0x{reason:02x}"


async def test_quality_of_service_2_is_not_offered(open_door: OpenADoor) -> None:
    door = await open_door()
    for version in (Version.V3, Version.V5):
        reader, writer = await _greeted(door, version)
        writer.write(writing.publish(TOPIC.encode(), b"{}", 2, 1, version))
        left = await asyncio.wait_for(reader.read(), 5)
        ended = bytes([0xE0, 1, Reason.QOS_NOT_SUPPORTED])
        assert left == (ended if version is Version.V5 else b"")
        writer.close()


@pytest.mark.parametrize("version", VERSIONS)
async def test_nobody_can_subscribe(open_door: OpenADoor, version: aiomqtt.ProtocolVersion) -> None:
    async with _client(await open_door(), version) as client:
        (granted,) = await client.subscribe("#", timeout=5)
        code = granted.value if isinstance(granted, ReasonCode) else granted
        assert code >= 0x80


async def test_a_client_that_comes_again_takes_the_place_of_its_former_self(
    open_door: OpenADoor,
) -> None:
    door = await open_door()
    reader, writer = await _greeted(door, Version.V5, "quai-1")
    async with _link(door, Version.V5, "quai-1") as link:
        left = await asyncio.wait_for(reader.read(), 5)
        assert left == bytes([0xE0, 1, Reason.TAKEN_OVER])
        assert await link.publish(TOPIC, b'{"temperature": 1}', 1) == 0
        assert [one.client_id for one in door.door.clients()] == ["quai-1"]
    writer.close()


async def test_what_cannot_be_committed_is_not_confirmed(open_door: OpenADoor) -> None:
    door = await open_door(intake=_Failing(after=2))
    reader, writer = await _greeted(door, Version.V5)
    writer.write(
        b"".join(writing.publish(b"a", b"x", 1, number, Version.V5) for number in range(1, 5))
    )
    left = await asyncio.wait_for(reader.read(), 5)
    assert left == b"\x40\x02\x00\x01\x40\x02\x00\x02" + bytes([0xE0, 1, Reason.BUSY])
    writer.close()


async def test_more_in_flight_than_was_agreed_ends_the_connection(open_door: OpenADoor) -> None:
    door = await open_door(Limits(in_flight_most=10), _Stuck())
    reader, writer = await _greeted(door, Version.V5)
    writer.write(
        b"".join(writing.publish(b"a", b"x", 1, number, Version.V5) for number in range(1, 13))
    )
    left = await asyncio.wait_for(reader.read(), 5)
    assert left == bytes([0xE0, 1, Reason.RECEIVE_MAXIMUM_EXCEEDED])
    writer.close()


async def test_no_more_is_read_than_there_is_room_for(open_door: OpenADoor) -> None:
    stuck = _Stuck()
    door = await open_door(Limits(held_most_bytes=100_000, all_held_most_bytes=200_000), stuck)
    _, writer = await _greeted(door, Version.V3)
    sent = writing.publish(b"a", b"x" * 10_000, 0, 0, Version.V3)
    for _ in range(3_000):
        writer.write(sent)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(writer.drain(), 0.5)
    stuck.free.set()
    await asyncio.wait_for(writer.drain(), 10)
    await eventually(lambda: stuck.taken == 3_000, within_s=10)
    assert stuck.most_at_once < 100
    writer.close()


async def _greeted(
    door: OpenDoor, version: Version, name: str = "raw"
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect a client that says what it likes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    client = Connect(
        version=version,
        client_id=name,
        clean=True,
        keep_alive_s=0,
        user_name="arras",
        password=door.tokens["arras"].encode(),
        properties={Property.SESSION_EXPIRY: 60} if version is Version.V5 else {},
    )
    writer.write(writing.connect(client))
    head = await asyncio.wait_for(reader.readexactly(2), 5)
    assert (await reader.readexactly(head[1]))[:2] == b"\x00\x00"
    return reader, writer


class _Failing:
    """Commits some messages of each batch, and of the others nobody knows."""

    def __init__(self, after: int) -> None:
        self._after = after

    async def received(self, _: Actor, messages: Sequence[UplinkMessage]) -> Sequence[Fate]:
        error = UnavailableError("kernel.database_unreachable")
        return [None if place < self._after else error for place, _ in enumerate(messages)]


class _Stuck:
    """Commits nothing until it is let."""

    def __init__(self) -> None:
        self.free = asyncio.Event()
        self.taken = self.most_at_once = 0

    async def received(self, _: Actor, messages: Sequence[UplinkMessage]) -> Sequence[Fate]:
        await self.free.wait()
        self.taken += len(messages)
        self.most_at_once = max(self.most_at_once, len(messages))
        return [None] * len(messages)
