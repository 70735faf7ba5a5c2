"""Several processes listen for MQTT: each takes messages, and a name has one connection."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

from beffroi.exchange.mqtt.limits import Limits
from beffroi.exchange.mqtt.link import BrokerLink, LinkSession, linked
from beffroi.exchange.mqtt.peers import Peers
from beffroi.exchange.mqtt.protocol import Version
from beffroi.exchange.mqtt.seen import seen_accounts
from beffroi.exchange.outgoing import Outgoing
from beffroi.exchange.uplinks.message import UplinkMessage
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.errors import BeffroiError
from beffroi.kernel.rights.model import Actor
from tests.integration.exchange.mqtt.conftest import OpenADoor, OpenDoor, Town
from tests.support.waiting import eventually

OFTEN = Limits(looked_at_every_s=0.05)
NAME = "quai-1"


class _Clients:
    """Clients that are closed at the end."""

    def __init__(self, undo: AsyncExitStack) -> None:
        self._undo = undo

    async def come(self, door: OpenDoor, name: str) -> BrokerLink:
        outgoing = await self._undo.enter_async_context(Outgoing(allow_internal=True))
        session = LinkSession(client_id=name)
        link = await linked(outgoing, door.address(Version.V5), session, 5)
        self._undo.push_async_callback(link.close)
        return link


async def _pair(town: Town, open_door: OpenADoor, *, one_port: bool) -> tuple[OpenDoor, OpenDoor]:
    """Open two doors as two processes do."""
    first, second = (Peers(town.database, SystemClock(), told_every_s=0.05) for _ in range(2))
    opened = await open_door(OFTEN, peers=first)
    port = opened.port if one_port else 0
    return opened, await open_door(OFTEN, peers=second, port=port)


class _HeldIntake:
    """Takes messages once it is let go."""

    def __init__(self) -> None:
        self.came, self.let_go = asyncio.Event(), asyncio.Event()

    async def received(
        self, _: Actor, messages: Sequence[UplinkMessage]
    ) -> Sequence[BeffroiError | None]:
        self.came.set()
        await self.let_go.wait()
        return [None] * len(messages)


def _names(door: OpenDoor) -> set[str]:
    return {one.client_id for one in door.door.clients()}


async def test_processes_that_listen_at_one_port_share_the_clients(
    town: Town, open_door: OpenADoor
) -> None:
    doors = await _pair(town, open_door, one_port=True)
    async with AsyncExitStack() as undo:
        clients = _Clients(undo)
        links = [await clients.come(doors[0], f"c{number}") for number in range(24)]
        shares = [_names(one) for one in doors]
        assert all(shares)
        assert shares[0].isdisjoint(shares[1])
        assert len(shares[0] | shares[1]) == len(links)
        for number, link in enumerate(links):
            topic = f"ngsi-ld/Device/urn:ngsi-ld:Device:{number}"
            assert await link.publish(topic, b'{"temperature": 1}', 1) == 0
            await town.exchange.entity(town.actor, "", f"urn:ngsi-ld:Device:{number}")


async def test_whoever_comes_last_has_the_name_in_whichever_process(
    town: Town, open_door: OpenADoor
) -> None:
    first, second = await _pair(town, open_door, one_port=False)
    async with AsyncExitStack() as undo:
        clients = _Clients(undo)
        for here, there in ((first, second), (second, first)) * 2:
            link = await clients.come(here, NAME)
            assert await eventually(lambda: NAME not in _names(there), within_s=5)  # noqa: B023
            assert _names(here) == {NAME}
            assert await link.publish(f"ngsi-ld/Device/urn:{NAME}", b'{"a": 1}', 1) == 0


async def test_of_clients_that_come_at_once_one_stays(town: Town, open_door: OpenADoor) -> None:
    doors = await _pair(town, open_door, one_port=False)
    async with AsyncExitStack() as undo:
        clients = _Clients(undo)
        await asyncio.gather(*(clients.come(one, NAME) for one in doors))
        assert await eventually(lambda: sum(NAME in _names(one) for one in doors) == 1, within_s=5)
        later = [one.door for one in doors if NAME in _names(one)]
        await asyncio.sleep(0.3)
        assert [one.door for one in doors if NAME in _names(one)] == later


async def test_of_two_that_come_while_an_earlier_one_ends_one_stays(open_door: OpenADoor) -> None:
    intake = _HeldIntake()
    opened = await open_door(OFTEN, intake)
    async with AsyncExitStack() as undo:
        clients = _Clients(undo)
        earlier = await clients.come(opened, NAME)
        sent = asyncio.create_task(earlier.publish("a/b", b"1", 1))
        await intake.came.wait()
        coming = [asyncio.create_task(clients.come(opened, NAME)) for _ in range(2)]
        await asyncio.sleep(0.3)
        intake.let_go.set()
        came = await asyncio.gather(*coming, sent, return_exceptions=True)
        assert sum(isinstance(one, BrokerLink) for one in came) == 1
        assert [one.client_id for one in opened.door.clients()] == [NAME]


async def test_the_clients_of_all_processes_are_seen_from_each(
    town: Town, open_door: OpenADoor
) -> None:
    first, second = await _pair(town, open_door, one_port=False)
    async with AsyncExitStack() as undo:
        clients = _Clients(undo)
        for door, name in ((first, "a"), (second, "b"), (second, "c")):
            link = await clients.come(door, name)
            await link.publish(f"ngsi-ld/Device/urn:d:{name}", b'{"temperature": 1}', 1)

        async def is_seen(door: OpenDoor) -> bool:
            (seen,) = seen_accounts(await door.door.accounts(), town.actor)
            return (seen.account, seen.clients, seen.messages) == ("arras", 3, 3)

        assert await eventually(lambda: is_seen(first), within_s=5)
        assert await eventually(lambda: is_seen(second), within_s=5)
