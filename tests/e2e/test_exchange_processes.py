"""Several processes answer the exchange's door, and one of them may die."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from beffroi.app.exchange_engine import door_sockets
from beffroi.app.ownership import read_control
from beffroi.app.running import OPERATOR
from beffroi.exchange.contexts.resolving import CORE_URL
from beffroi.exchange.mqtt.address import BrokerAddress
from beffroi.exchange.mqtt.link import BrokerLink, LinkSession, linked
from beffroi.exchange.outgoing import Outgoing
from beffroi.kernel.secrets import Secret
from tests.e2e.conftest import OpenTown
from tests.support.town import Town, free_port
from tests.support.waiting import eventually, scaled

pytestmark = pytest.mark.timeout(scaled(240))
STORY = Path(__file__).parents[2] / "stories" / "nimes"
CONSOLE = "console.localhost"
DOOR = "/ngsi-ld/v1"
UNIT = "exchange-1"
OWN, OTHER = 0, 1
WRITERS, WRITES = 8, 40
SENSORS = 24
PORTS = ("BEFFROI_MQTT_PORT", "BEFFROI_MQTTS_PORT")
LISTENING = "0A"


@pytest.fixture(scope="module")
async def town(open_town: OpenTown) -> AsyncIterator[Town]:
    async with open_town(file=STORY / "territory.yaml") as opened:
        opened.environment["BEFFROI_EXCHANGE_PROCESSES"] = "1"
        opened.environment |= {name: str(free_port()) for name in PORTS}
        await opened.up(within_s=120)
        yield opened


def headers_of(town: Town) -> dict[str, str]:
    control = read_control(town.places.data)
    assert control is not None
    return {"Authorization": f"Bearer {control.token}", "Accept-Language": "en"}


async def told(
    town: Town, process: int, method: str, path: str, body: Any = None
) -> httpx.Response:
    """Ask one of the processes itself."""
    socket = door_sockets(town.places, 1)[process]
    transport = httpx.AsyncHTTPTransport(uds=str(socket))
    async with httpx.AsyncClient(transport=transport, headers=headers_of(town)) as client:
        media_type = {"Content-Type": "application/ld+json"}
        return await client.request(
            method, f"http://exchange{DOOR}/{path}", json=body, headers=media_type
        )


async def test_what_one_process_committed_the_other_tells(town: Town) -> None:
    room = {"id": "urn:ngsi-ld:Room:1", "type": "Room", "@context": CORE_URL}
    created = await told(town, OTHER, "POST", "entities", room)
    found = await told(town, OWN, "GET", "entities/urn:ngsi-ld:Room:1")

    assert (created.status_code, found.status_code) == (201, 200)


async def test_a_context_that_one_process_forgets_is_forgotten_by_the_other(town: Town) -> None:
    content = {"@context": {"temperature": "https://example.fr/temperature"}}
    hosted = (await told(town, OWN, "POST", "jsonldContexts", content)).headers["location"]
    address = f"https://{town.authority(CONSOLE)}{hosted}"
    query = {"type": "Query", "entities": [{"type": "Room"}], "@context": [address]}

    async def is_known() -> bool:
        asked = await told(town, OTHER, "POST", "entityOperations/query", query)
        return asked.is_success

    async def is_forgotten() -> bool:
        return not await is_known()

    assert await is_known()
    deleted = await told(town, OWN, "DELETE", hosted.removeprefix(f"{DOOR}/"))
    assert deleted.status_code == 204
    assert await eventually(is_forgotten)


def listeners(port: str) -> int:
    """Count the sockets of IPv4 that listen at a port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[3] == LISTENING and row[1].endswith(f":{int(port):04X}") for row in rows)


async def sensor(town: Town, undo: AsyncExitStack, number: int) -> BrokerLink:
    """Connect to the door of MQTT."""
    control = read_control(town.places.data)
    assert control is not None
    address = BrokerAddress(
        host="127.0.0.1",
        port=int(town.environment[PORTS[0]]),
        is_encrypted=False,
        user=OPERATOR,
        password=Secret(control.token),
    )
    outgoing = await undo.enter_async_context(Outgoing(allow_internal=True))
    link = await linked(outgoing, address, LinkSession(client_id=f"s{number}"), scaled(10))
    undo.push_async_callback(link.close)
    return link


async def test_both_processes_take_messages_of_mqtt_and_one_does_when_the_other_dies(
    town: Town,
) -> None:
    ports = [town.environment[name] for name in PORTS]
    assert await eventually(lambda: listeners(ports[0]) == 2, within_s=scaled(20))
    assert await eventually(lambda: listeners(ports[1]) in (2, 4), within_s=scaled(20))
    first = town.unit_pid(UNIT)
    async with AsyncExitStack() as undo:
        links = [await sensor(town, undo, number) for number in range(SENSORS)]
        for number, link in enumerate(links):
            assert await link.publish(f"ngsi-ld/Probe/urn:probe:{number}", b'{"a": 1}', 1) == 0
        os.kill(first, signal.SIGKILL)
        assert await eventually(lambda: not all(one.is_open for one in links), within_s=5)
        left = [number for number, one in enumerate(links) if one.is_open]
        assert 0 < len(left) < SENSORS
        for number in range(SENSORS):
            link = links[number] if number in left else await sensor(town, undo, number)
            assert await link.publish(f"ngsi-ld/Probe/urn:probe:{number}", b'{"a": 2}', 1) == 0
    found = await told(town, OWN, "GET", "entities?type=Probe&limit=100&options=keyValues")
    assert [one["a"] for one in found.json()] == [2] * SENSORS
    assert await eventually(lambda: listeners(ports[0]) == 2, within_s=scaled(30))


async def test_a_process_that_is_killed_under_load_loses_nothing_that_was_answered(
    town: Town,
) -> None:
    answered: set[str] = set()
    refused: list[int] = []
    well_under_way = asyncio.Event()

    async def write(writer: int) -> None:
        for number in range(WRITES):
            name = f"urn:ngsi-ld:Desk:{writer}-{number}"
            answer = await town.visit(
                *("POST", CONSOLE, f"{DOOR}/entities"),
                headers=headers_of(town),
                json={"id": name, "type": "Desk"},
            )
            if answer.status_code == httpx.codes.CREATED:
                answered.add(name)
                if len(answered) > WRITERS * WRITES // 3:
                    well_under_way.set()
            else:
                refused.append(answer.status_code)

    async def kill() -> None:
        await well_under_way.wait()
        os.kill(first, signal.SIGKILL)

    async def has_another() -> bool:
        return town.has_another(UNIT, first)

    async def answers() -> bool:
        with suppress(httpx.TransportError):
            return (await told(town, OTHER, "GET", "types")).is_success
        return False

    first = town.unit_pid(UNIT)
    await town.visitor()
    await asyncio.gather(kill(), *(write(number) for number in range(WRITERS)))
    found = await told(town, OWN, "GET", "entities?type=Desk&limit=1000&options=keyValues")

    assert {one["id"] for one in found.json()} >= answered
    assert len(answered) + len(refused) == WRITERS * WRITES
    assert len(refused) <= WRITERS
    assert set(refused) <= {502, 504}
    assert await eventually(has_another, within_s=scaled(30))
    assert await eventually(answers, within_s=scaled(30))
