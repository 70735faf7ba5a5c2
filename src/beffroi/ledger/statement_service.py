"""What people ask of statements: apply accounts, draft, issue, correct, read, replay."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import msgspec

from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Connection, Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import ConflictError, NotFoundError
from beffroi.kernel.log import Event, append
from beffroi.kernel.operations import Operations, Progress
from beffroi.kernel.rights.model import Actor, Permission
from beffroi.ledger import correction_store
from beffroi.ledger import statement_store as store
from beffroi.ledger.accounts_file import AccountsChange, accounts_changes, load_accounts
from beffroi.ledger.cents import plain_eur
from beffroi.ledger.correcting import (
    counter_amounts,
    require_correctable,
    require_correction,
    require_not_twice,
)
from beffroi.ledger.corrections import (
    AskedCorrection,
    CorrectionBearer,
    CorrectionKind,
    CorrectionTerms,
)
from beffroi.ledger.issuing import told_month, told_numbers
from beffroi.ledger.model import (
    Accounts,
    LineRef,
    Statement,
    Usage,
)
from beffroi.ledger.month_issuing import MeteredUse, MonthIssuing, accounts_that_hold
from beffroi.ledger.month_records import MonthRecords
from beffroi.ledger.months import PARIS, counted_month
from beffroi.ledger.statement_store import IssuedMonth
from beffroi.ledger.statements import LineDifference, replayed
from beffroi.territory.store import Versioned

ResultT = TypeVar("ResultT")


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
        self._issuing = MonthIssuing(database, use, clock)
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
        return await self._issuing.draft(counted_month(month))

    async def issue(
        self, actor: Actor, month: date, *, without_last_reading: bool = False
    ) -> tuple[Statement, ...]:
        """Issue the statements of a month for all bodies, in one commit or not at all.

        What is recorded of the month afterwards is billed by corrections on the next statements.

        Args:
            actor: Who asks, an operator.
            month: A day of the month.
            without_last_reading: Issue even though meters were not read since the month ended;
                each statement says until when they were.

        Returns:
            The statements, by number.

        Raises:
            NotFoundError: No accounts were applied.
            ConflictError: The month is not over, not read to its end, was issued, or one before
                it was not.
            InvalidInputError: The month's records do not agree with the accounts.
        """
        actor.require(Permission.RUN_PLATFORM, "")
        first = counted_month(month)

        async def work() -> tuple[tuple[Statement, ...], str]:
            statements = await self._issuing.issue(
                actor.name, first, without_last_reading=without_last_reading
            )
            return statements, f"{len(statements)} statements, {told_numbers(statements)}."

        return await self._recorded(actor, "ledger.issue", told_month(month), work)

    async def add_correction(
        self,
        actor: Actor,
        corrected: LineRef,
        amount_eur: Decimal,
        reason: str,
        terms: CorrectionTerms = CorrectionTerms(),  # noqa: B008 - frozen
    ) -> AskedCorrection:
        """Have a line of an issued statement put right on the body's next one.

        Of a body that shares costs the others bear it, each by a correction of its own.

        Args:
            actor: Who asks, an operator.
            corrected: The line.
            amount_eur: What is added, in whole cents; negative in the body's favour.
            reason: Why, as the bodies will read it.
            terms: Who bears it, and whether it may repeat another.

        Raises:
            NotFoundError: There is no such line.
            InvalidInputError: The amount is 0 or not in whole cents, no reason is told, or the
                line is a correction itself.
            ConflictError: It repeats an open one, or takes off more than the line has left.
        """
        actor.require(Permission.RUN_PLATFORM, "")
        require_correction(amount_eur, reason)

        async def work() -> tuple[AskedCorrection, str]:
            asked = AskedCorrection(
                id=0,
                body="",
                statement=corrected.statement,
                line=corrected.line,
                amount_eur=amount_eur,
                reason=reason.strip(),
                actor=actor.name,
                asked_at=self._clock.now(),
            )
            kept, others = await self._add_correction(asked, terms)
            told = f"{plain_eur(amount_eur)} EUR on the next statement of {kept.body}"
            return kept, f"{told}, borne by {others} others." if others else f"{told}."

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
            return await store.statements_of_month(connection, counted_month(month))

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
            return await correction_store.corrections_of(connection, number)

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
            return await _records(connection, counted_month(month))

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

    async def use_of(self, actor: Actor, month: date) -> tuple[Usage, ...]:
        """Return the use that a month's statements go by: what was kept once it is issued.

        Raises:
            NotFoundError: No accounts were applied.
        """
        actor.require(Permission.RUN_PLATFORM, "")
        async with self._database.transaction(EVERYTHING) as connection:
            kept = await store.records_of(connection, counted_month(month))
            held = await accounts_that_hold(connection)
        return await self._issuing.usage(held.document, month) if kept is None else kept.usage

    @property
    def today(self) -> date:
        """The day in Paris."""
        return self._clock.now().astimezone(PARIS).date()

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
                await store.keep_organisations(connection, asked)
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

    async def _add_correction(
        self, asked: AskedCorrection, terms: CorrectionTerms
    ) -> tuple[AskedCorrection, int]:
        async with self._database.transaction(EVERYTHING) as connection:
            statement = await _statement(connection, asked.statement)
            if not 0 < asked.line <= len(statement.lines):
                raise NotFoundError(
                    "ledger.line_unknown", statement=asked.statement, line=asked.line
                )
            line = statement.lines[asked.line - 1]
            require_correctable(statement, line, terms)
            await correction_store.lock_corrections(connection)
            if not terms.insist:
                earlier = await correction_store.corrections_of(connection, statement.number)
                require_not_twice(statement, line, asked.amount_eur, earlier)
            kept = await _keep_correction(connection, statement, asked)
            if terms.borne_by is CorrectionBearer.ISSUER:
                return kept, 0
            bodies = (await accounts_that_hold(connection)).document.bodies
            of_month = await store.statements_of_month(connection, statement.month)
            others = {one.number: one for one in of_month}
            amounts = counter_amounts(statement, line, kept.amount_eur, of_month, bodies)
            for ref, amount in amounts.items():
                counter = msgspec.structs.replace(
                    kept,
                    statement=ref.statement,
                    line=ref.line,
                    amount_eur=amount,
                    kind=CorrectionKind.COUNTER,
                    counters=kept.id,
                )
                await _keep_correction(connection, others[ref.statement], counter)
        return kept, len(amounts)

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


async def _keep_correction(
    connection: Connection, statement: Statement, asked: AskedCorrection
) -> AskedCorrection:
    organisations = statement.body.organisations
    named = msgspec.structs.replace(asked, body=statement.body.name)
    identifier = await correction_store.insert_correction(connection, organisations, named)
    body = {"line": asked.line, "amount_eur": plain_eur(asked.amount_eur)}
    await append(
        connection,
        *(
            Event("ledger.correction_added", statement.number, organisation, body)
            for organisation in organisations
        ),
    )
    return msgspec.structs.replace(named, id=identifier)


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
