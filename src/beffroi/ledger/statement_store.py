"""The only SQL of accounts, statements and corrections."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import msgspec

from beffroi.kernel.database import Connection, execute, fetch_all, fetch_optional, fetch_value
from beffroi.ledger.model import Accounts, Correction, LineRef, Statement
from beffroi.ledger.month_records import MonthRecords
from beffroi.territory.store import Versioned

PAGE: Final = 100


class IssuedMonth(msgspec.Struct, frozen=True):
    """A month whose statements were issued."""

    month: date
    digest: str
    actor: str
    issued_at: datetime


class AskedCorrection(msgspec.Struct, frozen=True, kw_only=True):
    """A correction as it was asked for; ``settled_by`` is the statement that took it in."""

    id: int
    body: str
    statement: str
    line: int
    amount_eur: Decimal
    reason: str
    actor: str
    asked_at: datetime
    settled_by: str | None = None


class _Document(msgspec.Struct, frozen=True):
    document: Statement


class _Records(msgspec.Struct, frozen=True):
    records: MonthRecords


async def lock_accounts(connection: Connection) -> None:
    """Let one transaction at a time apply accounts; readers go on."""
    await execute(connection, "lock table ledger.accounts in share row exclusive mode", None)


async def lock_issuing(connection: Connection) -> None:
    """Let one transaction at a time issue a month; readers go on."""
    await execute(connection, "lock table ledger.issued_month in share row exclusive mode", None)


async def current_accounts(connection: Connection) -> Versioned[Accounts] | None:
    """Return the highest version, or nothing before the first."""
    return await fetch_optional(
        connection,
        Versioned[Accounts],
        "select * from ledger.accounts order by version desc limit 1",
    )


async def accounts_of_version(connection: Connection, version: int) -> Versioned[Accounts] | None:
    """Return one version."""
    return await fetch_optional(
        connection,
        Versioned[Accounts],
        "select * from ledger.accounts where version = %s",
        (version,),
    )


async def insert_accounts(connection: Connection, versioned: Versioned[Accounts]) -> None:
    """Add a version."""
    await execute(
        connection,
        """
        insert into ledger.accounts (version, applied_at, actor, source_digest, document)
        values (%s, %s, %s, %s, %s::jsonb)
        """,
        (
            versioned.version,
            versioned.applied_at,
            versioned.actor,
            versioned.source_digest,
            msgspec.json.encode(versioned.document).decode(),
        ),
    )


async def last_issued_month(connection: Connection) -> date | None:
    """Return the latest month whose statements were issued."""
    found: date | None = await fetch_value(
        connection, "select max(month) from ledger.issued_month", None
    )
    return found


async def issued_months(connection: Connection) -> Sequence[IssuedMonth]:
    """Return the months issued so far, newest first."""
    return await fetch_all(
        connection,
        IssuedMonth,
        "select month, digest, actor, issued_at from ledger.issued_month order by month desc",
    )


async def insert_month(
    connection: Connection, records: MonthRecords, actor: str, issued_at: datetime
) -> None:
    """Keep what a month's statements are made from."""
    await execute(
        connection,
        """
        insert into ledger.issued_month (month, digest, records, actor, issued_at)
        values (%s, %s, %s::jsonb, %s, %s)
        """,
        (
            records.month,
            records.digest,
            msgspec.json.encode(records).decode(),
            actor,
            issued_at,
        ),
    )


async def records_of(connection: Connection, month: date) -> MonthRecords | None:
    """Return what a month's statements were made from."""
    row = await fetch_optional(
        connection, _Records, "select records from ledger.issued_month where month = %s", (month,)
    )
    return None if row is None else row.records


async def take_numbers(connection: Connection, prefix: str, year: int, count: int) -> int:
    """Take the next numbers of a series until the end of the transaction.

    Returns:
        The first of them.
    """
    last: int = await fetch_value(
        connection,
        """
        insert into ledger.statement_series (prefix, year, last_number) values (%s, %s, %s)
        on conflict (prefix, year)
            do update set last_number = statement_series.last_number + excluded.last_number
        returning last_number
        """,
        (prefix, year, count),
    )
    return last - count + 1


