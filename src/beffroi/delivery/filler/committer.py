"""Pages that arrive together are committed together, in one statement."""

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from beffroi.delivery import page_index
from beffroi.delivery.page_model import PageRow
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError, UnavailableError

_WINDOW_S: Final = 0.002
_WAITING_MOST: Final = 2000
_COMMITTED_AT_ONCE: Final = 200
# Visitors wait for a commit: an index that is away holds up only the first of them.
_COMMIT_WITHIN_S: Final = 3.0
_AWAY_S: Final = 5.0


class _Waiting(msgspec.Struct, frozen=True, eq=False):
    row: PageRow
    tags: frozenset[str]
    may_show: Callable[[], bool]
    show: Callable[[], None]
    done: asyncio.Future[bool]


class PageCommitter:
    """Writes the pages of each window of 2 ms to the index in one commit, then shows them.

    ``changing`` is held meanwhile: who takes pages away holds it too. No page is shown without
    its row, and no row is written behind a purge.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue(_WAITING_MOST)
        self._away_until_s = 0.0
        self.changing = asyncio.Lock()

    async def keep(
        self,
        row: PageRow,
        tags: frozenset[str],
        may_show: Callable[[], bool],
        show: Callable[[], None],
    ) -> bool:
        """Return once the page is committed and shown, or is not to be.

        Raises:
            UnavailableError: PostgreSQL does not answer, or too many pages wait for it.
            OSError: It could not be shown.
        """
        loop = asyncio.get_running_loop()
        if loop.time() < self._away_until_s:
            raise UnavailableError("kernel.database_unreachable")
        done: asyncio.Future[bool] = loop.create_future()
        try:
            self._waiting.put_nowait(_Waiting(row, tags, may_show, show, done))
        except asyncio.QueueFull as error:
            waiting = self._waiting.qsize()
            raise UnavailableError("kernel.writes_overflow", waiting=waiting) from error
        return await done

    async def run(self) -> None:
        """Commit until cancelled."""
        while True:
            group = [await self._waiting.get()]
            await asyncio.sleep(_WINDOW_S)
            while not self._waiting.empty() and len(group) < _COMMITTED_AT_ONCE:
                group.append(self._waiting.get_nowait())
            async with self.changing:
                await self._settle(group)

    async def _settle(self, group: list[_Waiting]) -> None:
        wanted = [one for one in group if one.may_show()]
        failure: BeffroiError | None = None
        try:
            async with (
                asyncio.timeout(_COMMIT_WITHIN_S),
                self._database.transaction(EVERYTHING) as connection,
            ):
                await page_index.keep_pages(connection, [(one.row, one.tags) for one in wanted])
        except TimeoutError:
            failure = UnavailableError("kernel.database_unreachable")
        except BeffroiError as error:
            failure = error
        if isinstance(failure, UnavailableError):
            self._away_until_s = asyncio.get_running_loop().time() + _AWAY_S
        for one in group:
            _tell(one, failure, is_wanted=one in wanted)


def _tell(one: _Waiting, failure: BeffroiError | None, *, is_wanted: bool) -> None:
    error: Exception | None = failure if is_wanted else None
    if is_wanted and failure is None:
        try:
            one.show()
        except OSError as refused:
            error = refused
    if one.done.done():
        return
    if error is None:
        one.done.set_result(is_wanted)
    else:
        one.done.set_exception(error)
