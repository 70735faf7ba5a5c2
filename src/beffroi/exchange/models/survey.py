"""Looks at all entities, a few at a time, and keeps what it saw of each type."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from random import Random
from typing import Final

from beffroi.exchange.asking.reach import EVERYWHERE, Realm
from beffroi.exchange.model import Iri
from beffroi.exchange.models import store
from beffroi.exchange.models.rules import rules_by_group
from beffroi.exchange.models.series import Point
from beffroi.exchange.models.store import GroupKey
from beffroi.exchange.models.tally import Judgement, Rules, Sampled, Tally
from beffroi.exchange.viewing import store as view_store
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database
from beffroi.kernel.database.leading import lead
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import UnavailableError
from beffroi.kernel.log.entries import CHANNEL

QUIET_S: Final = 300.0
"""Between two surveys where nothing happens: silence grows all the same."""
REST_S, REST_MOST_S = 5.0, 160.0
"""Between two surveys at least: twice as long each time, as long as something is written."""
SHARE: Final = 0.05
"""Of the time, what surveys may take."""
POINTS: Final = 200
_CHUNK: Final = 500
_REST_MOST_S: Final = 2.0
_LEADER_LOCK: Final = 0x737276
_GROUPS_MOST: Final = 5_000
_NO_RULES: Final = Rules()
_logger = logging.getLogger(__name__)


class Surveyor:
    """Surveys types; one process at a time does, the others wait to take over."""

    def __init__(self, database: Database, clock: Clock, chance: Random | None = None) -> None:
        self._database = database
        self._clock = clock
        self._chance = chance or Random()  # noqa: S311 - a sample, no secret

    async def run(self) -> None:
        """Survey until cancelled."""
        await lead(self._database, _LEADER_LOCK, CHANNEL, self._serve)

    async def survey(self, *, rests: bool = False) -> Mapping[GroupKey, Judgement]:
        """Look at every entity once, and keep what was seen.

        Args:
            rests: Whether to leave most of the time to others.
        """
        pace = _Pace(rests=rests)
        async with self._database.transaction(EVERYTHING) as connection:
            rules = rules_by_group(await store.held_models(connection))
            tenants = await store.tenants(connection)
        tallies: dict[GroupKey, Tally] = {}
        for tenant in tenants:
            await self._count(tenant, rules, tallies, pace)
        now = self._clock.now()
        judged = {key: await self._judged(key, one, now, pace) for key, one in tallies.items()}
        async with self._database.transaction(EVERYTHING) as connection:
            await store.keep_survey(connection, judged, now)
        return judged

    async def _serve(self, woken: asyncio.Event) -> None:
        rest_s = REST_S
        while True:
            woken.clear()
            await self._survey_or_tell()
            await asyncio.sleep(rest_s)
            rest_s = min(REST_MOST_S, 2 * rest_s) if woken.is_set() else REST_S
            with suppress(TimeoutError):
                async with asyncio.timeout(QUIET_S):
                    await woken.wait()

    async def _survey_or_tell(self) -> None:
        try:
            await self.survey(rests=True)
        except UnavailableError:
            raise
        except Exception:
            _logger.exception("BUG in survey")

    async def _count(
        self,
        tenant: str,
        rules: Mapping[GroupKey, Rules],
        tallies: dict[GroupKey, Tally],
        pace: "_Pace",
    ) -> None:
        after = 0
        while True:
            pace.begin()
            async with self._database.transaction(EVERYTHING) as connection:
                rows = await store.chunk(connection, tenant, after, _CHUNK)
            for number, organisation, entity in rows:
                after = number
                for iri in entity.types:
                    key = (tenant, organisation, iri)
                    tally = tallies.get(key)
                    if tally is None:
                        if len(tallies) >= _GROUPS_MOST:
                            continue
                        tally = tallies[key] = Tally(rules.get(key, _NO_RULES), self._chance)
                    tally.add(entity)
            if len(rows) < _CHUNK:
                return
            await pace.rest()

    async def _judged(self, key: GroupKey, tally: Tally, now: datetime, pace: "_Pace") -> Judgement:
        series: dict[str, Mapping[Iri, Sequence[Point]]] = {}
        for one in tally.sample:
            pace.begin()
            series[one.id] = await self._series(key[0], one)
            await pace.rest()
        return tally.judged(series, now)

    async def _series(self, tenant: str, one: Sampled) -> Mapping[Iri, Sequence[Point]]:
        async with self._database.transaction(EVERYTHING) as connection:
            return await view_store.latest_numbers(
                connection, Realm(tenant, EVERYWHERE), one.id, one.numeric, POINTS
            )


class _Pace:
    """Leaves most of the time to others."""

    def __init__(self, *, rests: bool) -> None:
        self._rests = rests
        self._began = 0.0

    def begin(self) -> None:
        """Note when a piece of work starts."""
        self._began = asyncio.get_running_loop().time()

    async def rest(self) -> None:
        """Rest in proportion to how long it took."""
        took_s = asyncio.get_running_loop().time() - self._began
        await asyncio.sleep(min(_REST_MOST_S, took_s * (1 / SHARE - 1)) if self._rests else 0)