async def insert_statement(connection: Connection, statement: Statement) -> None:
    """Keep an issued statement for good."""
    await execute(
        connection,
        """
        insert into ledger.statement (number, body, month, organisations, document)
        values (%s, %s, %s, %s, %s::jsonb)
        """,
        (
            statement.number,
            statement.body.name,
            statement.month,
            list(statement.body.organisations),
            msgspec.json.encode(statement).decode(),
        ),
    )


async def statement_numbered(connection: Connection, number: str) -> Statement | None:
    """Return one statement."""
    row = await fetch_optional(
        connection, _Document, "select document from ledger.statement where number = %s", (number,)
    )
    return None if row is None else row.document


async def statements_of_month(connection: Connection, month: date) -> Sequence[Statement]:
    """Return the statements of a month, by number."""
    rows = await fetch_all(
        connection,
        _Document,
        "select document from ledger.statement where month = %s order by number",
        (month,),
    )
    return [row.document for row in rows]


async def newest_statements(
    connection: Connection, body: str | None, before: str | None
) -> Sequence[Statement]:
    """Return a hundred statements at most, newest month first, optionally of one body.

    Args:
        connection: Whose scope says which ones are seen.
        body: Name of the body; all where absent.
        before: The number seen last; those that follow it are returned.
    """
    rows = await fetch_all(
        connection,
        _Document,
        """
        select document from ledger.statement as one
        where (%(body)s::text is null or body = %(body)s) and (%(before)s::text is null or exists (
            select from ledger.statement as seen where seen.number = %(before)s
                and (one.month < seen.month or one.month = seen.month and one.number > seen.number)
        ))
        order by month desc, number limit %(limit)s
        """,
        {"body": body, "before": before, "limit": PAGE},
    )
    return [row.document for row in rows]


async def insert_correction(
    connection: Connection, statement: Statement, asked: AskedCorrection
) -> int:
    """Keep a correction until the body's next statement; return its identifier."""
    identifier: int = await fetch_value(
        connection,
        """
        insert into ledger.correction
            (body, organisations, statement, line, amount_eur, reason, actor, asked_at)
        values (%s, %s, %s, %s, %s, %s, %s, %s) returning id
        """,
        (
            asked.body,
            list(statement.body.organisations),
            asked.statement,
            asked.line,
            asked.amount_eur,
            asked.reason,
            asked.actor,
            asked.asked_at,
        ),
    )
    return identifier


async def corrections_of(connection: Connection, number: str) -> Sequence[AskedCorrection]:
    """Return the corrections of a statement's lines, settled or not, oldest first."""
    return await fetch_all(
        connection,
        AskedCorrection,
        """
        select id, body, statement, line, amount_eur, reason, actor, asked_at, settled_by
        from ledger.correction where statement = %s order by id
        """,
        (number,),
    )


async def open_corrections(connection: Connection, month: date) -> tuple[Correction, ...]:
    """Return the corrections of months before one that no statement has taken in."""
    rows = await fetch_all(
        connection,
        _OpenCorrection,
        """
        select correction.id, correction.body, correction.statement, correction.line,
            correction.amount_eur, correction.reason, statement.document
        from ledger.correction join ledger.statement on number = correction.statement
        where settled_by is null and month < %s order by id
        """,
        (month,),
    )
    return tuple(row.correction for row in rows)


async def settle_correction(connection: Connection, identifier: int, number: str) -> None:
    """Note which statement took a correction in."""
    await execute(
        connection,
        "update ledger.correction set settled_by = %s where id = %s",
        (number, identifier),
    )


class _OpenCorrection(msgspec.Struct, frozen=True):
    id: int
    body: str
    statement: str
    line: int
    amount_eur: Decimal
    reason: str
    document: Statement

    @property
    def correction(self) -> Correction:
        """What statements are made from."""
        return Correction(
            id=self.id,
            body=self.body,
            corrects=LineRef(self.statement, self.line),
            line=self.document.lines[self.line - 1],
            amount_eur=self.amount_eur,
            reason=self.reason,
        )
