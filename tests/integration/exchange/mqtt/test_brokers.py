"""The town's own broker: listened to, told of changes, killed beneath."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
import pytest

from beffroi.exchange.declarations import GivenDeclarations
from beffroi.exchange.declared import ExchangeFile
from beffroi.exchange.flows.model import FlowHealth
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.database.rows import fetch_value
from beffroi.kernel.secrets import Secret
from tests.conftest import MakeDatabase
from tests.support.exchange_process import ExchangeProcess, exchange_process
from tests.support.flow_process import FlowProcess, flow_process
from tests.support.town_broker import MOSQUITTO, RunningBroker, town_broker
from tests.support.town_subscriptions import (
    NIMES,
    building,
    create,
    subscribe,
    subscription,
    update,
)
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(MOSQUITTO is None, reason="needs Mosquitto: apt install mosquitto"),
]
ROOT = Path(__file__).parents[4]
B1 = "urn:ngsi-ld:Building:1"
WATCH = "urn:ngsi-ld:Subscription:1"
LEVEL = "https://uri.etsi.org/ngsi-ld/default-context/level"


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    """A fresh database with the exchange's tables."""
    return await make_database("kernel", "exchange")


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[RunningBroker]:
    """The town's broker."""
    async with town_broker(tmp_path) as made:
        yield made


def _client(broker: RunningBroker, **more: Any) -> aiomqtt.Client:
    return aiomqtt.Client("127.0.0.1", broker.port, username="town", password="secret", **more)


async def _listen(platform: FlowProcess, broker: RunningBroker, **more: Any) -> None:
    declared = {"name": "town", "url": broker.url, "topics": ["ngsi-ld/#"], "user": "town"}
    section = {"brokers": {"town": declared | {"secret": "key"} | more}}
    await platform.parts.vault.put(NIMES, "nimes", "key", Secret("secret"))
    given = GivenDeclarations(source="town.yaml", declared=msgspec.convert(section, ExchangeFile))
    await platform.parts.declarations.apply(NIMES, given)


async def _level(platform: FlowProcess) -> Any:
    held = await platform.exchange.entity(NIMES, "", B1)
    return held.attributes[LEVEL][0].value


@pytest.mark.parametrize("more", [{}, {"version": "mqtt3.1.1"}, {"share": "group"}])
async def test_what_the_broker_brings_is_committed(
    database: Database, broker: RunningBroker, more: dict[str, str]
) -> None:
    async with flow_process(database) as platform, _client(broker) as client:
        await _listen(platform, broker, **more)

        async def brought() -> bool:
            await client.publish(f"ngsi-ld/Building/{B1}", b'{"level": 4}', qos=1)
            return (await platform.told("town", NIMES)).state.carried > 0

        await eventually(brought, within_s=10)
        await client.publish(f"ngsi-ld/Building/{B1}", b"{", qos=1)
        await eventually(lambda: platform.refused("town"), within_s=10)
        assert await _level(platform) == 4
        (refused,) = await platform.refused("town")
        assert B1 in refused.told


async def test_a_broker_that_is_away_or_refuses_is_told_and_tried_again(
    database: Database, broker: RunningBroker
) -> None:
    async with flow_process(database) as platform:
        await _listen(platform, broker, user="stranger")
        assert await eventually(lambda: _fails(platform, "exchange.broker_refuses"), within_s=10)
        await broker.stop()
        assert await eventually(lambda: _fails(platform, "exchange.no_answer"), within_s=10)
        await broker.start()
        await _listen(platform, broker)
        assert await eventually(lambda: _is_well(platform), within_s=15)


async def test_kill_9_loses_nothing_of_what_the_broker_brings(
    database: Database, broker: RunningBroker
) -> None:
    """Twice kill -9 in the middle of a stream: each level is in history."""
    async with flow_process(database, carrying=False) as writer, _client(broker) as client:
        await _listen(writer, broker)
        victim = await _started(database)
        await eventually(lambda: _subscribed(client), within_s=20)
        level = 0
        for _ in range(2):
            for _ in range(400):
                level += 1
                told = {"level": level}
                await client.publish(f"ngsi-ld/Building/{B1}", json.dumps(told), qos=1)
            os.kill(victim.pid, signal.SIGKILL)
            await victim.wait()
            for _ in range(100):
                level += 1
                told = {"level": level}
                await client.publish(f"ngsi-ld/Building/{B1}", json.dumps(told), qos=1)
            victim = await _started(database)
        await eventually(lambda: _levels(database, level), within_s=20)
        os.kill(victim.pid, signal.SIGKILL)
        await victim.wait()
        assert level == 1_000


