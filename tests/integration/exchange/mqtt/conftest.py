"""The MQTT door on a real database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import msgspec
import pytest

from beffroi.exchange.api.askers import Askers
from beffroi.exchange.mqtt.address import BrokerAddress
from beffroi.exchange.mqtt.intake import TopicIntake
from beffroi.exchange.mqtt.limits import Limits
from beffroi.exchange.mqtt.listener import MqttDoor
from beffroi.exchange.mqtt.native import NativeTopics
from beffroi.exchange.mqtt.peers import Peers
from beffroi.exchange.mqtt.ports import Intake
from beffroi.exchange.mqtt.protocol import Version
from beffroi.exchange.service import Exchange
from beffroi.exchange.temporal.recording import Recorder
from beffroi.exchange.temporal.service import History
from beffroi.exchange.uplinks.measuring import Measuring
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.rights.model import PLATFORM, Actor, Role
from beffroi.kernel.rights.service import Rights
from beffroi.kernel.secrets import Secret
from tests.conftest import MakeDatabase


class Town(msgspec.Struct, frozen=True):
    """What the tests ask.

    Attributes:
        tokens: By account.
    """

    database: Database
    exchange: Exchange
    intake: Intake
    askers: Askers
    actor: Actor
    tokens: dict[str, str]


class OpenDoor(msgspec.Struct, frozen=True):
    """A door that listens."""

    door: MqttDoor
    port: int
    tokens: dict[str, str]

    def address(self, version: Version, account: str = "arras", token: str = "") -> BrokerAddress:
        """Return where a client of an account connects to."""
        return BrokerAddress(
            host="127.0.0.1",
            port=self.port,
            is_encrypted=False,
            user=account,
            password=Secret(token or self.tokens[account]),
            version=version,
        )


OpenADoor = Callable[..., Awaitable[OpenDoor]]


@pytest.fixture
async def town(make_database: MakeDatabase) -> AsyncIterator[Town]:
    """Accounts, and the exchange that commits what they send."""
    async with town_of(await make_database("kernel", "exchange")) as made:
        yield made


@asynccontextmanager
async def town_of(database: Database) -> AsyncIterator[Town]:
    """Make accounts, and run the exchange that commits what they send."""
    clock, rights = SystemClock(), Rights(database, SystemClock())
    tokens = {}
    for name, role in (("arras", Role.PARTNER), ("reader", Role.MEMBER)):
        account = await rights.put_account(PLATFORM, name, role, "arras")
        tokens[name] = (await rights.issue_token(account.actor, "test")).secret.reveal()
    exchange = Exchange(database, clock)
    measuring = Measuring(exchange, History(database), Recorder(database, clock), clock)
    running = asyncio.create_task(exchange.run())
    yield Town(
        database=database,
        exchange=exchange,
        intake=TopicIntake(NativeTopics(measuring)),
        askers=Askers(rights),
        actor=Actor("arras", Role.PARTNER, "arras"),
        tokens=tokens,
    )
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


@pytest.fixture
async def open_door(town: Town) -> AsyncIterator[OpenADoor]:
    """Open doors; they are closed at the end."""
    opened: list[tuple[MqttDoor, asyncio.Server, asyncio.Task[None]]] = []

    async def make(
        limits: Limits | None = None,
        intake: Intake | None = None,
        peers: Peers | None = None,
        port: int = 0,
    ) -> OpenDoor:
        door = MqttDoor(town.askers, intake or town.intake, SystemClock(), limits, peers)
        server = await door.open(("127.0.0.1",), port)
        opened.append((door, server, asyncio.create_task(door.sweep())))
        return OpenDoor(door, server.sockets[0].getsockname()[1], town.tokens)

    yield make
    for door, server, sweeping in opened:
        sweeping.cancel()
        await door.close([server])
