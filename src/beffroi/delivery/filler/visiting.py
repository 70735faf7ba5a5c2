"""A visitor's request for a page that nginx could not show alone."""

import asyncio
import logging
from typing import Final

import msgspec

from beffroi.delivery.filler.asked import Asked
from beffroi.delivery.filler.awakening import Awakening
from beffroi.delivery.filler.crawler_budget import CrawlerBudget
from beffroi.delivery.filler.filling import Filling
from beffroi.delivery.filler.header_set_keeper import HeaderSetKeeper
from beffroi.delivery.filler.origin import Fetched
from beffroi.delivery.filler.outcomes import OVERTAKEN, Lost, Outcome, Stored, Unstored
from beffroi.delivery.filler.replies import FAILING, TO_ORIGIN, WAKING, Replies
from beffroi.delivery.filler.shelf import Kept, Shelf
from beffroi.delivery.filler.site_list import SiteList
from beffroi.delivery.page_files import PageFiles
from beffroi.delivery.page_keys import PageKey
from beffroi.delivery.sites import StoredSite
from beffroi.delivery.visits import VisitorKind
from beffroi.kernel.clock import Clock

_logger = logging.getLogger(__name__)
# A visitor reads a waiting page after this time; who sends something is made to wait longer.
_PATIENCE_S: Final = 3.0
_SENDER_PATIENCE_S: Final = 100.0
_OVERTAKEN_MOST: Final = 3
_CRAWLER_RETRY_S: Final = 60
_ASLEEP_RETRY_S: Final = 3600


class VisitingTools(msgspec.Struct, frozen=True):
    """What a visit is answered with."""

    filling: Filling
    shelf: Shelf
    files: PageFiles
    header_sets: HeaderSetKeeper
    sites: SiteList
    awakening: Awakening
    budget: CrawlerBudget
    clock: Clock