@pytest.mark.parametrize(("version", "qos"), [("mqtt5.0", "2"), ("mqtt3.1.1", "1"), ("", "")])
async def test_subscribers_are_told_over_mqtt(
    database: Database, broker: RunningBroker, version: str, qos: str
) -> None:
    notifier = {"MQTT-Version": version, "MQTT-QoS": qos}
    endpoint = {
        "uri": f"mqtt://town:secret@127.0.0.1:{broker.port}/town/levels",
        "notifierInfo": [{"key": key, "value": value} for key, value in notifier.items() if value],
        "receiverInfo": [{"key": "desk", "value": "12"}],
    }
    async with exchange_process(database) as platform, _client(broker) as client:
        await client.subscribe("town/levels", qos=2)
        await subscribe(platform, subscription(notification={"endpoint": endpoint}))
        await create(platform, building(level=1))
        message = await asyncio.wait_for(anext(client.messages), 10)
        assert isinstance(message.payload, bytes)
        told = json.loads(message.payload)
        assert message.qos == int(qos or "0")
        assert told["metadata"]["Content-Type"] == "application/json"
        assert told["metadata"]["desk"] == "12"
        assert told["body"]["data"][0]["level"] == {"type": "Property", "value": 1}


async def test_a_broker_that_comes_back_gets_what_it_missed(
    database: Database, broker: RunningBroker
) -> None:
    endpoint = {
        "uri": f"mqtt://town:secret@127.0.0.1:{broker.port}/town/levels",
        "notifierInfo": [{"key": "MQTT-QoS", "value": "1"}],
    }
    async with exchange_process(database) as platform:
        await subscribe(platform, subscription(notification={"endpoint": endpoint}))
        await create(platform, building(level=0))
        assert await eventually(lambda: _told(platform, 1), within_s=10)
        await broker.stop()
        await update(platform, B1, {"level": 1})
        assert await eventually(lambda: _failed(platform), within_s=15)
        await broker.start()
        assert await eventually(lambda: _told(platform, 2), within_s=15)


async def test_the_platforms_own_network_is_not_told(
    database: Database, broker: RunningBroker
) -> None:
    async with flow_process(database, allow_internal=False) as platform:
        await _listen(platform, broker)
        assert await eventually(lambda: _fails(platform, "exchange.address_internal"), within_s=10)


async def _started(database: Database) -> asyncio.subprocess.Process:
    environment = {
        **os.environ,
        "DATABASE_OF_THE_TEST": database.url.reveal(),
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
    }
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.flow_process", env=environment, cwd=ROOT
    )


async def _subscribed(client: aiomqtt.Client) -> bool:
    """Ask the broker itself how many subscriptions there are beside this question."""
    await client.subscribe("$SYS/broker/subscriptions/count", qos=0)
    try:
        message = await asyncio.wait_for(anext(client.messages), 0.3)
    except TimeoutError:
        return False
    assert isinstance(message.payload, bytes)
    return int(message.payload) >= 2


async def _fails(platform: FlowProcess, code: str) -> bool:
    summary = await platform.told("town", NIMES)
    last = summary.state.last_error
    return summary.health is FlowHealth.FAILING and last is not None and last.code == code


async def _is_well(platform: FlowProcess) -> bool:
    return (await platform.told("town", NIMES)).health is not FlowHealth.FAILING


async def _levels(database: Database, count: int) -> bool:
    async with database.transaction(EVERYTHING) as connection:
        found = await fetch_value(
            connection,
            "select count(distinct value) from exchange.history where attribute = %s",
            (LEVEL,),
        )
    return bool(found == count)


async def _told(platform: ExchangeProcess, sent: int) -> bool:
    told = (await platform.subscriptions.subscription(NIMES, "", WATCH)).told
    return told.times_sent - told.times_failed >= sent


async def _failed(platform: ExchangeProcess) -> bool:
    told = (await platform.subscriptions.subscription(NIMES, "", WATCH)).told
    return told.times_failed > 0 and told.last_failure is not None
