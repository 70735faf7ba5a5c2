"""Getting one page: from the shelf, from the origin, or from neither."""

import asyncio
import logging
from collections import Counter, OrderedDict
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final

import msgspec

from beffroi.delivery.filler.flights import Flight, Flights
from beffroi.delivery.filler.header_set_keeper import HeaderSetKeeper
from beffroi.delivery.filler.image_making import ImageMaking
from beffroi.delivery.filler.origin import (
    UNANSWERED,
    Fetched,
    Origin,
    Streamed,
    TooLarge,
    Unreachable,
)
from beffroi.delivery.filler.outcomes import OVERTAKEN, Lost, Outcome, Stored, Unstored
from beffroi.delivery.filler.shelf import Kept, Shelf
from beffroi.delivery.header_sets import HeaderSet, NumberedSet, header_set
from beffroi.delivery.page_files import PageFiles, StoredAnswer
from beffroi.delivery.page_keys import PageKey, target
from beffroi.delivery.page_model import PageRow
from beffroi.delivery.sites import StoredSite
from beffroi.delivery.storability import (
    Life,
    NotStorable,
    OriginAnswer,
    Storable,
    capped_for_tokens,
    judged,
)
from beffroi.delivery.variants import Variants, is_text, minified, text_variants
from beffroi.kernel.clock import Clock
from beffroi.kernel.errors import BeffroiError

_logger = logging.getLogger(__name__)
_REMEMBERED_S: Final = 120.0
_REMEMBERED_MOST: Final = 10_000
# The first pages of a site are fetched twice: what differs between two strangers is not stored.
_VERIFIED_PAGES: Final = 5
_DIFFERS_S: Final = 600.0
_FAILURE_REMEMBERED_S: Final = 2.0
_FAILURE_FROM: Final = 500


class FillingTools(msgspec.Struct, frozen=True):
    """What a fill works with."""

    origin: Origin
    shelf: Shelf
    files: PageFiles
    flights: Flights
    header_sets: HeaderSetKeeper
    images: ImageMaking
    clock: Clock


