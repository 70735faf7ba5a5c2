"""What becomes of flows, counted in memory and written every other second."""

import asyncio
import logging
from collections import deque
from datetime import datetime
from typing import Final

from beffroi.exchange.flows import door_store, journal_store
from beffroi.exchange.flows.door_store import Door, DoorNews
from beffroi.exchange.flows.journal_store import REFUSED_KEPT, FlowNews, NewRefused
from beffroi.exchange.flows.model import ToldError
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError

_logger = logging.getLogger(__name__)
_PERIOD_S: Final = 2.0
_SWEEP_S: Final = 3_600.0
_TOLD_LENGTH: Final = 500
_FLOWS_MOST: Final = 10_000
Key = tuple[str, str]


class FlowJournal:
    """Counts what flows carry and refuse; one for each process.

    Nothing here waits for the database: what a process had not written when it was killed is
    missing from the counts, and from nothing else.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._news: dict[Key, FlowNews] = {}
        self._refused: dict[Key, deque[NewRefused]] = {}
        self._failing: set[Key] = set()
        self._doors: dict[tuple[str, Door], DoorNews] = {}

    async def run(self) -> None:
        """Write until cancelled, and once more then."""
        sweep_at = 0.0
        try:
            while True:
                await self._clock.sleep(_PERIOD_S)
                await self._try_to_write()
                if self._clock.monotonic_s() >= sweep_at:
                    sweep_at = self._clock.monotonic_s() + _SWEEP_S
                    await self._sweep()
        finally:
            await self._try_to_write()

    def carried(
        self, organisation: str, name: str, count: int = 1, observed_at: datetime | None = None
    ) -> None:
        """Count what a flow carried.

        Args:
            organisation: Whose flow.
            name: Which.
            count: How many things.
            observed_at: When the newest of them was so in the world.
        """
        news = self._of(organisation, name)
        now = self._clock.now()
        news.carried += count
        news.last_carried_at = now
        if observed_at is not None:
            last = news.last_observed_at
            news.last_observed_at = observed_at if last is None else max(last, observed_at)
            news.lag_s = max(0.0, (now - observed_at).total_seconds())
        self.recovered(organisation, name)

    def refused(
        self, organisation: str, name: str, error: BeffroiError, count: int = 1, told: str = ""
    ) -> None:
        """Count what a flow could not carry, and keep an excerpt; the last 20 are kept."""
        news = self._of(organisation, name)
        news.refused += count
        news.error = ToldError.of(error, self._clock.now())
        kept = self._refused.setdefault((organisation, name), deque(maxlen=REFUSED_KEPT))
        kept.append(
            NewRefused(
                organisation=organisation,
                name=name,
                error=news.error,
                told=told[:_TOLD_LENGTH].replace("\0", "\ufffd"),
            )
        )

    def sent(self, organisation: str, name: str, count: int, observed_at: datetime | None) -> None:
        """Count what an outgoing flow handed over; its lag is told apart."""
        news = self._of(organisation, name)
        lag_s = news.lag_s
        self.carried(organisation, name, count, observed_at)
        news.lag_s = lag_s

    def buried(self, organisation: str, name: str, error: BeffroiError) -> None:
        """Count a dead letter that is kept elsewhere."""
        news = self._of(organisation, name)
        news.refused += 1
        news.error = ToldError.of(error, self._clock.now())

    def failed(self, organisation: str, name: str, error: BeffroiError) -> None:
        """Note that a flow cannot carry for now."""
        news = self._of(organisation, name)
        now = self._clock.now()
        news.failing_since = news.failing_since or now
        news.error = ToldError.of(error, now)
        news.is_well = False
        if (organisation, name) not in self._failing:
            self._failing.add((organisation, name))
            _logger.warning("flow organisation=%s name=%s failing %s", organisation, name, error)

    def recovered(self, organisation: str, name: str) -> None:
        """Note that a flow can carry again."""
        news = self._of(organisation, name)
        news.failing_since = None
        news.is_well = True
        if (organisation, name) in self._failing:
            self._failing.discard((organisation, name))
            _logger.info("flow organisation=%s name=%s recovered", organisation, name)

    def lagging(self, organisation: str, name: str, lag_s: float) -> None:
        """Note how far a flow is behind."""
        self._of(organisation, name).lag_s = lag_s

    def came_in(self, organisation: str, door: Door, carried: int, refused: int) -> None:
        """Count what came in by a door that is no flow."""
        before = self._doors.get((organisation, door))
        if before is not None:
            carried, refused = before.carried + carried, before.refused + refused
        elif len(self._doors) >= _FLOWS_MOST:
            return
        self._doors[organisation, door] = DoorNews(
            organisation=organisation, door=door, carried=carried, refused=refused
        )

    async def write(self) -> None:
        """Write what is not written yet, now."""
        news, self._news = self._news, {}
        refused, self._refused = self._refused, {}
        doors, self._doors = self._doors, {}
        if not news and not refused and not doors:
            return
        try:
            async with self._database.transaction(EVERYTHING) as connection:
                if news:
                    await journal_store.write_news(connection, list(news.values()))
                if kept := [one for of_flow in refused.values() for one in of_flow]:
                    await journal_store.add_refused(connection, kept)
                if doors:
                    await door_store.add_minute(connection, list(doors.values()))
        except (BeffroiError, asyncio.CancelledError):
            self._take_back(news, refused)
            for one in doors.values():
                self.came_in(one.organisation, one.door, one.carried, one.refused)
            raise

    def _of(self, organisation: str, name: str) -> FlowNews:
        key = (organisation, name)
        news = self._news.get(key)
        if news is None:
            news = FlowNews(organisation=organisation, name=name)
            if len(self._news) < _FLOWS_MOST:
                self._news[key] = news
        return news

    def _take_back(self, news: dict[Key, FlowNews], refused: dict[Key, deque[NewRefused]]) -> None:
        """Keep what could not be written for the next time; what is newer prevails."""
        for key, one in news.items():
            newer = self._news.setdefault(key, one)
            if newer is not one:
                newer.carried += one.carried
                newer.refused += one.refused
                newer.last_carried_at = newer.last_carried_at or one.last_carried_at
                newer.last_observed_at = newer.last_observed_at or one.last_observed_at
                newer.error = newer.error or one.error
                if newer.failing_since is None and not newer.is_well:
                    newer.failing_since, newer.is_well = one.failing_since, one.is_well
        for key, items in refused.items():
            items.extend(self._refused.get(key, ()))
            self._refused[key] = items

    async def _try_to_write(self) -> None:
        try:
            await self.write()
        except BeffroiError as error:
            _logger.debug("flow journal state=waiting %s", error)

    async def _sweep(self) -> None:
        try:
            async with self._database.transaction(EVERYTHING) as connection:
                await journal_store.forget_old(connection, self._clock.now())
        except BeffroiError as error:
            _logger.debug("flow journal state=waiting %s", error)
