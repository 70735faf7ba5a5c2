"""Makes the statements of a month, as drafts or for good."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Protocol

import msgspec

from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Connection, Database, Scope
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import ConflictError, NotFoundError
from beffroi.kernel.log import Event, append
from beffroi.ledger import correction_store
from beffroi.ledger import statement_store as store
from beffroi.ledger.correcting import drafted_corrections, late_amounts, unbilled_late
from beffroi.ledger.corrections import AskedCorrection, Correction, CorrectionKind
from beffroi.ledger.issuing import (
    issue_events,
    issued,
    platform_energy,
    require_last_reading,
    require_month_over,
    require_next_month,
    series_of,
    told_month,
)
from beffroi.ledger.model import (
    Accounts,
    LineRef,
    Statement,
    Usage,
)
from beffroi.ledger.month_records import MonthRecords, month_records
from beffroi.ledger.months import month_of
from beffroi.ledger.rating import segments
from beffroi.ledger.statements import statements_of
from beffroi.ledger.usage_sums import HostEnergy
from beffroi.territory.store import Versioned

# A counter is credited back for 40 days at most (metering.LONGEST_GAP): two months on, a month
# gains nothing any more.
_MONTHS_STILL_READ: Final = 2
_NOBODY: Final = "beffroi"


class MeteredUse(Protocol):
    """What statements ask of metering."""

    async def usage(self, scope: Scope, since: datetime, until: datetime) -> Sequence[Usage]:
        """Return what each application used over a time."""
        ...

    async def host_energy(self, since: datetime, until: datetime) -> Sequence[HostEnergy]:
        """Return what each host took over a time and how it was divided."""
        ...

    async def read_until(self) -> datetime | None:
        """Return when meters were read last; nothing before the first time."""
        ...


class _LateUse(msgspec.Struct, frozen=True):
    """A month issued already, with its use as it is recorded now."""

    kept: MonthRecords
    usage: tuple[Usage, ...]


class MonthIssuing:
    """Reads what a month used, and what came late of the months before."""

    def __init__(self, database: Database, use: MeteredUse, clock: Clock) -> None:
        self._database = database
        self._use = use
        self._clock = clock

    async def draft(self, month: date) -> tuple[Statement, ...]:
        """Make the statements of a month as they would be now; keep nothing."""
        async with self._database.transaction(EVERYTHING) as connection:
            held = await accounts_that_hold(connection)
            before = await _issued_before(connection, month)
        usage = await self.usage(held.document, month)
        late = [await self._late_use(kept) for kept in before]
        async with self._database.transaction(EVERYTHING) as connection:
            corrections = list(await correction_store.open_corrections(connection, month))
            for one in late:
                stated = await store.statements_of_month(connection, one.kept.month)
                amounts = await _late_amounts(connection, one, stated, held.document)
                first = max((one.id for one in corrections), default=0) + 1
                corrections += drafted_corrections(amounts, stated, first)
        records = month_records(held.document, held.version, month, usage, corrections)
        return await asyncio.to_thread(statements_of, records)

    async def issue(
        self, actor_name: str, month: date, *, without_last_reading: bool
    ) -> tuple[Statement, ...]:
        """Issue the statements of a month; see ``StatementService.issue``."""
        require_month_over(month, self._clock.now())
        async with self._database.transaction(EVERYTHING) as connection:
            held = await accounts_that_hold(connection)
            require_next_month(month, await store.last_issued_month(connection))
            before = await _issued_before(connection, month)
        read_until = await self._use.read_until()
        if not without_last_reading:
            require_last_reading(month, read_until)
        usage = await self.usage(held.document, month)
        late = [await self._late_use(kept) for kept in before]
        async with self._database.transaction(EVERYTHING) as connection:
            await store.lock_issuing(connection)
            await correction_store.lock_corrections(connection)
            require_next_month(month, await store.last_issued_month(connection))
            if (await accounts_that_hold(connection)).version != held.version:
                raise ConflictError("kernel.changed_meanwhile")
            await self._keep_late(connection, late, held.document)
            corrections = await correction_store.open_corrections(connection, month)
            records = month_records(held.document, held.version, month, usage, corrections)
            if read_until is not None and read_until < month_of(month).ends_at:
                records = msgspec.structs.replace(records, read_until=read_until)
            drafts = await asyncio.to_thread(statements_of, records)
            if not drafts:
                raise ConflictError("ledger.nothing_to_issue", month=told_month(month))
            statements = await self._keep(connection, actor_name, records, drafts)
            await append(connection, *_unbilled_events(late, held.document))
            return statements

    async def usage(self, accounts: Accounts, month: date) -> tuple[Usage, ...]:
        """Ask for the use of each segment, and the energy that no application answers for."""
        found: list[Usage] = []
        for span in segments(accounts, month):
            since, until = span.begins_at, span.ends_at
            found += await self._use.usage(EVERYTHING, since, until)
            found += platform_energy(await self._use.host_energy(since, until), span)
        return tuple(found)

    async def _late_use(self, kept: MonthRecords) -> _LateUse:
        return _LateUse(kept, await self.usage(kept.accounts, kept.month))

    async def _keep_late(
        self, connection: Connection, late: Sequence[_LateUse], accounts: Accounts
    ) -> None:
        """Add corrections of what was recorded after its month was issued, each once."""
        for one in late:
            stated = await store.statements_of_month(connection, one.kept.month)
            amounts = await _late_amounts(connection, one, stated, accounts)
            for drafted in drafted_corrections(amounts, stated, 0):
                asked = AskedCorrection(
                    id=0,
                    body=drafted.body,
                    statement=drafted.corrects.statement,
                    line=drafted.corrects.line,
                    amount_eur=drafted.amount_eur,
                    reason="",
                    actor=_NOBODY,
                    asked_at=self._clock.now(),
                    kind=CorrectionKind.LATE_USE,
                )
                await correction_store.insert_correction(
                    connection, _organisations(stated, drafted), asked
                )

    async def _keep(
        self,
        connection: Connection,
        actor_name: str,
        records: MonthRecords,
        drafts: Sequence[Statement],
    ) -> tuple[Statement, ...]:
        now, prefix = self._clock.now(), records.accounts.issuer.number_prefix
        series = [series_of(prefix, draft.body) for draft in drafts]
        firsts = {
            one: await store.take_numbers(connection, one, records.month.year, series.count(one))
            for one in sorted(set(series))
        }
        statements = issued(drafts, prefix, firsts, now)
        await store.insert_month(connection, records, actor_name, now)
        for statement in statements:
            await store.insert_statement(connection, statement)
        numbers = {statement.body.name: statement.number for statement in statements}
        for one in records.corrections:
            await correction_store.settle_correction(connection, one.id, numbers[one.body])
        await append(connection, *issue_events(statements))
        return tuple(sorted(statements, key=lambda one: one.number))


async def accounts_that_hold(connection: Connection) -> Versioned[Accounts]:
    """Return the accounts applied last.

    Raises:
        NotFoundError: There are none.
    """
    held = await store.current_accounts(connection)
    if held is None:
        raise NotFoundError("ledger.no_accounts")
    return held


async def _issued_before(connection: Connection, month: date) -> Sequence[MonthRecords]:
    newest = await store.newest_issued(connection, _MONTHS_STILL_READ)
    return [kept for kept in newest if kept.month < month]


def _unbilled_events(late: Sequence[_LateUse], accounts: Accounts) -> Iterator[Event]:
    for one in late:
        body = {"month": told_month(one.kept.month)}
        for name in unbilled_late(one.kept, one.usage, accounts.bodies):
            yield Event("ledger.late_use_unbilled", name, "", body)


async def _late_amounts(
    connection: Connection, late: _LateUse, stated: Sequence[Statement], accounts: Accounts
) -> Mapping[LineRef, Decimal]:
    billed = await correction_store.late_amounts(connection, late.kept.month)
    return await asyncio.to_thread(
        late_amounts, late.kept, late.usage, stated, billed, accounts.bodies
    )


def _organisations(stated: Sequence[Statement], drafted: Correction) -> Sequence[str]:
    (found,) = (one for one in stated if one.number == drafted.corrects.statement)
    return found.body.organisations
