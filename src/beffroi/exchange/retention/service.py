"""Retention: declared by organisations, carried out in the background."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from beffroi.exchange import store as entity_store
from beffroi.exchange.retention import rollup_store, store
from beffroi.exchange.retention.errors import RetentionRefusedError, RetentionUnknownError
from beffroi.exchange.retention.model import Retention
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError
from beffroi.kernel.rights.model import Actor, Permission

_logger = logging.getLogger(__name__)
# Transactions that write end within it: nothing comes to light that was written before.
_SETTLED: Final = timedelta(minutes=5)
_ROLLED_AT_ONCE: Final = timedelta(hours=1)
_EVERY_S: Final = 900.0
_FORGOTTEN_AT_ONCE: Final = 5_000


class Retentions:
    """Declares how long history is kept, and keeps it so long; ``run`` is the background part."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def put(
        self, actor: Actor, retention: Retention, organisation: str | None = None
    ) -> None:
        """Declare how long a type is kept, in the place of what was declared.

        Raises:
            RetentionRefusedError: Figures would go before what they are reckoned from.
        """
        owner = organisation or actor.organisation
        actor.require(Permission.WRITE_DATA, owner)
        if retention.rolled_days < retention.raw_days:
            raise RetentionRefusedError(
                "exchange.retention_order",
                raw_days=retention.raw_days,
                rolled_days=retention.rolled_days,
            )
        async with self._database.transaction(EVERYTHING) as connection:
            await entity_store.add_tenants(connection, [retention.tenant])
            await store.put(connection, owner, retention)

    async def remove(
        self, actor: Actor, type_iri: str, tenant: str = "", organisation: str | None = None
    ) -> None:
        """Keep a type for ever again.

        Raises:
            RetentionUnknownError: Nothing was declared of it.
        """
        owner = organisation or actor.organisation
        actor.require(Permission.WRITE_DATA, owner)
        async with self._database.transaction(EVERYTHING) as connection:
            if not await store.remove(connection, owner, tenant, type_iri):
                raise RetentionUnknownError("exchange.retention_unknown", type=type_iri)

    async def declared(self, actor: Actor, organisation: str | None = None) -> Sequence[Retention]:
        """Return what an organisation declared, by tenant and type."""
        async with self._database.transaction(actor.scope) as connection:
            return await store.declared(connection, organisation or actor.organisation)

    async def run(self) -> None:
        """Roll up and let go until cancelled; what fails is tried again the next time."""
        while True:
            try:
                await self.roll_up()
                await self.let_go()
            except BeffroiError as error:
                _logger.warning("retention state=failing %s", error)
            await asyncio.sleep(_EVERY_S)

    async def roll_up(self) -> int:
        """Add what was written since the last time; return how many figures were touched."""
        end = self._clock.now() - _SETTLED
        count = 0
        while True:
            async with self._database.transaction(EVERYTHING) as connection:
                begun = await rollup_store.rolled_until(connection, hold=True)
                begun = begun or await rollup_store.first_day(connection) or end
                until = min(end, begun + _ROLLED_AT_ONCE)
                if until <= begun:
                    return count
                count += await rollup_store.roll_up(connection, begun, until)

    async def let_go(self) -> int:
        """Let go what is past its retention, in small steps; return how many rows or days."""
        now = self._clock.now()
        today = now.date()
        async with self._database.transaction(EVERYTHING) as connection:
            days = await store.days_to_look_at(connection, today)
        gone = 0
        for day in days:
            gone += await self._let_day_go(day, today)
        return gone + await self._let_rollups_go(now)

    async def _let_day_go(self, day: date, today: date) -> int:
        async with self._database.transaction(EVERYTHING) as connection:
            is_past = await store.all_past(connection, day, today)
        if is_past:
            # It waits for those who correct, holding nothing that they wait for.
            async with self._database.transaction(EVERYTHING) as connection:
                await store.drop_day(connection, day)
            _logger.info("retention day=%s state=dropped", day)
            return 1
        gone = 0
        while True:
            async with self._database.transaction(EVERYTHING) as connection:
                await rollup_store.rolled_until(connection, hold=True)
                count = await store.forget_instances(
                    connection, day, today, most=_FORGOTTEN_AT_ONCE
                )
            gone += count
            if count < _FORGOTTEN_AT_ONCE:
                return gone

    async def _let_rollups_go(self, now: datetime) -> int:
        gone = 0
        while True:
            async with self._database.transaction(EVERYTHING) as connection:
                count = await store.forget_rollups(connection, now, most=_FORGOTTEN_AT_ONCE)
            gone += count
            if count < _FORGOTTEN_AT_ONCE:
                return gone
