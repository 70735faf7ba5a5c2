"""The pages that are kept: in memory, in the index and in the files, told by one process."""

import asyncio
import heapq
import logging
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from beffroi.delivery import page_index
from beffroi.delivery.filler.committer import PageCommitter
from beffroi.delivery.filler.header_set_keeper import HeaderSetKeeper
from beffroi.delivery.page_files import PageFiles
from beffroi.delivery.page_keys import PageKey
from beffroi.delivery.page_model import PageRow
from beffroi.delivery.storability import Life
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError

_logger = logging.getLogger(__name__)
_DROPPED_AT_ONCE: Final = 500
_ROOM_AHEAD: Final = 16
_LEARNT_EVERY_S: Final = 2.0
_LEARNT_LOOKS: Final = 30


class Kept(msgspec.Struct, frozen=True, gc=False):
    """A page with its deadlines on the clock that never goes back, in seconds.

    Attributes:
        fresh_until_s: Until when nginx shows it.
        while_until_s: Until when it is shown while another is fetched.
        error_until_s: Until when it is shown because the origin gives none.
    """

    row: PageRow
    fresh_until_s: float
    while_until_s: float
    error_until_s: float


class Shelf:
    """Keeps pages within the room of each site and of the machine, least used first to go."""

    def __init__(
        self,
        database: Database,
        files: PageFiles,
        header_sets: HeaderSetKeeper,
        clock: Clock,
        bytes_most: int,
    ) -> None:
        self._database = database
        self._files = files
        self._header_sets = header_sets
        self._clock = clock
        self._bytes_most = bytes_most
        self._pages: OrderedDict[PageKey, Kept] = OrderedDict()
        self._of_application: dict[str, OrderedDict[PageKey, None]] = defaultdict(OrderedDict)
        self._bytes: Counter[str] = Counter()
        self._bytes_of_all = 0
        self._shown: Counter[tuple[str, str, str]] = Counter()
        self._paths: Counter[tuple[str, str]] = Counter()
        self._ends: list[tuple[float, PageKey]] = []
        self._ends_changed = asyncio.Event()
        self._unlearnt: dict[PageKey, Kept] = {}
        self._unlearnt_changed = asyncio.Event()
        self._committer = PageCommitter(database)

    async def open(self, *, cleared: bool) -> None:
        """Read the index and agree with the files; no page of another life is taken for fresh.

        While the filler was away changes may have gone unannounced: each page is asked for anew
        before it is shown, and meanwhile stands in for an origin that fails.

        Args:
            cleared: The files are gone: the index is emptied too.
        """
        async with self._database.transaction(EVERYTHING) as connection:
            rows = await page_index.all_pages(connection)
            if cleared:
                await page_index.drop_pages(connection, [row.key for row in rows])
                rows = ()
        now, wall = self._clock.monotonic_s(), self._clock.now()
        for row in rows:
            # The clock may have been set back since: no page lives longer than it was given.
            left = min(row.stale_error_until - wall, row.stale_error_until - row.stored_at)
            self._put(Kept(row, now, now, now + max(0.0, left.total_seconds())))
        places = {row.key: (row.application, row.header_set, row.answer) for row in rows}
        removed = await asyncio.to_thread(self._files.settle, places)
        for key in places:
            self._files.withdraw(key)
        _logger.info("filler pages=%s removed=%s", len(rows), removed)

    def find(self, key: PageKey) -> Kept | None:
        """Return what is kept under a key, fresh or not, and note that it is used."""
        found = self._pages.get(key)
        if found is not None:
            self.touch(key)
        return found

    def touch(self, key: PageKey) -> None:
        """Note that a page was used."""
        found = self._pages.get(key)
        if found is not None:
            self._pages.move_to_end(key)
            self._of_application[found.row.application].move_to_end(key)

    def has_path(self, host: str, path: str) -> bool:
        """Tell whether a page of this path is kept, whatever its query."""
        return self._paths[host, path] > 0

    def keys_of(self, application: str) -> tuple[PageKey, ...]:
        """Return the keys of an application's pages, least used first."""
        return tuple(self._of_application.get(application, ()))

    def figures(self) -> Mapping[str, int]:
        """Return how many bytes each application's pages take."""
        return {name: size for name, size in self._bytes.items() if size}

    async def keep(
        self, row: PageRow, life: Life, tags: frozenset[str], may_show: Callable[[], bool]
    ) -> Kept | None:
        """Commit a page, then show it, unless a purge came meanwhile.

        Args:
            row: Its answer lies in the files already.
            life: For how long it is shown.
            tags: What it is purged by.
            may_show: Asked at the last moment; false forgets the page.

        Raises:
            UnavailableError: PostgreSQL does not answer; nothing is kept.
            OSError: The files take no more.
        """
        shown: list[Kept] = []

        def show() -> None:
            now = self._clock.monotonic_s()
            fresh = now + life.fresh_s
            kept = Kept(
                row, fresh, fresh + life.stale_while_revalidate_s, fresh + life.stale_if_error_s
            )
            try:
                self._publish(kept)
            except OSError:
                # The row has taken the place of the one that tells of the page shown so far.
                self.withdraw([row.key])
                raise
            self._put(kept)
            shown.append(kept)

        await self._committer.keep(row, tags, may_show, show)
        return shown[0] if shown else None

    async def show_learnt(self) -> None:
        """Have nginx show alone, once it knows their headers, the pages that it could not yet.

        Cancelled by its owner; what nginx has not learnt after a minute waits for its next fill.
        """
        while True:
            await self._unlearnt_changed.wait()
            self._unlearnt_changed.clear()
            for _ in range(_LEARNT_LOOKS):
                await self._clock.sleep(_LEARNT_EVERY_S)
                for key, kept in tuple(self._unlearnt.items()):
                    if self._pages.get(key) is not kept:
                        del self._unlearnt[key]
                    elif self._header_sets.is_learnt(kept.row.header_set):
                        self._publish(kept)
                if not self._unlearnt:
                    break
            self._unlearnt.clear()

    def _publish(self, kept: Kept) -> None:
        row = kept.row
        plain = self._header_sets.is_plain(row.header_set)
        learnt = self._header_sets.is_learnt(row.header_set)
        self._files.publish(
            row.key, row.application, row.header_set, row.answer, apart=not (plain and learnt)
        )
        if plain and not learnt:
            self._unlearnt[row.key] = kept
            self._unlearnt_changed.set()
        else:
            self._unlearnt.pop(row.key, None)

    def changing(self) -> asyncio.Lock:
        """Return what is held while pages are taken away in the index and in the files alike."""
        return self._committer.changing

    def withdraw(self, keys: Iterable[PageKey]) -> None:
        """Show pages no more and forget them; the index forgets them when the caller says so."""
        for key in keys:
            self._files.withdraw(key)
            self._forget(key)

    async def drop(self, keys: Sequence[PageKey]) -> None:
        """Forget pages everywhere; a row that stays without its page does no harm."""
        async with self.changing():
            self.withdraw(keys)
            try:
                async with self._database.transaction(EVERYTHING) as connection:
                    await page_index.drop_pages(connection, keys)
            except BeffroiError as error:
                _logger.warning("filler pages=%s state=not_dropped %s", len(keys), error)

    async def make_room(self, application: str, bytes_most: int) -> int:
        """Drop the least used pages until a site, then the machine, keeps to its room.

        A little more goes than has to: the next fills need no transaction for their room.

        Returns:
            How many pages went.
        """
        victims: list[PageKey] = []
        size = self._bytes[application]
        for key in self.keys_of(application) if size > bytes_most else ():
            if size <= bytes_most - bytes_most // _ROOM_AHEAD:
                break
            size -= self._pages[key].row.size_bytes
            victims.append(key)
        self.withdraw(victims)
        most = self._bytes_most
        enough = most - most // _ROOM_AHEAD if self._bytes_of_all > most else most
        while self._bytes_of_all > enough:
            victims.append(next(iter(self._pages)))
            self.withdraw(victims[-1:])
        if victims:
            await self.drop(victims)
        return len(victims)

    async def run(self) -> None:
        """Take each page out of sight when its life ends, and forget it when it serves no more."""
        committing = asyncio.create_task(self._committer.run(), name="page committer")
        try:
            while True:
                await self._wait_for_an_end()
                gone = self._end_due()
                for start in range(0, len(gone), _DROPPED_AT_ONCE):
                    await self.drop(gone[start : start + _DROPPED_AT_ONCE])
        finally:
            committing.cancel()

    async def _wait_for_an_end(self) -> None:
        self._ends_changed.clear()
        wait_s = self._ends[0][0] - self._clock.monotonic_s() if self._ends else None
        if wait_s is not None and wait_s <= 0:
            return
        try:
            async with asyncio.timeout(wait_s):
                await self._ends_changed.wait()
        except TimeoutError:
            return

    def _end_due(self) -> list[PageKey]:
        """Withdraw the links of pages past their life; return those of no more use at all."""
        now, gone = self._clock.monotonic_s(), []
        while self._ends and self._ends[0][0] <= now:
            at, key = heapq.heappop(self._ends)
            kept = self._pages.get(key)
            if kept is None or at not in {kept.fresh_until_s, _end_of(kept)}:
                continue
            if _end_of(kept) <= now:
                gone.append(key)
            else:
                self._files.withdraw(key)
                heapq.heappush(self._ends, (_end_of(kept), key))
        return gone

    def _put(self, kept: Kept) -> None:
        key, row = kept.row.key, kept.row
        # The new answer is counted first: one that stays the same keeps its files.
        self._shown[row.application, row.header_set, row.answer] += 1
        self._forget(key)
        self._pages[key] = kept
        self._of_application[row.application][key] = None
        self._bytes[row.application] += row.size_bytes
        self._bytes_of_all += row.size_bytes
        self._paths[row.host, row.path] += 1
        heapq.heappush(self._ends, (kept.fresh_until_s, key))
        self._ends_changed.set()

    def _forget(self, key: PageKey) -> None:
        kept = self._pages.pop(key, None)
        if kept is None:
            return
        row = kept.row
        del self._of_application[row.application][key]
        self._bytes[row.application] -= row.size_bytes
        self._bytes_of_all -= row.size_bytes
        self._paths[row.host, row.path] -= 1
        if not self._paths[row.host, row.path]:
            del self._paths[row.host, row.path]
        place = (row.application, row.header_set, row.answer)
        self._shown[place] -= 1
        if not self._shown[place]:
            del self._shown[place]
            self._files.forget_answer(*place)


def _end_of(kept: Kept) -> float:
    return max(kept.fresh_until_s, kept.while_until_s, kept.error_until_s)