class Visiting:
    """Answers visitors from the shelf, from the origin, or sends them there."""

    def __init__(self, tools: VisitingTools) -> None:
        self._tools = tools
        self._refreshing: set[asyncio.Task[None]] = set()

    async def page(self, asked: Asked, site: StoredSite, key: PageKey, replies: Replies) -> None:
        """Answer a request for a page that may be stored."""
        kept, now = self._tools.shelf.find(key), self._tools.clock.monotonic_s()
        if kept is not None and now < kept.fresh_until_s:
            await self._show(asked, kept, "hit", replies)
            return
        reason = self._tools.filling.reason_unstorable(key)
        if reason is not None:
            await self.send_to_origin(asked, site, f"fwd=bypass; detail={reason}", replies)
            return
        if kept is not None and now < kept.while_until_s:
            if self._may_render(asked, site):
                self._refresh_in_background(asked, site, key)
            await self._show(asked, kept, "hit; fwd=stale; detail=revalidating", replies)
            return
        await self._fetch(asked, site, key, kept, replies)

    async def send_to_origin(
        self, asked: Asked, site: StoredSite, note: str, replies: Replies
    ) -> None:
        """Let nginx hand a request to the application, awake by then."""
        if await self.is_awake(asked, site, replies):
            replies.send_back(TO_ORIGIN, note)

    async def is_awake(self, asked: Asked, site: StoredSite, replies: Replies) -> bool:
        """Wake a resting application for who has a right to it; else answer the visitor."""
        if not asked.asleep:
            return True
        reading = asked.method in {"GET", "HEAD"}
        if reading and asked.visitor is not VisitorKind.PERSON:
            replies.refuse(503, _ASLEEP_RETRY_S, "fwd=bypass; detail=asleep")
            return False
        patience_s = _PATIENCE_S if reading else _SENDER_PATIENCE_S
        awakened = await self._tools.awakening.wake(site.application, patience_s)
        if awakened is None:
            replies.send_back(WAKING, "fwd=bypass; detail=waking")
        elif awakened.state != "awake":
            _logger.warning(
                "filler application=%s state=not_awake %s", site.application, awakened.reason
            )
            replies.send_back(FAILING, "fwd=bypass; detail=not-awake")
        return awakened is not None and awakened.state == "awake"

    async def _fetch(
        self, asked: Asked, site: StoredSite, key: PageKey, kept: Kept | None, replies: Replies
    ) -> None:
        standby = kept if kept and self._tools.clock.monotonic_s() < kept.error_until_s else None
        if not self._may_render(asked, site):
            if standby is not None:
                await self._show(asked, standby, "hit; fwd=stale; detail=crawler", replies)
            else:
                status, wait_s = (503, _ASLEEP_RETRY_S) if asked.asleep else (429, _CRAWLER_RETRY_S)
                replies.refuse(status, wait_s, "fwd=miss; detail=crawler-budget")
            return
        if not await self.is_awake(asked, site, replies):
            return
        outcome, first = await self._filled(site, key)
        note = "fwd=stale" if kept is not None else "fwd=uri-miss"
        told = note if first else f"{note}; collapsed"
        await self._tell(asked, outcome, told, replies, standby, first=first)

    async def _filled(self, site: StoredSite, key: PageKey) -> tuple[Outcome, bool]:
        """Fill a page; who waited for a fill that a purge overtook waits for the next one."""
        for _ in range(_OVERTAKEN_MOST):
            outcome, first = await self._tools.filling.fill(site, key)
            if first or not isinstance(outcome, Unstored) or outcome.reason != OVERTAKEN:
                return outcome, first
        return Unstored(OVERTAKEN, None), False

    async def _tell(
        self,
        asked: Asked,
        outcome: Outcome,
        note: str,
        replies: Replies,
        standby: Kept | None,
        *,
        first: bool,
    ) -> None:
        match outcome:
            case Stored(kept):
                await self._show(asked, kept, f"{note}; stored", replies)
            case Unstored(reason, Fetched() as fetched) if (
                first and reason != "vary" and fetched.answers(asked.target)
            ):
                replies.hand_on(fetched, f"{note}; detail={reason}")
            case Unstored(reason):
                replies.send_back(TO_ORIGIN, f"{note}; detail={reason}")
            case Lost(reason) if standby is not None:
                await self._show(asked, standby, f"hit; {note}; detail={reason}", replies)
            case Lost(reason, None):
                replies.send_back(FAILING, f"{note}; detail={reason}")
            case Lost(reason, Fetched() as fetched):
                replies.hand_on(fetched.without_cookies(), f"{note}; detail={reason}")

    async def _show(self, asked: Asked, kept: Kept, note: str, replies: Replies) -> None:
        row = kept.row
        if not asked.answer and self._tools.sites.knows_header_set(row.header_set):
            replies.show_stored(row.application, row.header_set, row.answer, note)
            return
        found = self._tools.header_sets.find(row.header_set)
        place = (row.application, row.header_set, row.answer)
        try:
            body = await asyncio.to_thread(self._tools.files.body, *place)
        except FileNotFoundError:
            replies.send_back(TO_ORIGIN, "fwd=miss; detail=just-purged")
            return
        replies.show_body(found, body, note)

    def _may_render(self, asked: Asked, site: StoredSite) -> bool:
        """Tell whether a page is rendered for this visitor: crawlers have a budget, awake sites."""
        if asked.visitor is VisitorKind.PERSON or site.static:
            return True
        return not asked.asleep and self._tools.budget.take(
            site.application, site.crawler_misses_per_minute
        )

    def _refresh_in_background(self, asked: Asked, site: StoredSite, key: PageKey) -> None:
        task = asyncio.create_task(self._refreshed(asked, site, key), name=f"refresh {key.path}")
        self._refreshing.add(task)
        task.add_done_callback(self._refreshing.discard)

    async def _refreshed(self, asked: Asked, site: StoredSite, key: PageKey) -> None:
        if asked.asleep:
            awakened = await self._tools.awakening.wake(site.application, _SENDER_PATIENCE_S)
            if awakened is None or awakened.state != "awake":
                return
        await self._tools.filling.fill(site, key)
