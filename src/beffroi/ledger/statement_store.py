"""The only SQL of accounts, statements and corrections."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final

import msgspec

from beffroi.kernel.database import Connection, execute, fetch_all, fetch_optional, fetch_value
from beffroi.ledger.model import Accounts, Statement
from beffroi.ledger.month_records import MonthRecords
from beffroi.territory.store import Versioned

PAGE: Final = 100


class IssuedMonth(msgspec.Struct, frozen=True):
    """A month whose statements were issued."""

    month: date
    digest: str
    actor: str
    issued_at: datetime


class _Document(msgspec.Struct, frozen=True):
    document: Statement


class _IssueMoment(msgspec.Struct, frozen=True):
    number: str
    issued_at: datetime


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


async def keep_organisations(connection: Connection, accounts: Accounts) -> None:
    """Note which organisations each body answers for from now on."""
    await execute(connection, "delete from ledger.body_organisation", None)
    await execute(
        connection,
        """
        insert into ledger.body_organisation (body, organisation)
        select body, jsonb_array_elements_text(organisations)
        from jsonb_each(%s::jsonb) as one (body, organisations)
        """,
        (
            msgspec.json.encode(
                {name: body.organisations for name, body in accounts.bodies.items()}
            ).decode(),
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


async def newest_issued(connection: Connection, count: int) -> Sequence[MonthRecords]:
    """Return what the months issued last were made from, oldest first."""
    rows = await fetch_all(
        connection,
        _Records,
        """
        select records from (
            select month, records from ledger.issued_month order by month desc limit %s
        ) as newest order by month
        """,
        (count,),
    )
    return [row.records for row in rows]


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


async def statements_between(
    connection: Connection, bodies: Sequence[str], first: date, last: date
) -> Sequence[Statement]:
    """Return the statements of some bodies from one month to another, oldest first."""
    rows = await fetch_all(
        connection,
        _Document,
        """
        select document from ledger.statement
        where body = any(%s) and month between %s and %s order by month, number
        """,
        (list(bodies), first, last),
    )
    return [row.document for row in rows]


async def issue_moments(connection: Connection, numbers: Sequence[str]) -> Mapping[str, datetime]:
    """Return when statements were issued, by number."""
    rows = await fetch_all(
        connection,
        _IssueMoment,
        """
        select number, issued_at from ledger.statement join ledger.issued_month using (month)
        where number = any(%s)
        """,
        (list(numbers),),
    )
    return {row.number: row.issued_at for row in rows}


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
