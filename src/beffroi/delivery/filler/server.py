"""The filler's one entrance: which hand takes a request."""

import logging

import msgspec
from granian.rsgi import Scope

from beffroi.delivery.filler.asked import READING, Asked, read_request
from beffroi.delivery.filler.exchange import Exchange
from beffroi.delivery.filler.filling import Filling
from beffroi.delivery.filler.protocol import PLATFORM_DOOR
from beffroi.delivery.filler.purge_door import PurgeDoor
from beffroi.delivery.filler.relaying import Relaying
from beffroi.delivery.filler.replies import FAILING, TO_ORIGIN, Replies
from beffroi.delivery.filler.shelf import Shelf
from beffroi.delivery.filler.site_list import SiteList
from beffroi.delivery.filler.visiting import Visiting
from beffroi.delivery.page_keys import page_key

_logger = logging.getLogger(__name__)


class FillerFigures(msgspec.Struct, frozen=True):
    """What the filler tells of itself."""

    fills: int
    bytes_by_application: dict[str, int]


class FillerServer:
    """Takes requests as Granian gives them (RSGI)."""

    def __init__(
        self,
        sites: SiteList,
        visiting: Visiting,
        relaying: Relaying,
        purge_door: PurgeDoor,
        shelf: Shelf,
        filling: Filling,
    ) -> None:
        self._sites = sites
        self._visiting = visiting
        self._relaying = relaying
        self._purge_door = purge_door
        self._shelf = shelf
        self._filling = filling

    async def __rsgi__(self, scope: Scope, proto: Exchange) -> None:
        """Answer one request; an unexpected error leaves the visitor with the origin's answer."""
        asked = read_request(scope)
        replies = Replies(proto)
        try:
            await self._answer(asked, proto, replies)
        except Exception:
            _logger.exception("BUG in filler host=%s method=%s", asked.host, asked.method)
            replies.send_back(TO_ORIGIN if asked.method in READING else FAILING, "fwd=bypass")

    async def _answer(self, asked: Asked, proto: Exchange, replies: Replies) -> None:
        if asked.method == "PURGE":
            await self._purge_door.purge(asked, replies)
            return
        if asked.door == PLATFORM_DOOR:
            figures = FillerFigures(self._filling.fills, dict(self._shelf.figures()))
            replies.tell(200, figures)
            return
        site = self._sites.of_host(asked.host)
        if site is None:
            replies.send_back(TO_ORIGIN, "fwd=bypass; detail=no-site")
            return
        if asked.method not in READING:
            if await self._visiting.is_awake(asked, site, replies):
                await self._relaying.relay(asked, site, proto)
            return
        key = page_key(asked.host, asked.target, site.rules) if asked.storable else None
        if key is None:
            await self._visiting.send_to_origin(asked, site, "fwd=bypass", replies)
        else:
            await self._visiting.page(asked, site, key, replies)
