"""PostgreSQL is killed and started again while clients send: what was confirmed is there."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from beffroi.exchange.mqtt.address import BrokerAddress
from beffroi.exchange.mqtt.link import BrokerLink, LinkSession, linked
from beffroi.exchange.mqtt.listener import MqttDoor
from beffroi.exchange.mqtt.protocol import Version
from beffroi.exchange.outgoing import Outgoing, UnreachableError
from beffroi.exchange.representation.instants import written_instant
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database, fetch_tuples
from beffroi.kernel.database.migrations import migrate
from beffroi.kernel.database.pool import EVERYTHING
from tests.integration.exchange.mqtt.conftest import OpenDoor, Town, town_of
from tests.support.postgres import PostgresServer
from tests.support.waiting import eventually, scaled

TEMPERATURE: Final = "https://uri.etsi.org/ngsi-ld/default-context/temperature"
CLIENTS: Final = 4
MESSAGES: Final = 400
WINDOW: Final = 20
BEGUN: Final = datetime(2026, 11, 22, tzinfo=UTC)


class _Sensor:
    """A client that sends what was not confirmed again, in its order."""

    def __init__(self, address: BrokerAddress, number: int) -> None:
        self.id = f"urn:ngsi-ld:Device:{number}"
        self._address = address
        self._number = number
        self.confirmed: set[int] = set()
        self.sent_again: set[int] = set()

    async def run(self) -> None:
        """Send until everything is confirmed."""
        async with Outgoing(allow_internal=True) as outgoing:
            while len(self.confirmed) < MESSAGES:
                try:
                    await self._send(outgoing)
                except UnreachableError:
                    await asyncio.sleep(0.05)

    async def _send(self, outgoing: Outgoing) -> None:
        session = LinkSession(client_id=f"sensor-{self._number}")
        link = await linked(outgoing, self._address, session, scaled(5))
        try:
            left = [one for one in range(MESSAGES) if one not in self.confirmed]
            for start in range(0, len(left), WINDOW):
                window = left[start : start + WINDOW]
                self.sent_again.update(window)
                answers = await asyncio.gather(
                    *(self._publish(link, one) for one in window), return_exceptions=True
                )
                for answer in answers:
                    if isinstance(answer, BaseException):
                        raise answer
                self.sent_again.difference_update(window)
        finally:
            await link.close()

    async def _publish(self, link: BrokerLink, number: int) -> None:
        at = written_instant(BEGUN + timedelta(seconds=number))
        told = f'{{"temperature": {number}, "observedAt": "{at}"}}'.encode()
        assert await link.publish(f"ngsi-ld/Device/{self.id}", told, 1) == 0
        self.confirmed.add(number)


async def test_what_was_confirmed_survives_and_clients_go_on(postgres: PostgresServer) -> None:
    database = Database(await postgres.create_database("town"))
    await database.open()
    await migrate(database, ("kernel", "exchange"))
    async with town_of(database) as town:
        door = MqttDoor(town.askers, town.intake, SystemClock())
        server = await door.open(("127.0.0.1",), 0)
        opened = OpenDoor(door, server.sockets[0].getsockname()[1], town.tokens)
        sensors = [_Sensor(opened.address(Version.V5), number) for number in range(CLIENTS)]
        sending = asyncio.gather(*(one.run() for one in sensors))
        await eventually(lambda: sum(len(one.confirmed) for one in sensors) > MESSAGES)
        await postgres.kill()
        confirmed = {one.id: set(one.confirmed) for one in sensors}
        assert all(0 < len(one) < MESSAGES for one in confirmed.values())
        await postgres.start()
        held = await _history(town)
        assert all(confirmed[one.id] <= set(held[one.id]) for one in sensors)
        await asyncio.wait_for(sending, scaled(30))
        held = await _history(town)
        for one in sensors:
            latest = await town.exchange.entity(town.actor, "", one.id)
            assert [one.value for one in latest.attributes[TEMPERATURE]] == [MESSAGES - 1]
            assert sorted(held[one.id]) == list(range(MESSAGES))
        await door.close([server])
    await database.close()


async def _history(town: Town) -> dict[str, list[int]]:
    async with town.database.transaction(EVERYTHING) as connection:
        rows = await fetch_tuples(
            connection,
            "select entity, value from exchange.history where attribute = %s",
            (TEMPERATURE,),
        )
    found: dict[str, list[int]] = {}
    for entity, value in rows:
        found.setdefault(entity, []).append(int(value))
    return found
