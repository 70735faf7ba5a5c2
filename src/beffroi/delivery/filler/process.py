"""Running the filler: ``python -m beffroi.delivery.filler.process SETTINGS``."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import msgspec
from granian.constants import Interfaces

from beffroi.delivery.filler.awakening import Awakening
from beffroi.delivery.filler.crawler_budget import CrawlerBudget
from beffroi.delivery.filler.filling import Filling, FillingTools
from beffroi.delivery.filler.flights import Flights
from beffroi.delivery.filler.header_set_keeper import HeaderSetKeeper
from beffroi.delivery.filler.image_making import ImageMaking
from beffroi.delivery.filler.origin import Origin
from beffroi.delivery.filler.purge_door import PurgeDoor
from beffroi.delivery.filler.purging import Purging
from beffroi.delivery.filler.recency import Recency
from beffroi.delivery.filler.relaying import Relaying
from beffroi.delivery.filler.server import FillerServer
from beffroi.delivery.filler.settings import DATABASE_VARIABLE, FillerSettings, decoded
from beffroi.delivery.filler.shelf import Shelf
from beffroi.delivery.filler.site_list import SiteList
from beffroi.delivery.filler.visiting import Visiting, VisitingTools
from beffroi.delivery.filler.warming import Warming, WarmingTools
from beffroi.delivery.page_files import PageFiles
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.http.serving import served_on
from beffroi.kernel.processes.collecting import collect_seldom
from beffroi.kernel.secrets import Secret

_logger = logging.getLogger(__name__)
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
# nginx is of the filler's group; the platform is its owner or root.
_SOCKET_MODE: Final = 0o660


class _Parts(msgspec.Struct, frozen=True):
    server: FillerServer
    loops: tuple[Coroutine[None, None, None], ...]


async def run_filler(settings: FillerSettings, database_url: Secret) -> None:
    """Fill and purge until asked to end.

    Raises:
        UnavailableError: PostgreSQL does not answer at the start.
    """
    ending = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, ending.set)
    async with AsyncExitStack() as undo:
        parts = await _opened(settings, database_url, undo)
        collect_seldom()
        loops = [asyncio.create_task(loop) for loop in parts.loops]
        for task in loops:
            undo.callback(task.cancel)
        async with served_on(
            settings.socket, parts.server, Interfaces.RSGI, _SOCKET_MODE
        ) as serving:
            _logger.info("filler state=listening")
            asked_to_end = asyncio.create_task(ending.wait())
            await asyncio.wait((asked_to_end, serving, *loops), return_when="FIRST_COMPLETED")
        for task in loops:
            if task.done():
                task.result()


async def _opened(settings: FillerSettings, url: Secret, undo: AsyncExitStack) -> _Parts:
    clock = SystemClock()
    database = Database(url)
    undo.push_async_callback(database.close)
    await database.open()
    files = PageFiles(settings.store)
    cleared = _clear_after_reboot(settings.store, files)
    flights = Flights()
    sites = SiteList(settings.sites, clock)
    header_sets = HeaderSetKeeper(database, sites)
    shelf = Shelf(database, files, header_sets, clock, settings.bytes_most)
    purging = Purging(database, shelf, flights)
    await shelf.open(cleared=cleared)
    await purging.finish_pending()
    await header_sets.open()
    origin = Origin(settings.direct_socket)
    undo.push_async_callback(origin.close)
    images = ImageMaking(files)
    filling = Filling(FillingTools(origin, shelf, files, flights, header_sets, images, clock))
    visiting = Visiting(
        VisitingTools(
            filling=filling,
            shelf=shelf,
            files=files,
            header_sets=header_sets,
            sites=sites,
            awakening=Awakening(settings.wake_socket),
            budget=CrawlerBudget(clock),
            clock=clock,
        )
    )
    relaying = Relaying(origin, purging, shelf, flights)
    purge_door = PurgeDoor(sites, purging, filling)
    server = FillerServer(sites, visiting, relaying, purge_door, shelf, filling)
    warming = Warming(WarmingTools(sites, filling, shelf, files, clock))
    recency = Recency(settings.access_log, shelf, clock)
    return _Parts(
        server, (shelf.run(), shelf.show_learnt(), recency.run(), images.run(), warming.run())
    )


def _clear_after_reboot(store: Path, files: PageFiles) -> bool:
    """Trust no file of another boot: the disk may not have all that was written.

    Returns:
        Whether the files were cleared.
    """
    note, boot = store / "boot", _BOOT_ID.read_text()
    if note.exists() and note.read_text() == boot:
        return False
    files.clear()
    note.write_text(boot)
    return True


def main() -> None:
    """Read the settings that the platform wrote and run."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    settings = decoded(Path(sys.argv[1]).read_bytes())
    asyncio.run(run_filler(settings, Secret(os.environ.pop(DATABASE_VARIABLE))))


if __name__ == "__main__":
    main()
