"""Counts what applications use, and tells how much it was."""

import logging
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from beffroi.kernel.database import Database, Scope
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.ledger import usage_store
from beffroi.ledger.metering import (
    LONGEST_GAP,
    Meter,
    MeteredHost,
    MeterReading,
    MeterRound,
    SuspectReading,
    read_round,
)
from beffroi.ledger.model import Usage
from beffroi.ledger.months import PARIS, instant_of
from beffroi.ledger.usage_records import host_energy_records, host_shares, usage_records
from beffroi.ledger.usage_store import Step, StepsWanted
from beffroi.ledger.usage_sums import HostEnergy, usage_of

_logger = logging.getLogger(__name__)
# A statement is made in the month that follows, and may be disputed for two months (CGCT L1617-5).
MINUTES_KEPT_MONTHS: Final = 4
# Accounts are kept for ten years (Code de commerce L123-22).
HOURS_KEPT_MONTHS: Final = 120
_SUSPECTS_KEPT: Final = timedelta(days=400)
_MADE_AHEAD: Final = timedelta(days=10)


class MeteringService:
    """Counts each reading once, and sums what was counted."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._told: set[tuple[str, Meter]] = set()

    async def record(
        self, readings: Sequence[MeterReading], hosts: Sequence[MeteredHost] = ()
    ) -> MeterRound:
        """Count what was used since the readings before, in one commit.

        Args:
            readings: Of one moment; a meter that is left out is counted when it is read again.
            hosts: Those whose energy is divided: their ``HOST_CPU_S`` is among the readings.

        Returns:
            What each meter gave, and what was put aside.
        """
        async with self._database.transaction(EVERYTHING) as connection:
            earlier = await usage_store.begin_round(connection)
            found = read_round(earlier, readings, hosts)
            shares = host_shares(found.gains, hosts)
            await usage_store.add_usage(
                connection, usage_records(found.gains, shares), host_energy_records(shares)
            )
            await usage_store.keep_readings(connection, found.kept)
            if found.suspects:
                await usage_store.keep_suspects(connection, found.suspects)
        self._tell(found)
        return found

    async def usage(self, scope: Scope, since: datetime, until: datetime) -> tuple[Usage, ...]:
        """Return what each application used, ordered by name.

        Each is told from its first record to its last: an application that came or went meanwhile
        has no minutes missing. Of months past the limit for minutes the times are whole hours.
        """
        async with self._database.transaction(scope) as connection:
            sums = await usage_store.usage_sums(connection, since, until)
        return tuple(
            usage_of(one, max(since, one.begins_at), min(until, one.ends_at)) for one in sums
        )

    async def total_by_hour(
        self, scope: Scope, since: datetime, until: datetime
    ) -> tuple[Usage, ...]:
        """Return what all applications used together in each hour, oldest first."""
        wanted = StepsWanted(Step.HOUR, PARIS, together=True)
        return await self._steps(scope, since, until, wanted)

    async def usage_by_day(
        self,
        scope: Scope,
        since: datetime,
        until: datetime,
        application: str | None = None,
        organisations: Sequence[str] | None = None,
    ) -> tuple[Usage, ...]:
        """Return what was used on each day in Paris, oldest first.

        Args:
            scope: Whose records may be seen.
            since: The first moment.
            until: The last one, not included.
            application: That one alone; nothing for all.
            organisations: Theirs alone; nothing for all.
        """
        owners = None if organisations is None else tuple(organisations)
        wanted = StepsWanted(Step.DAY, PARIS, application, owners)
        return await self._steps(scope, since, until, wanted)

    async def read_until(self) -> datetime | None:
        """Return when meters were read last; nothing before the first time."""
        async with self._database.transaction(EVERYTHING) as connection:
            return await usage_store.last_reading_at(connection)

    async def host_energy(self, since: datetime, until: datetime) -> tuple[HostEnergy, ...]:
        """Return what each host took and how it was divided."""
        async with self._database.transaction(EVERYTHING) as connection:
            return tuple(await usage_store.host_energy_sums(connection, since, until))

    async def suspects(self, since: datetime) -> tuple[SuspectReading, ...]:
        """Return the readings put aside since a moment, newest first, 1000 at most."""
        async with self._database.transaction(EVERYTHING) as connection:
            return tuple(await usage_store.suspect_readings(connection, since))

    async def keep_up(self, now: datetime) -> None:
        """Make the partitions to come; fold and drop those past their limits. Once a day is due.

        Months fold one by one, each in its own commit.
        """
        async with self._database.transaction(EVERYTHING) as connection:
            await usage_store.keep_months(connection, (now, now + _MADE_AHEAD))
            await usage_store.forget_readings(connection, now - LONGEST_GAP)
            await usage_store.forget_suspects(connection, now - _SUSPECTS_KEPT)
            months = await usage_store.kept_months(connection)
        for one in months:
            age = _months_between(one.month, now.astimezone(UTC).date())
            # A clock that jumps ahead makes months old, and none that come after them.
            followed_by = sum(1 for other in months if other.month > one.month)
            if age > HOURS_KEPT_MONTHS and followed_by > HOURS_KEPT_MONTHS:
                async with self._database.transaction(EVERYTHING) as connection:
                    await usage_store.drop_month(connection, one.month)
                _logger.info("ledger month=%s records deleted: ten years have passed", one.month)
            elif age > MINUTES_KEPT_MONTHS and not one.folded:
                async with self._database.transaction(EVERYTHING) as connection:
                    await usage_store.fold_month(connection, one.month)
                _logger.info("ledger month=%s minutes folded into hours", one.month)

    async def _steps(
        self, scope: Scope, since: datetime, until: datetime, wanted: StepsWanted
    ) -> tuple[Usage, ...]:
        async with self._database.transaction(scope) as connection:
            found = await usage_store.step_sums(connection, since, until, wanted)
        return tuple(
            usage_of(one.sums, max(one.begin, since), min(_end_of(one.begin, wanted.step), until))
            for one in found
        )

    def _tell(self, found: MeterRound) -> None:
        """Warn of a meter when it turns suspect, not again until it is well."""
        for suspect in found.suspects:
            reading = suspect.reading
            key = (reading.subject, reading.meter)
            if key not in self._told:
                self._told.add(key)
                _logger.warning(
                    "ledger subject=%s meter=%s reason=%s value=%s before=%s put aside",
                    *(reading.subject, reading.meter, suspect.reason),
                    *(reading.value, suspect.before),
                )
        doubtful = {(one.reading.subject, one.reading.meter) for one in found.suspects}
        self._told -= {(one.subject, one.meter) for one in found.kept} - doubtful


def _end_of(begin: datetime, step: Step) -> datetime:
    if step is Step.HOUR:
        return begin + timedelta(hours=1)
    return instant_of(begin.astimezone(PARIS).date() + timedelta(days=1))


def _months_between(month: date, today: date) -> int:
    return (today.year - month.year) * 12 + today.month - month.month
