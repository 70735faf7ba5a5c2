"""The only SQL of corrections."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import msgspec

from beffroi.kernel.database import Connection, execute, fetch_all, fetch_value
from beffroi.ledger.corrections import AskedCorrection, Correction, CorrectionKind
from beffroi.ledger.model import (
    LineRef,
    Statement,
)


async def lock_corrections(connection: Connection) -> None:
    """Let one transaction at a time add or settle corrections; readers go on."""
    await execute(connection, "lock table ledger.correction in share row exclusive mode", None)


async def insert_correction(
    connection: Connection, organisations: Sequence[str], asked: AskedCorrection
) -> int:
    """Keep a correction until the body's next statement; return its identifier."""
    identifier: int = await fetch_value(
        connection,
        """
        insert into ledger.correction (body, organisations, statement, line, amount_eur, reason,
            actor, asked_at, kind, counters)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) returning id
        """,
        (
            asked.body,
            list(organisations),
            asked.statement,
            asked.line,
            asked.amount_eur,
            asked.reason,
            asked.actor,
            asked.asked_at,
            asked.kind,
            asked.counters,
        ),
    )
    return identifier


async def corrections_of(connection: Connection, number: str) -> Sequence[AskedCorrection]:
    """Return the corrections of a statement's lines, settled or not, oldest first."""
    return await fetch_all(
        connection,
        AskedCorrection,
        """
        select id, body, statement, line, amount_eur, reason, actor, asked_at, kind, counters,
            settled_by
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
            correction.amount_eur, correction.reason, correction.kind, statement.document
        from ledger.correction join ledger.statement on number = correction.statement
        where settled_by is null and month < %s order by id
        """,
        (month,),
    )
    return tuple(row.correction for row in rows)


async def late_amounts(connection: Connection, month: date) -> Mapping[LineRef, Decimal]:
    """Return what a month's lines were corrected by already for use recorded late."""
    rows = await fetch_all(
        connection,
        _LateAmount,
        """
        select statement, line, sum(correction.amount_eur) as amount_eur
        from ledger.correction join ledger.statement on number = correction.statement
        where kind = 'late_use' and month = %s group by statement, line
        """,
        (month,),
    )
    return {LineRef(row.statement, row.line): row.amount_eur for row in rows}


async def settle_correction(connection: Connection, identifier: int, number: str) -> None:
    """Note which statement took a correction in."""
    await execute(
        connection,
        "update ledger.correction set settled_by = %s where id = %s",
        (number, identifier),
    )


class _LateAmount(msgspec.Struct, frozen=True):
    statement: str
    line: int
    amount_eur: Decimal


class _OpenCorrection(msgspec.Struct, frozen=True):
    id: int
    body: str
    statement: str
    line: int
    amount_eur: Decimal
    reason: str
    kind: CorrectionKind
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
            kind=self.kind,
        )
