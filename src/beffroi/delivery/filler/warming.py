"""Filling the pages of a site's map at quiet hours, before visitors ask for them."""

import logging
import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from html import unescape
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec

from beffroi.delivery.filler.filling import Filling
from beffroi.delivery.filler.outcomes import Outcome, Stored
from beffroi.delivery.filler.shelf import Shelf
from beffroi.delivery.filler.site_list import SiteList
from beffroi.delivery.page_files import PageFiles
from beffroi.delivery.page_keys import PageKey, page_key
from beffroi.delivery.sites import StoredSite
from beffroi.kernel.clock import Clock

_logger = logging.getLogger(__name__)
_ZONE: Final = ZoneInfo("Europe/Paris")
_FIRST_HOUR: Final = 3
_HOURS: Final = 2
_PAUSE_S: Final = 1.0
_PAGES_MOST: Final = 2000
_MAPS_MOST: Final = 20
_ADDRESS: Final = re.compile(rb"<loc>\s*([^<\s]{1,2048})\s*</loc>")
_SITE_MAP: Final = "/sitemap.xml"


class WarmingTools(msgspec.Struct, frozen=True):
    """What warming works with."""

    sites: SiteList
    filling: Filling
    shelf: Shelf
    files: PageFiles
    clock: Clock


class Warming:
    """Walks each site that had visitors, one page a second, between three and five."""

    def __init__(self, tools: WarmingTools) -> None:
        self._tools = tools

    async def run(self) -> None:
        """Warm every night until cancelled."""
        while True:
            await self._tools.clock.sleep(until_quiet_s(self._tools.clock.now()))
            ends = self._tools.clock.now() + timedelta(hours=_HOURS)
            for site in self._tools.sites.every():
                filled = await self.warm(site, ends)
                if filled:
                    _logger.info("filler application=%s warmed=%s", site.application, filled)
            left = (ends - self._tools.clock.now()).total_seconds()
            await self._tools.clock.sleep(max(_PAUSE_S, left))

    async def warm(self, site: StoredSite, ends: datetime) -> int:
        """Fill the pages of a site's map that are not fresh; return how many were.

        A site of which nothing is stored had no visitor since its last change: it is let be.
        """
        if not site.rules.mib or not self._tools.shelf.keys_of(site.application):
            return 0
        filled = 0
        for key in await self._mapped(site):
            if self._tools.clock.now() >= ends:
                break
            kept = self._tools.shelf.find(key)
            if kept is None or kept.fresh_until_s <= self._tools.clock.monotonic_s():
                outcome, _ = await self._tools.filling.fill(site, key)
                filled += isinstance(outcome, Stored)
                await self._tools.clock.sleep(_PAUSE_S)
        return filled

    async def _mapped(self, site: StoredSite) -> list[PageKey]:
        """Return the pages of a site's map and of the maps that it names."""
        waiting = [page_key(site.hosts[0], _SITE_MAP, site.rules)]
        seen: dict[PageKey, None] = {}
        for _ in range(_MAPS_MOST):
            if not waiting or len(seen) >= _PAGES_MOST:
                break
            key = waiting.pop(0)
            if key is None:
                continue
            outcome, _ = await self._tools.filling.fill(site, key)
            for found in _keys(site, self._body(outcome)):
                if found.path.endswith(".xml"):
                    waiting.append(found)
                else:
                    seen[found] = None
        return list(seen)[:_PAGES_MOST]

    def _body(self, outcome: Outcome) -> bytes:
        if isinstance(outcome, Stored):
            row = outcome.kept.row
            # It may have been purged already, or found no room.
            with suppress(FileNotFoundError):
                return self._tools.files.body(row.application, row.header_set, row.answer)
            return b""
        return outcome.fetched.body if outcome.fetched is not None else b""


def until_quiet_s(now: datetime) -> float:
    """Tell how long it is until the next quiet hour, in seconds; 0 within one."""
    local = now.astimezone(_ZONE)
    if _FIRST_HOUR <= local.hour < _FIRST_HOUR + _HOURS:
        return 0.0
    begins = local.replace(hour=_FIRST_HOUR, minute=0, second=0, microsecond=0)
    if begins <= local:
        begins += timedelta(days=1)
    return begins.timestamp() - now.timestamp()


def _keys(site: StoredSite, body: bytes) -> Iterable[PageKey]:
    for found in _ADDRESS.findall(body):
        try:
            address = urlsplit(unescape(found.decode("utf-8", "replace")))
        except ValueError:
            continue
        query = f"?{address.query}" if address.query else ""
        key = page_key(address.hostname or "", f"{address.path or '/'}{query}", site.rules)
        if key is not None and key.host in site.hosts:
            yield key
