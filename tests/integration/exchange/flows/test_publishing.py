"""Changes published to a real broker."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import aiomqtt
import pytest
from amqtt.broker import Broker  # type: ignore[import-untyped]

from tests.support.flow_process import FlowProcess, buildings
from tests.support.town_subscriptions import building, create, update
from tests.support.waiting import eventually

B1 = "urn:ngsi-ld:Building:1"
CONNECTOR = {"tls": False, "host": "localhost", "topic": "town/{code}/state", "retained": True}


class TownBroker:
    """A broker on a port of its own, and all that was published there."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.received: list[tuple[str, dict[str, Any]]] = []
        self._broker: Broker | None = None
        self._listening: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take connections, and listen to everything."""
        self._broker = Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}},
                "plugins": {
                    "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}
                },
            }
        )
        await self._broker.start()
        ready = asyncio.Event()
        self._listening = asyncio.create_task(self._listen(ready))
        await ready.wait()

    async def stop(self) -> None:
        """Cut every connection."""
        assert self._broker is not None
        assert self._listening is not None
        self._listening.cancel()
        with suppress(asyncio.CancelledError, aiomqtt.MqttError):
            await self._listening
        await self._broker.shutdown()

    async def _listen(self, ready: asyncio.Event) -> None:
        async with aiomqtt.Client("127.0.0.1", self.port) as client:
            await client.subscribe("#", qos=1)
            ready.set()
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                self.received.append((str(message.topic), json.loads(message.payload)))


@pytest.fixture
async def broker() -> AsyncIterator[TownBroker]:
    made = TownBroker()
    await made.start()
    yield made
    with suppress(AssertionError, aiomqtt.MqttError):
        await made.stop()


async def test_changes_are_published_under_their_topics_in_order(
    platform: FlowProcess, broker: TownBroker
) -> None:
    await platform.apply({"out": buildings(mqtt=CONNECTOR | {"port": broker.port})})
    await create(platform, building(level=0, name="Mairie"))
    for level in range(1, 30):
        await update(platform, B1, {"level": level})
    await eventually(lambda: len(broker.received) == 30)
    assert {topic for topic, _ in broker.received} == {f"town/{B1}/state"}
    assert [told["floors"] for _, told in broker.received] == list(range(30))
    assert broker.received[0][1]["label"] == "Mairie"
    positions = [told["position"] for _, told in broker.received]
    assert positions == sorted(positions)


async def test_a_name_makes_no_levels_of_its_own(platform: FlowProcess, broker: TownBroker) -> None:
    topic = CONNECTOR | {"port": broker.port, "topic": "town/{label}"}
    await platform.apply({"out": buildings(mqtt=topic)})
    await create(platform, building(name="a/#/+"))
    await eventually(lambda: broker.received)
    assert broker.received[0][0] == "town/a%2F%23%2F%2B"


async def test_a_broker_that_is_away_for_a_while_gets_all(
    platform: FlowProcess, broker: TownBroker
) -> None:
    await platform.apply({"out": buildings(mqtt=CONNECTOR | {"port": broker.port})})
    await create(platform, building(level=0))
    await eventually(lambda: broker.received)
    await broker.stop()
    for level in range(1, 6):
        await update(platform, B1, {"level": level})
    error = await eventually(platform.failure)
    assert error.code == "exchange.connector_away"
    await broker.start()
    await eventually(lambda: {told["floors"] for _, told in broker.received} == set(range(6)))
