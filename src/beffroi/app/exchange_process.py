"""A further process at the exchange's door: ``python -m beffroi.app.exchange_process SETTINGS``."""

import asyncio
import logging
import os
import signal
import sys
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Final

import msgspec
import uvloop

from beffroi.app.exchange_foundation import ExchangeFoundation
from beffroi.app.exchange_wiring import exchange_loops, exchange_services
from beffroi.app.mqtt_wiring import MqttSettings, mqtt_door, noted_addresses
from beffroi.exchange.api.mounting import mounted_door
from beffroi.exchange.contexts.known import known_documents
from beffroi.exchange.outgoing import Outgoing
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.http.loop_serving import answered_on
from beffroi.kernel.log import LogWatch
from beffroi.kernel.places import Places
from beffroi.kernel.processes.collecting import collect_seldom
from beffroi.kernel.rights.service import Rights
from beffroi.kernel.secrets import SealingKey, Secret

DATABASE_VARIABLE: Final = "EXCHANGE_DATABASE_URL"
_ANYBODY_CONNECTS: Final = 0o666
_logger = logging.getLogger(__name__)


class ExchangeProcessSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a process at the door is started with.

    Attributes:
        data: The platform's data folder, where its key lies.
        socket: Where it listens.
        public_url: The platform's address.
        contexts_folder: As of the setting of that name.
        reach_internal_network: As of the setting of that name.
        mqtt: Where it takes messages of MQTT, beside the others.
    """

    data: str
    socket: str
    public_url: str
    contexts_folder: str
    reach_internal_network: bool
    mqtt: MqttSettings = MqttSettings()


async def run_exchange(settings: ExchangeProcessSettings, database_url: Secret) -> None:
    """Answer at the door until asked to end.

    Raises:
        UnavailableError: PostgreSQL does not answer at the start.
    """
    ending = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, ending.set)
    async with AsyncExitStack() as undo:
        given = await _foundation(settings, database_url, undo)
        services = exchange_services(given)
        loops = [
            asyncio.create_task(loop)
            for loop in (given.watch.run(), *exchange_loops(given, services))
        ]
        for task in loops:
            undo.callback(task.cancel)
        if settings.mqtt.port or settings.mqtt.tls_port:
            addresses = noted_addresses(settings.mqtt, Places.of(Path(settings.data)))
            listening = mqtt_door(given, services, has_peers=True).run(addresses)
            loops.append(asyncio.create_task(listening))
            # What was sent is committed before the writer ends.
            undo.push_async_callback(_ended, loops[-1])
        door = mounted_door(Rights(given.database, given.clock), services, given.clock)
        collect_seldom()
        socket = Path(settings.socket)
        async with answered_on(socket, door, _ANYBODY_CONNECTS):
            _logger.info("exchange state=listening")
            asked_to_end = asyncio.create_task(ending.wait())
            await asyncio.wait((asked_to_end, *loops), return_when="FIRST_COMPLETED")
        for task in loops:
            if task.done():
                task.result()


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _foundation(
    settings: ExchangeProcessSettings, database_url: Secret, undo: AsyncExitStack
) -> ExchangeFoundation:
    database = Database(database_url)
    undo.push_async_callback(database.close)
    await database.open()
    outgoing = Outgoing(allow_internal=settings.reach_internal_network)
    await undo.enter_async_context(outgoing)
    folder = settings.contexts_folder
    return ExchangeFoundation(
        database=database,
        watch=LogWatch(database),
        outgoing=outgoing,
        known_contexts=known_documents(Path(folder)) if folder else {},
        public_url=settings.public_url,
        key=SealingKey.of_folder(Path(settings.data)),
        clock=SystemClock(),
        drops=Places.of(Path(settings.data)).drops,
    )


def main() -> None:
    """Read the settings that the platform wrote and run."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    settings = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=ExchangeProcessSettings)
    uvloop.run(run_exchange(settings, Secret(os.environ.pop(DATABASE_VARIABLE))))


if __name__ == "__main__":
    main()
