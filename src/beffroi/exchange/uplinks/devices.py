"""The devices that uplinks heard of: noted in memory, written every ten seconds."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from beffroi.exchange.uplinks import device_store
from beffroi.exchange.uplinks.device_store import DeviceNews, KnownDevice
from beffroi.exchange.uplinks.message import Reading
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError
from beffroi.kernel.rights.model import Actor

_logger = logging.getLogger(__name__)
_PERIOD_S: Final = 10.0
_WRITTEN_AT_ONCE: Final = 5_000
_HELD_MOST: Final = 200_000
_NAME_MOST: Final = 300
Key = tuple[str, str, str]


class Devices:
    """Notes when each device was heard; what is not yet written when killed is heard again."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._news: dict[Key, DeviceNews] = {}

    async def run(self) -> None:
        """Write until cancelled, and once more then."""
        try:
            while True:
                await self._clock.sleep(_PERIOD_S)
                await self._try_to_write()
        finally:
            await self._try_to_write()

    def heard(self, of: tuple[str, str], reading: Reading, entity: str, at: datetime) -> None:
        """Note a message.

        Args:
            of: The organisation and the uplink.
            reading: What it told.
            entity: Of which entity.
            at: When it came.
        """
        news = self._of(of, reading.device or entity, entity, at)
        if news is None:
            return
        news.received += 1
        radio, status = reading.told.get("radio"), reading.told.get("status")
        if radio:
            news.rssi, news.snr = radio.get("rssi"), radio.get("snr")
            news.gateways = radio.get("gateways")
        if status and status.get("battery") is not None:
            news.battery = status["battery"]

    def ignored(self, of: tuple[str, str], device: str, at: datetime) -> None:
        """Note a message that told nothing of an entity."""
        news = self._of(of, device, "", at)
        if news is not None:
            news.ignored += 1

    async def listed(
        self, actor: Actor, organisation: str, uplink: str, *, offset: int = 0, limit: int = 100
    ) -> tuple[Sequence[KnownDevice], int]:
        """Return devices of an uplink, the most silent first, and how many there are."""
        async with self._database.transaction(actor.scope) as connection:
            found = await device_store.devices_of(
                connection, organisation, uplink, offset=offset, limit=limit
            )
            return found, await device_store.count_devices(connection, organisation, uplink)

    async def write(self) -> None:
        """Write what is not written yet, now."""
        waiting, self._news = self._news, {}
        ordered = [waiting[key] for key in sorted(waiting)]
        try:
            for start in range(0, len(ordered), _WRITTEN_AT_ONCE):
                part = ordered[start : start + _WRITTEN_AT_ONCE]
                async with self._database.transaction(EVERYTHING) as connection:
                    await device_store.note_devices(connection, part)
                for one in part:
                    del waiting[_key(one)]
        except BeffroiError:
            # What came meanwhile is newer; what is older is told by its successor.
            self._news = waiting | self._news
            raise

    def _of(self, of: tuple[str, str], device: str, entity: str, at: datetime) -> DeviceNews | None:
        organisation, uplink = of
        name = device[:_NAME_MOST].replace("\0", "")
        key = (organisation, uplink, name)
        news = self._news.get(key)
        if news is None:
            if len(self._news) >= _HELD_MOST:
                return None
            news = DeviceNews(
                organisation=organisation, uplink=uplink, device=name, entity=entity, at=at
            )
            self._news[key] = news
        news.at = max(news.at, at)
        news.entity = entity or news.entity
        return news

    async def _try_to_write(self) -> None:
        try:
            await self.write()
        except BeffroiError as error:
            _logger.debug("devices state=waiting %s", error)


def _key(news: DeviceNews) -> Key:
    return news.organisation, news.uplink, news.device
