"""What people ask of statements: apply accounts, draft, issue, correct, read, replay."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol, TypeVar

import msgspec

from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Connection, Database, Scope
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import ConflictError, InvalidInputError, NotFoundError
from beffroi.kernel.log import Event, append
from beffroi.kernel.operations import Operations, Progress
from beffroi.kernel.rights.model import Actor, Permission
from beffroi.ledger import statement_store as store
from beffroi.ledger.accounts_file import AccountsChange, accounts_changes, load_accounts
from beffroi.ledger.cents import plain_eur
from beffroi.ledger.issuing import (
    issue_events,
    issued,
    platform_energy,
    require_month_over,
    require_next_month,
    told_month,
)
from beffroi.ledger.model import Accounts, LineRef, Statement, Usage
from beffroi.ledger.month_records import MonthRecords, month_records
from beffroi.ledger.rating import segments
from beffroi.ledger.statement_store import AskedCorrection, IssuedMonth
from beffroi.ledger.statements import LineDifference, replayed, statements_of
from beffroi.ledger.usage_sums import HostEnergy
from beffroi.territory.store import Versioned

ResultT = TypeVar("ResultT")
_REASON_LENGTH: Final = 500
_LARGEST: Final = Decimal(1_000_000_000)
_CENT: Final = Decimal("0.01")


class MeteredUse(Protocol):
    """What statements ask of metering."""

    async def usage(self, scope: Scope, since: datetime, until: datetime) -> Sequence[Usage]:
        """Return what each application used over a time."""
        ...

    async def host_energy(self, since: datetime, until: datetime) -> Sequence[HostEnergy]:
        """Return what each host took over a time and how it was divided."""
        ...


class AppliedAccounts(msgspec.Struct, frozen=True):
    """The version that holds, and what changed to reach it: nothing when the file says the same."""

    version: int
    changes: tuple[AccountsChange, ...]


class StatementService:
    """Makes statements, and keeps what was issued as it was issued."""

    def __init__(
        self, database: Database, operations: Operations, use: MeteredUse, clock: Clock
    ) -> None:
        self._database = database
        self._operations = operations
        self._use = use
        self._clock = clock

    async def accounts(self, actor: Actor) -> Versioned[Accounts] | None:
        """Return the accounts that hold, or nothing before the first ones are applied."""
        actor.require(Permission.RUN_PLATFORM, "")
        async with self._database.transaction(actor.scope) as connection:
            return await store.current_accounts(connection)

    async def difference(self, actor: Actor, file: Path) -> tuple[AccountsChange, ...]:
        """Tell what applying a file of accounts would change; change nothing.

        Raises:
            TerritoryInvalidError: The file has mistakes.
        """
        asked = await asyncio.to_thread(load_accounts, file)
        held = await self.accounts(actor)
        return accounts_changes(None if held is None else held.document, asked)

    async def apply_accounts(
        self, actor: Actor, file: Path, expected_version: int | None = None
    ) -> AppliedAccounts:
        """Make a file the accounts that the next statements are made with.

        Args:
            actor: Who asks, an operator.
            file: The file ``accounts.yaml``.
            expected_version: The version that the asker has seen, 0 for none; unchecked if absent.

        Raises:
            TerritoryInvalidError: The file has mistakes.
            ConflictError: Another version holds by now.
        """
        actor.require(Permission.RUN_PLATFORM, "")

        async def work() -> tuple[AppliedAccounts, str]:
            asked = await asyncio.to_thread(load_accounts, file)
            applied = await self._apply(actor, asked, expected_version)
            return applied, f"Version {applied.version}, {len(applied.changes)} changes."

        return await self._recorded(actor, "ledger.apply_accounts", "accounts", work)

    async def draft(self, actor: Actor, month: date) -> tuple[Statement, ...]:
        """Make the statements of a month as they would be now; keep nothing.

        Raises:
            NotFoundError: No accounts were applied.
            InvalidInputError: The month's records do not agree with the accounts.
        """
        actor.require(Permission.RUN_PLATFORM, "")
        async with self._database.transaction(EVERYTHING) as connection:
            held = await _accounts(connection)
            corrections = await store.open_corrections(connection, month.replace(day=1))
        usage = await self._usage(held.document, month)
        records = month_records(held.document, held.version, month, usage, corrections)
        return await asyncio.to_thread(statements_of, records)

    async def issue(self, actor: Actor, month: date) -> tuple[Statement, ...]:
        """Issue the statements of a month for all bodies, in one commit or not at all.

        Raises:
            NotFoundError: No accounts were applied.
            ConflictError: The month is not over, was issued, or one before it was not.
            InvalidInputError: The month's records do not agree with the accounts.
        """
        actor.require(Permission.RUN_PLATFORM, "")

        async def work() -> tuple[tuple[Statement, ...], str]:
            statements = await self._issue(actor, month.replace(day=1))
            numbers = f"{statements[0].number} to {statements[-1].number}"
            return statements, f"{len(statements)} statements, {numbers}."

        return await self._recorded(actor, "ledger.issue", told_month(month), work)

    async def add_correction(
        self, actor: Actor, corrected: LineRef, amount_eur: Decimal, reason: str
    ) -> AskedCorrection:
        """Have a line of an issued statement put right on the body's next one.

        Args:
            actor: Who asks, an operator.
            corrected: The line.
            amount_eur: What is added, in whole cents; negative in the body's favour.
            reason: Why, as the body will read it.

        Raises:
            NotFoundError: There is no such line.
            InvalidInputError: The amount is 0 or not in whole cents, or no reason is told.
        """
        actor.require(Permission.RUN_PLATFORM, "")
        _require_correction(amount_eur, reason)

        async def work() -> tuple[AskedCorrection, str]:
            asked = await self._add_correction(actor, corrected, amount_eur, reason)
            return asked, f"{plain_eur(amount_eur)} EUR on the next statement of {asked.body}."

        return await self._recorded(actor, "ledger.correct", corrected.statement, work)

    async def statements(
        self, actor: Actor, body: str | None = None, before: str | None = None
    ) -> Sequence[Statement]:
        """List issued statements that the actor may read, newest month first, a hundred at most.

        Args:
            actor: Who asks.
            body: Whose; all bodies when absent.
            before: The number seen last: the next page.
        """
        async with self._database.transaction(actor.scope) as connection:
            return await store.newest_statements(connection, body, before)

    async def statements_of(self, actor: Actor, month: date) -> Sequence[Statement]:
        """Return the issued statements of a month that the actor may read."""
        async with self._database.transaction(actor.scope) as connection:
            return await store.statements_of_month(connection, month.replace(day=1))

    async def statement(self, actor: Actor, number: str) -> Statement:
        """Return one issued statement.

        Raises:
            NotFoundError: There is none, or not for this actor.
        """
        async with self._database.transaction(actor.scope) as connection:
            return await _statement(connection, number)

    async def corrections(self, actor: Actor, number: str) -> Sequence[AskedCorrection]:
        """Return the corrections asked of a statement's lines, oldest first."""
        async with self._database.transaction(actor.scope) as connection:
            await _statement(connection, number)
            return await store.corrections_of(connection, number)

    async def months(self, actor: Actor) -> Sequence[IssuedMonth]:
        """Return the months issued so far, newest first."""
        actor.require(Permission.RUN_PLATFORM, "")
        async with self._database.transaction(actor.scope) as connection:
            return await store.issued_months(connection)

    async def records(self, actor: Actor, month: date) -> MonthRecords:
        """Return all that an issued month's statements were made from.

        Raises:
            NotFoundError: The month was not issued.
        """
        actor.require(Permission.RUN_PLATFORM, "")
        async with self._database.transaction(actor.scope) as connection:
            return await _records(connection, month.replace(day=1))

    async def replay(self, actor: Actor, number: str) -> tuple[LineDifference, ...]:
        """Make a statement again from the month's records, and compare it line by line.

        Returns:
            What differs: nothing, unless the records or the statement were tampered with, or
            the rules of today give other figures.
        """
        statement = await self.statement(actor, number)
        async with self._database.transaction(EVERYTHING) as connection:
            records = await _records(connection, statement.month)
        return await asyncio.to_thread(replayed, statement, records)

    async def _apply(
        self, actor: Actor, asked: Accounts, expected_version: int | None
    ) -> AppliedAccounts:
        async with self._database.transaction(EVERYTHING) as connection:
            await store.lock_accounts(connection)
            held = await store.current_accounts(connection)
            version = 0 if held is None else held.version
            if expected_version is not None and expected_version != version:
                raise ConflictError(
                    "ledger.accounts_moved", current=version, expected=expected_version
                )
            changes = accounts_changes(None if held is None else held.document, asked)
            if changes:
                version += 1
                await store.insert_accounts(connection, self._version(actor, version, asked))
                body = {"version": version, "changes": len(changes)}
                await append(connection, Event("ledger.accounts_applied", "accounts", "", body))
        return AppliedAccounts(version, changes)

    def _version(self, actor: Actor, version: int, asked: Accounts) -> Versioned[Accounts]:
        encoded = msgspec.json.encode(asked, order="sorted")
        return Versioned(
            version=version,
            applied_at=self._clock.now(),
            actor=actor.name,
            source_digest=sha256(encoded).hexdigest(),
            document=asked,
        )

    async def _issue(self, actor: Actor, month: date) -> tuple[Statement, ...]:
        require_month_over(month, self._clock.now())
        async with self._database.transaction(EVERYTHING) as connection:
            held = await _accounts(connection)
        usage = await self._usage(held.document, month)
        async with self._database.transaction(EVERYTHING) as connection:
            await store.lock_issuing(connection)
            require_next_month(month, await store.last_issued_month(connection))
            if (await _accounts(connection)).version != held.version:
                raise ConflictError("kernel.changed_meanwhile")
            corrections = await store.open_corrections(connection, month)
            records = month_records(held.document, held.version, month, usage, corrections)
            drafts = await asyncio.to_thread(statements_of, records)
            if not drafts:
                raise ConflictError("ledger.nothing_to_issue", month=told_month(month))
            return await self._keep(connection, actor, records, drafts)

    async def _keep(
        self,
        connection: Connection,
        actor: Actor,
        records: MonthRecords,
        drafts: Sequence[Statement],
    ) -> tuple[Statement, ...]:
        now, prefix = self._clock.now(), records.accounts.issuer.number_prefix
        first = await store.take_numbers(connection, prefix, records.month.year, len(drafts))
        statements = issued(drafts, prefix, first, now)
        await store.insert_month(connection, records, actor.name, now)
        for statement in statements:
            await store.insert_statement(connection, statement)
        numbers = {statement.body.name: statement.number for statement in statements}
        for one in records.corrections:
            await store.settle_correction(connection, one.id, numbers[one.body])
        await append(connection, *issue_events(statements))
        return statements

    async def _add_correction(
        self, actor: Actor, corrected: LineRef, amount_eur: Decimal, reason: str
    ) -> AskedCorrection:
        async with self._database.transaction(EVERYTHING) as connection:
            statement = await _statement(connection, corrected.statement)
            if not 0 < corrected.line <= len(statement.lines):
                raise NotFoundError(
                    "ledger.line_unknown", statement=corrected.statement, line=corrected.line
                )
            asked = AskedCorrection(
                id=0,
                body=statement.body.name,
                statement=statement.number,
                line=corrected.line,
                amount_eur=amount_eur,
                reason=reason.strip(),
                actor=actor.name,
                asked_at=self._clock.now(),
            )
            identifier = await store.insert_correction(connection, statement, asked)
            body = {"line": corrected.line, "amount_eur": plain_eur(amount_eur)}
            await append(
                connection,
                *(
                    Event("ledger.correction_added", statement.number, organisation, body)
                    for organisation in statement.body.organisations
                ),
            )
        return msgspec.structs.replace(asked, id=identifier)

    async def _usage(self, accounts: Accounts, month: date) -> tuple[Usage, ...]:
        """Ask for the use of each segment, and the energy that no application answers for."""
        found: list[Usage] = []
        for span in segments(accounts, month):
            since, until = span.begins_at, span.ends_at
            found += await self._use.usage(EVERYTHING, since, until)
            found += platform_energy(await self._use.host_energy(since, until), span)
        return tuple(found)

    async def _recorded(
        self,
        actor: Actor,
        verb: str,
        subject: str,
        work: Callable[[], Awaitable[tuple[ResultT, str]]],
    ) -> ResultT:
        """Carry a change out as an operation; what it raises reaches the asker as well."""
        results: list[ResultT] = []
        failures: list[Exception] = []

        async def told(_: Progress) -> str:
            try:
                result, outcome = await work()
            except Exception as error:
                failures.append(error)
                raise
            results.append(result)
            return outcome

        await self._operations.carry_out(actor, verb, subject, "", told)
        if failures:
            raise failures[0]
        return results[0]


async def _accounts(connection: Connection) -> Versioned[Accounts]:
    held = await store.current_accounts(connection)
    if held is None:
        raise NotFoundError("ledger.no_accounts")
    return held


async def _statement(connection: Connection, number: str) -> Statement:
    found = await store.statement_numbered(connection, number)
    if found is None:
        raise NotFoundError("ledger.statement_unknown", statement=number)
    return found


async def _records(connection: Connection, month: date) -> MonthRecords:
    found = await store.records_of(connection, month)
    if found is None:
        raise NotFoundError("ledger.month_not_issued", month=told_month(month))
    return found


def _require_correction(amount_eur: Decimal, reason: str) -> None:
    bounded = amount_eur.is_finite() and 0 < abs(amount_eur) <= _LARGEST
    if not bounded or amount_eur != amount_eur.quantize(_CENT):
        raise InvalidInputError("ledger.correction_amount", found=str(amount_eur))
    if not 0 < len(reason.strip()) <= _REASON_LENGTH:
        raise InvalidInputError("ledger.correction_reason", most=_REASON_LENGTH)
