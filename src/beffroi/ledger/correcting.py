"""What a correction may be, who bears it, and what late readings correct; pure.

What bodies pay together stays what everything costs. A correction of a share is borne by the others
that shared the same, unless the issuer bears it, because the cost itself was stated wrong. A
correction of a line by rates is borne by the sharers through the revenue of the next month. What
the line was decides, not how its body pays today.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

from beffroi.kernel.errors import ConflictError, InvalidInputError
from beffroi.ledger.cents import plain_eur, shared_out
from beffroi.ledger.corrections import (
    AskedCorrection,
    Correction,
    CorrectionBearer,
    CorrectionKind,
    CorrectionTerms,
)
from beffroi.ledger.model import (
    LineKind,
    LineRef,
    Statement,
    StatementLine,
    Usage,
)
from beffroi.ledger.month_records import MonthRecords, month_records, usage_of
from beffroi.ledger.statements import lines_by_body, unpriced

_REASON_LENGTH: Final = 500
_LARGEST: Final = Decimal(1_000_000_000)
_CENT: Final = Decimal("0.01")
_SHARED: Final = (LineKind.COST_SHARE, LineKind.REVENUE_SHARE)
# A share of the revenue moves by itself: the next month's revenue holds the rates' corrections.
_MOVED_BY_USE: Final = (LineKind.COST_SHARE, LineKind.RATE)


def require_correction(amount_eur: Decimal, reason: str) -> None:
    """Refuse a correction that adds nothing, or does not say why.

    Raises:
        InvalidInputError: The amount is 0 or not in whole cents, or no reason is told.
    """
    bounded = amount_eur.is_finite() and 0 < abs(amount_eur) <= _LARGEST
    if not bounded or amount_eur != amount_eur.quantize(_CENT):
        raise InvalidInputError("ledger.correction_amount", found=str(amount_eur))
    if not 0 < len(reason.strip()) <= _REASON_LENGTH:
        raise InvalidInputError("ledger.correction_reason", most=_REASON_LENGTH)


def require_not_twice(
    statement: Statement, line: StatementLine, amount_eur: Decimal, asked: Sequence[AskedCorrection]
) -> None:
    """Refuse what a line was corrected by already, and what turns its sign.

    Args:
        statement: Whose line it is.
        line: As it was issued.
        amount_eur: What is to be added.
        asked: The corrections of the statement so far.

    Raises:
        ConflictError: An open correction of the line has this amount, or more would be taken off
            than the line has left.
    """
    own = [one for one in asked if one.line == line.number]
    values = {"statement": statement.number, "line": line.number, "amount": plain_eur(amount_eur)}
    same = [one for one in own if one.settled_by is None and one.amount_eur == amount_eur]
    if same:
        raise ConflictError("ledger.correction_repeated", **values, id=same[0].id)
    left = line.amount_eur + sum((one.amount_eur for one in own), Decimal(0))
    way = -1 if line.amount_eur < 0 else 1
    if way * amount_eur < 0 and way * (left + amount_eur) < 0:
        raise ConflictError("ledger.correction_too_large", **values, left=plain_eur(left))


def require_correctable(statement: Statement, line: StatementLine, terms: CorrectionTerms) -> None:
    """Refuse what nobody could be named for to bear it.

    Raises:
        InvalidInputError: The line is a correction: the one that it corrects tells who shared.
            The issuer is to bear a line by rates: the others' share of the revenue changes.
    """
    if line.corrects is not None:
        raise InvalidInputError(
            "ledger.correction_of_correction",
            statement=statement.number,
            line=line.number,
            original=line.corrects.statement,
            original_line=line.corrects.line,
        )
    if line.by_rate and terms.borne_by is CorrectionBearer.ISSUER:
        raise InvalidInputError("ledger.correction_bearer", body=statement.body.name)


def counter_amounts(
    corrected: Statement,
    line: StatementLine,
    amount_eur: Decimal,
    of_month: Sequence[Statement],
    bodies: Collection[str],
) -> dict[LineRef, Decimal]:
    """Share a correction out to the other bodies that shared the same cost, by their units.

    Args:
        corrected: The statement that is corrected.
        line: Its line, none that corrects another.
        amount_eur: What the line is corrected by.
        of_month: The statements of the same month.
        bodies: Names of those in the accounts of today: who left bears nothing.

    Returns:
        What the others' lines are corrected by, to the cent; nothing for a line by rates, or
        where nobody else shared the cost.
    """
    if line.by_rate:
        return {}
    others = {
        one.body.name: (LineRef(one.number, own.number), own.quantity)
        for one in of_month
        if one.body.name != corrected.body.name and one.body.name in bodies
        for own in one.lines
        if own.kind in _SHARED and (own.subject, own.since) == (line.subject, line.since)
    }
    if not others:
        return {}
    units = {name: Fraction(quantity) for name, (_, quantity) in others.items()}
    total = sum(units.values())
    shares = {
        name: one / total if total else Fraction(1, len(units)) for name, one in units.items()
    }
    amounts = shared_out(-amount_eur, shares)
    return {ref: amounts[name] for name, (ref, _) in others.items() if amounts[name]}


def late_amounts(
    kept: MonthRecords,
    now: Sequence[Usage],
    stated: Sequence[Statement],
    billed: Mapping[LineRef, Decimal],
    bodies: Collection[str],
) -> dict[LineRef, Decimal]:
    """Tell what an issued month's lines lack for use recorded since; see ``unbilled_late``.

    Args:
        kept: What the month was issued from.
        now: The month's use as it is recorded now.
        stated: The month's statements.
        billed: What their lines were corrected by before for use recorded late.
        bodies: Names of those in the accounts of today.

    Returns:
        What is to be added, by line; nothing where nothing came late.
    """
    again = _with_use(kept, now)
    if again.usage == kept.usage:
        return {}
    before, after = _amounts(kept), _amounts(again)
    found: dict[LineRef, Decimal] = {}
    for statement in (one for one in stated if one.body.name in bodies):
        for line in statement.lines:
            same = (statement.body.name, line.subject, line.since)
            if line.kind in _MOVED_BY_USE and same in before.keys() & after.keys():
                ref = LineRef(statement.number, line.number)
                due = after[same] - before[same] - billed.get(ref, Decimal(0))
                if due:
                    found[ref] = due
    return found


def unbilled_late(
    kept: MonthRecords, now: Sequence[Usage], bodies: Collection[str]
) -> tuple[str, ...]:
    """Name the bodies whose late use nobody is billed for: the issuer bears what it would be.

    A body that left has no next statement; one that pays by rates had none for the month.

    Args:
        kept: What the month was issued from.
        now: The month's use as it is recorded now.
        bodies: Names of those in the accounts of today.
    """
    again = _with_use(kept, now)
    lines = lines_by_body(again)
    return tuple(
        name
        for name, body in sorted(kept.accounts.bodies.items())
        if usage_of(again, body) != usage_of(kept, body)
        and (name not in bodies or unpriced(again, body, lines[name]))
    )


def drafted_corrections(
    amounts: Mapping[LineRef, Decimal], stated: Sequence[Statement], first: int
) -> Iterator[Correction]:
    """Make corrections of late use as they would be kept, numbered from the first."""
    by_number = {one.number: one for one in stated}
    for identifier, (ref, amount) in enumerate(amounts.items(), first):
        statement = by_number[ref.statement]
        yield Correction(
            id=identifier,
            body=statement.body.name,
            corrects=ref,
            line=statement.lines[ref.line - 1],
            amount_eur=amount,
            reason="",
            kind=CorrectionKind.LATE_USE,
        )


def _with_use(kept: MonthRecords, now: Sequence[Usage]) -> MonthRecords:
    """Return a month's records with its use of now; what nobody paid for then is left out."""
    paid = {name for body in kept.accounts.bodies.values() for name in body.organisations}
    usage = [one for one in now if one.organisation in paid or not one.organisation]
    return month_records(kept.accounts, kept.accounts_version, kept.month, usage, kept.corrections)


def _amounts(records: MonthRecords) -> dict[tuple[str, str, date], Decimal]:
    """Return what each body pays, by body, subject and first day, of what use can move."""
    return {
        (body, line.subject, line.since): line.amount_eur
        for body, lines in lines_by_body(records).items()
        for line in lines
        if line.kind in _MOVED_BY_USE
    }
