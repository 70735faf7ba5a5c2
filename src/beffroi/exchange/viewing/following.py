"""What is written, told to those of this process who look at it: one reader of the log for all.

Nothing is read while nobody looks. Whoever follows one entity misses none of its changes; whoever
follows all is told that more changed where that is too much to name.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

import msgspec

from beffroi.exchange.model import Iri
from beffroi.exchange.subscriptions.moments import ENTITY_KINDS
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError
from beffroi.kernel.log import Entry, LogWatch
from beffroi.kernel.log.entries import (
    last_seq,
    organisations_between,
    read_of_kinds,
    read_of_subjects,
)

_logger = logging.getLogger(__name__)
_REST_S: Final = 1.0
"""Between two looks at the log, however much is written."""
_RETRY_S: Final = 2.0
_NAMED_MOST: Final = 500
FOLLOWERS_MOST: Final = 200
_KINDS: Final = tuple(ENTITY_KINDS)


class Change(msgspec.Struct, frozen=True):
    """That an entity changed.

    Attributes:
        organisation: Whose entity.
        attributes: Which of its attributes did.
    """

    tenant: str
    organisation: str
    id: str
    attributes: frozenset[Iri]


class _LoggedChange(msgspec.Struct):
    attribute: Iri = ""


class _Logged(msgspec.Struct):
    """What of an entry's body is looked at; an erasure may have left nothing of it."""

    tenant: str = ""
    changes: tuple[_LoggedChange, ...] = ()


class Following:
    """What one who looks has not been told yet.

    Attributes:
        entity: Which entity; nothing: all.
        is_over: Nothing will be told any more.
    """

    def __init__(self, entity: tuple[str, str] | None) -> None:
        self.entity = entity
        self.is_over = False
        self._woken = asyncio.Event()
        self._changes: list[Change] = []
        self._more: set[str] = set()

    def tell(self, changes: Sequence[Change], more: Iterable[str] = ()) -> None:
        """Add what changed, and the organisations of which more did."""
        self._changes += changes
        self._more.update(more, (one.organisation for one in self._changes[_NAMED_MOST:]))
        del self._changes[_NAMED_MOST:]
        self._woken.set()

    def end(self) -> None:
        """Tell that nothing will be told any more."""
        self.is_over = True
        self._woken.set()

    async def changes(self, within_s: float) -> tuple[Sequence[Change], frozenset[str]]:
        """Return what changed since the last time, as soon as anything does.

        Args:
            within_s: How long to wait for it.

        Returns:
            The changes, and the organisations of which more changed.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._woken.wait()
        self._woken.clear()
        found, self._changes = self._changes, []
        more, self._more = frozenset(self._more), set()
        return found, more


class Followed:
    """Reads the log for those who look; ``run`` is the background part.

    Attributes:
        is_over: It was run and is no more: nobody is told anything.
    """

    def __init__(self, database: Database, watch: LogWatch) -> None:
        self.is_over = False
        self._database = database
        self._watch = watch
        self._followings: set[Following] = set()
        self._wanted = asyncio.Event()

    @property
    def count(self) -> int:
        """Return how many look."""
        return len(self._followings)

    @contextmanager
    def following(self, entity: tuple[str, str] | None) -> Iterator[Following]:
        """Follow an entity of a tenant, or all; from now on."""
        one = Following(entity)
        one.is_over = self.is_over
        self._followings.add(one)
        self._wanted.set()
        try:
            yield one
        finally:
            self._followings.discard(one)

    async def run(self) -> None:
        """Read while anybody looks, until cancelled; then tell them that it is over."""
        try:
            while True:
                await self._wanted.wait()
                await self._read_on()
                self._wanted.clear()
                if self._followings:
                    self._wanted.set()
        finally:
            # A browser that was let go comes again while the platform still stops.
            self.is_over = True
            for one in self._followings:
                one.end()

    async def _read_on(self) -> None:
        seq: int | None = None
        async with self._watch.waiter(_KINDS) as grown:
            while self._followings:
                grown.clear()
                try:
                    seq = await self._read(seq)
                except BeffroiError as error:
                    _logger.debug("exchange following=waiting %s", error)
                    await asyncio.sleep(_RETRY_S)
                    continue
                await asyncio.sleep(_REST_S)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_RETRY_S):
                        await grown.wait()

    async def _read(self, seq: int | None) -> int:
        followings = list(self._followings)
        ids = sorted({one.entity[1] for one in followings if one.entity is not None})
        async with self._database.transaction(EVERYTHING) as connection:
            last = await last_seq(connection)
            if seq is None or last == seq:
                return last
            of_ids = await read_of_subjects(connection, _KINDS, ids, (seq, last)) if ids else ()
            every: Sequence[Entry] = ()
            more: frozenset[str] = frozenset()
            if any(one.entity is None for one in followings):
                every, _ = await read_of_kinds(connection, _KINDS, seq, _NAMED_MOST)
                if len(every) == _NAMED_MOST:
                    rest = (every[-1].seq, last)
                    more = await organisations_between(connection, _KINDS, rest)
        _share(followings, [_change(one) for one in of_ids], [_change(one) for one in every], more)
        return last


def _share(
    followings: Iterable[Following],
    of_ids: Sequence[Change],
    every: Sequence[Change],
    more: frozenset[str],
) -> None:
    for one in followings:
        if one.entity is None:
            if every:
                one.tell(every, more)
        elif told := [change for change in of_ids if (change.tenant, change.id) == one.entity]:
            one.tell(told)


def _change(entry: Entry) -> Change:
    body = msgspec.convert(entry.body, _Logged)
    names = frozenset(one.attribute for one in body.changes)
    return Change(body.tenant, entry.organisation, entry.subject, names)