class Filling:
    """Asks the origin once for many, judges, compresses, keeps."""

    def __init__(self, tools: FillingTools) -> None:
        self._tools = tools
        self._unstorable: OrderedDict[PageKey, tuple[str, float]] = OrderedDict()
        self._failing: OrderedDict[PageKey, tuple[str, float]] = OrderedDict()
        self._verified: Counter[str] = Counter()
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="fill")
        self.fills = 0

    def reason_unstorable(self, key: PageKey) -> str | None:
        """Return why a page was not stored lately; its visitors go to the origin themselves."""
        found = self._unstorable.get(key)
        if found is None or found[1] < self._tools.clock.monotonic_s():
            return None
        return found[0]

    def forget_reasons(self, application_hosts: frozenset[str]) -> None:
        """Judge the pages of some hosts anew: their application changed."""
        for key in [key for key in self._unstorable if key.host in application_hosts]:
            del self._unstorable[key]

    async def fill(self, site: StoredSite, key: PageKey) -> tuple[Outcome, bool]:
        """Fetch a page and keep it where it may be kept.

        Returns:
            The outcome, and whether this call began the fill.
        """

        async def flown(flight: Flight) -> Outcome:
            return await self._filled(site, flight)

        return await self._tools.flights.join(key, site.application, flown)

    async def _filled(self, site: StoredSite, flight: Flight) -> Outcome:
        key, now = flight.key, self._tools.clock.monotonic_s()
        failing = self._failing.pop(key, None)
        if failing is not None and failing[1] > now:
            self._failing[key] = failing
            return Lost(failing[0])
        kept = self._tools.shelf.find(key)
        try:
            fetched = await self._tools.origin.page(
                key.host, target(key), lambda answer: _is_whole(answer, site)
            )
        except TooLarge:
            return await self._refused(key, kept, "too-large", None, _DIFFERS_S)
        except Streamed:
            return await self._refused(key, kept, "streamed", None, _REMEMBERED_S)
        except Unreachable as error:
            if error.reason != UNANSWERED:
                self._remember_failing(key, error.reason)
            return Lost(error.reason)
        if fetched.answer.status >= _FAILURE_FROM:
            return Lost(f"status-{fetched.answer.status}", fetched)
        return await self._judged(site, flight, kept, fetched)

    async def _judged(
        self, site: StoredSite, flight: Flight, kept: Kept | None, fetched: Fetched
    ) -> Outcome:
        verdict = judged(fetched.answer, site.rules)
        found = header_set(fetched.answer)
        if isinstance(verdict, NotStorable) or found is None:
            reason = verdict.reason if isinstance(verdict, NotStorable) else "headers"
            return await self._refused(flight.key, kept, reason, fetched, _REMEMBERED_S)
        life = _capped(verdict.life, found, fetched)
        differs = await self._differs(site, flight.key, fetched, suspect=life != verdict.life)
        if not self._tools.flights.may_show(flight, verdict.tags):
            return Unstored(OVERTAKEN, fetched)
        if differs:
            return await self._refused(flight.key, kept, "differs", fetched, _DIFFERS_S)
        try:
            numbered = await self._tools.header_sets.keep(found, site.application)
            if numbered is None:
                return Unstored("headers", fetched)
            answer = await self._put(site, fetched, numbered)
            row = self._row(site, flight.key, life, numbered.name, answer)
            kept_now = Storable(life, verdict.tags)
            outcome = await self._shelved(site, flight, row, kept_now, fetched)
        except (OSError, BeffroiError) as error:
            _logger.warning("filler host=%s state=not_stored %s", flight.key.host, error)
            return Unstored("store-failing", fetched)
        if site.rules.images and isinstance(outcome, Stored):
            self._tools.images.offer(row, found)
        return outcome

    async def _shelved(
        self,
        site: StoredSite,
        flight: Flight,
        row: PageRow,
        verdict: Storable,
        fetched: Fetched,
    ) -> Outcome:
        self.fills += 1
        kept = await self._tools.shelf.keep(
            row,
            verdict.life,
            verdict.tags,
            lambda: self._tools.flights.may_show(flight, verdict.tags),
        )
        if kept is None:
            return Unstored(OVERTAKEN, fetched)
        self._unstorable.pop(flight.key, None)
        await self._tools.shelf.make_room(site.application, site.rules.mib * 1024 * 1024)
        return Stored(kept)

    async def _put(self, site: StoredSite, fetched: Fetched, numbered: NumberedSet) -> StoredAnswer:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._threads, _written, self._tools.files, site, fetched, numbered
        )

    async def _differs(
        self, site: StoredSite, key: PageKey, fetched: Fetched, *, suspect: bool
    ) -> bool:
        """Ask once more as another stranger where two visitors may read different pages."""
        if site.static or (not suspect and self._verified[site.application] >= _VERIFIED_PAGES):
            return False
        try:
            again = await self._tools.origin.page(
                key.host, target(key), lambda answer: _is_whole(answer, site)
            )
        except (TooLarge, Streamed, Unreachable):
            return True
        self._verified[site.application] += 1
        return again.body != fetched.body or again.answer.status != fetched.answer.status

    def _remember_failing(self, key: PageKey, reason: str) -> None:
        """Spare an origin that fails slowly; one that refuses at once may be back at once."""
        ended = self._tools.clock.monotonic_s()
        self._failing[key] = (reason, ended + _FAILURE_REMEMBERED_S)
        if len(self._failing) > _REMEMBERED_MOST:
            self._failing.popitem(last=False)

    async def _refused(
        self,
        key: PageKey,
        kept: Kept | None,
        reason: str,
        fetched: Fetched | None,
        remembered_s: float,
    ) -> Unstored:
        """Remember that a page is not stored; forget the one that was."""
        if kept is not None:
            await self._tools.shelf.drop([key])
        self._unstorable[key] = (reason, self._tools.clock.monotonic_s() + remembered_s)
        self._unstorable.move_to_end(key)
        if len(self._unstorable) > _REMEMBERED_MOST:
            self._unstorable.popitem(last=False)
        return Unstored(reason, fetched)

    def _row(
        self,
        site: StoredSite,
        key: PageKey,
        life: Life,
        set_name: str,
        answer: StoredAnswer,
    ) -> PageRow:
        now = self._tools.clock.now()
        fresh_until = now + timedelta(seconds=life.fresh_s)
        return PageRow(
            host=key.host,
            path=key.path,
            query=key.query,
            application=site.application,
            organisation=site.organisation,
            header_set=set_name,
            answer=answer.digest,
            size_bytes=answer.size_bytes,
            stored_at=now,
            fresh_until=fresh_until,
            stale_while_until=fresh_until + timedelta(seconds=life.stale_while_revalidate_s),
            stale_error_until=fresh_until + timedelta(seconds=life.stale_if_error_s),
        )


def _written(
    files: PageFiles, site: StoredSite, fetched: Fetched, numbered: NumberedSet
) -> StoredAnswer:
    body, content_type = fetched.body, numbered.header_set.content_type
    if site.rules.minify and "no-transform" not in dict(numbered.header_set.headers).get(
        "cache-control", ""
    ):
        body = minified(body, content_type)
    made = text_variants(body) if is_text(content_type) else Variants({"identity": body})
    return files.put_answer(site.application, numbered.name, made.files)


def _is_whole(answer: OriginAnswer, site: StoredSite) -> bool:
    """Tell whether the end of an answer is worth waiting for.

    What tells no length and is not stored may be endless: its visitors read it as it comes.
    """
    told = dict(answer.headers)
    if told.get("content-type", "").lower().startswith("text/event-stream"):
        return False
    ends = answer.status >= _FAILURE_FROM or "content-length" in told
    return ends or isinstance(judged(answer, site.rules), Storable)


def _capped(life: Life, found: HeaderSet, fetched: Fetched) -> Life:
    html = found.content_type.lower().startswith(("text/html", "application/xhtml"))
    return capped_for_tokens(life, fetched.body) if html else life
