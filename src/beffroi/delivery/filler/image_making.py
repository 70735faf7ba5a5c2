"""WebP and AVIF variants of stored images, made beside the visitors' way."""

import asyncio
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from beffroi.delivery.header_sets import HeaderSet
from beffroi.delivery.page_files import PageFiles
from beffroi.delivery.page_model import PageRow
from beffroi.delivery.variants import IDENTITY, image_variants, is_image

_logger = logging.getLogger(__name__)
_WAITING_MOST: Final = 1000
_LEAST_URGENT: Final = 19


class ImageMaking:
    """Makes one image's variants at a time, on a thread that gives way to all others."""

    def __init__(self, files: PageFiles) -> None:
        self._files = files
        self._waiting: asyncio.Queue[PageRow] = asyncio.Queue(_WAITING_MOST)
        self._thread = ThreadPoolExecutor(1, "images", initializer=_give_way)

    def offer(self, row: PageRow, found: HeaderSet) -> None:
        """Have a stored image's variants made; one that finds no place does without."""
        transformed = "no-transform" not in dict(found.headers).get("cache-control", "")
        if is_image(found.content_type) and transformed and not self._waiting.full():
            self._waiting.put_nowait(row)

    async def run(self) -> None:
        """Make variants until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            row = await self._waiting.get()
            await loop.run_in_executor(self._thread, self._make, row)

    def _make(self, row: PageRow) -> None:
        place = (row.application, row.header_set, row.answer)
        try:
            made = image_variants(self._files.body(*place)).files
            added = {name: body for name, body in made.items() if name != IDENTITY}
            self._files.add_variants(*place, added)
        except OSError as error:
            # Purged meanwhile, or the disk is full: the image stays as it is.
            _logger.info("filler host=%s path=%s variants=none %s", row.host, row.path, error)


def _give_way() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LEAST_URGENT)
