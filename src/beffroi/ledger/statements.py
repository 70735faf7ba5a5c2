"""From a month's records to its statements, and back; pure.

What bodies share adds up, in every month: the sum of all COST_SHARE and REVENUE_SHARE lines is
what the month cost less what is owed by rates, VAT excluded, corrections of such lines included,
however a body pays today.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import msgspec

from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.errors import InvalidInputError
from beffroi.ledger.allocation import BodyShare, KeyShares, KeyUse, key_shares
from beffroi.ledger.cents import plain_eur, shared_out, with_decimals
from beffroi.ledger.corrections import CorrectionKind
from beffroi.ledger.costs import month_costs
from beffroi.ledger.model import (
    REVENUE_KEY,
    Accounts,
    AllocationKey,
    Body,
    Charging,
    Explanation,
    KeyBasis,
    LineKind,
    Statement,
    StatementLine,
    StatementState,
)
from beffroi.ledger.month_records import MonthRecords, notes_on, quantities_of, usage_of
from beffroi.ledger.months import Span, month_of
from beffroi.ledger.rating import rated_lines

CORRECTION_UNIT: Final = "correction"
_PRICE_PLACES: Final = 6
Lines = dict[str, list[StatementLine]]


class LineDifference(msgspec.Struct, frozen=True):
    """A figure of a statement that its records do not give again.

    Attributes:
        line: Its number; 0 for the statement as a whole.
        field: What differs; ``line`` when one side has no such line.
    """

    line: int
    field: str
    stated: str
    replayed: str


def statements_of(records: MonthRecords) -> tuple[Statement, ...]:
    """Make the month's drafts, by name of body; a body without a line gets none.

    Raises:
        InvalidInputError: A key's floor or ceiling cannot hold, or a body that pays by rates
            used something while no rate held.
    """
    lines = lines_by_body(records)
    for name, body in _paying_by_rates(records.accounts):
        if unpriced(records, body, lines[name]):
            month = f"{records.month:%Y-%m}"
            raise InvalidInputError("ledger.no_rate_in_force", body=name, month=month)
    digest = records.digest
    return tuple(
        Statement(
            number="",
            body=body,
            month=records.month,
            state=StatementState.DRAFT,
            lines=tuple(lines[name]),
            usage=usage_of(records, body),
            accounts_version=records.accounts_version,
            digest=digest,
            notes=tuple(notes_on(records, body)),
        )
        for name, body in sorted(records.accounts.bodies.items())
        if lines[name]
    )


def replayed(statement: Statement, records: MonthRecords) -> tuple[LineDifference, ...]:
    """Make a statement again from the month's records, and compare it line by line.

    Returns:
        What differs; nothing for a statement that its records bear out.
    """
    made = {one.body.name: one for one in statements_of(records)}.get(statement.body.name)
    again = made.lines if made is not None else ()
    found = list(_differing_lines(statement.lines, again))
    if statement.digest != records.digest:
        found.insert(0, LineDifference(0, "digest", statement.digest, records.digest))
    return tuple(found)


def lines_by_body(records: MonthRecords) -> Lines:
    """Return every body's lines, numbered: shares, then rates, then corrections.

    What a body that pays by rates used while none held makes no line, see ``unpriced``.
    """
    accounts, month = records.accounts, month_of(records.month)
    rated = {
        name: rated_lines(accounts, body, month, usage_of(records, body))
        for name, body in _paying_by_rates(accounts)
    }
    corrections = _corrections(records)
    lines = (line for own in (*rated.values(), *corrections.values()) for line in own)
    revenue = sum((line.amount_eur for line in lines if line.by_rate), Decimal(0))
    shared = _shared_lines(records, revenue) if accounts.sharers else {}
    return {
        name: _numbered([*shared.get(name, rated.get(name, ())), *corrections[name]])
        for name in accounts.bodies
    }


def unpriced(records: MonthRecords, body: Body, lines: Sequence[StatementLine]) -> bool:
    """Tell whether a body that pays by rates used something while no rate held."""
    by_rates = body.charging is Charging.BY_RATES
    priced = any(line.kind is LineKind.RATE for line in lines)
    return by_rates and not priced and bool(usage_of(records, body))


class _Shared(msgspec.Struct, frozen=True):
    """An amount that is shared out, and the fields that every line about it has."""

    amount_eur: Decimal
    explanation: Explanation
    fields: Mapping[str, Any]


def _paying_by_rates(accounts: Accounts) -> Iterator[tuple[str, Body]]:
    for name, body in sorted(accounts.bodies.items()):
        if body.charging is Charging.BY_RATES:
            yield name, body


def _shared_lines(records: MonthRecords, revenue: Decimal) -> Lines:
    accounts, month = records.accounts, month_of(records.month)
    use = KeyUse(
        keys=accounts.keys,
        sharers=accounts.sharers,
        usage={
            name: quantities_of(usage_of(records, body)) for name, body in accounts.sharers.items()
        },
    )
    lines: Lines = {name: [] for name in accounts.sharers}
    for shared in _shared_costs(records, month):
        _share(shared, key_shares(shared.fields["key"], use), lines)
    if revenue:
        key = accounts.keys.get(REVENUE_KEY) or _revenue_key()
        with_key = msgspec.structs.replace(use, keys={**accounts.keys, REVENUE_KEY: key})
        account = accounts.issuer.revenue_account
        shared = _shared_revenue(revenue, key, account, month)
        _share(shared, key_shares(REVENUE_KEY, with_key), lines)
    return lines


def _shared_costs(records: MonthRecords, month: Span) -> Iterator[_Shared]:
    for cost in month_costs(records.accounts.costs.values(), month, records.usage):
        fields = {
            "kind": LineKind.COST_SHARE,
            "subject": cost.centre.name,
            "title": cost.centre.title,
            "since": cost.covers.since,
            "until": cost.covers.until,
            "account": cost.centre.account,
            "key": cost.centre.key,
        }
        yield _Shared(cost.amount_eur, cost.explanation, fields)


def _shared_revenue(revenue: Decimal, key: AllocationKey, account: str, month: Span) -> _Shared:
    fields = {
        "kind": LineKind.REVENUE_SHARE,
        "subject": REVENUE_KEY,
        "title": key.title,
        "since": month.since,
        "until": month.until,
        "account": account,
        "key": REVENUE_KEY,
    }
    return _Shared(-revenue, Explanation("revenue", {"cost_eur": plain_eur(revenue)}), fields)


def _revenue_key() -> AllocationKey:
    title = sentence(Language.FR, "ledger.revenue_title")
    return AllocationKey(name=REVENUE_KEY, title=title, basis=KeyBasis.EQUAL)


def _share(shared: _Shared, shares: KeyShares, lines: Lines) -> None:
    amounts = shared_out(shared.amount_eur, shares.shares)
    cost, units = Fraction(shared.amount_eur), Fraction(shares.all_units)
    for name, body in shares.bodies.items():
        lines[name].append(
            StatementLine(
                number=0,
                quantity=body.units,
                unit=shares.unit,
                unit_price_eur=with_decimals(cost / units, _PRICE_PLACES),
                amount_eur=amounts[name],
                explanation=_explained(shared, body),
                all_units=shares.all_units,
                cost_eur=shared.amount_eur,
                **shared.fields,
            )
        )


def _explained(shared: _Shared, body: BodyShare) -> Explanation:
    parts = (*shared.explanation.parts, body.explanation)
    return msgspec.structs.replace(shared.explanation, parts=parts)


def _corrections(records: MonthRecords) -> Lines:
    lines: Lines = {name: [] for name in records.accounts.bodies}
    for one in records.corrections:
        values = {"statement": one.corrects.statement, "line": str(one.corrects.line)}
        if one.reason:
            values["reason"] = one.reason
        code = "correction" if one.kind is CorrectionKind.ASKED else f"correction_{one.kind}"
        line = msgspec.structs.replace(
            one.line,
            kind=LineKind.CORRECTION,
            quantity=Decimal(1),
            unit=CORRECTION_UNIT,
            unit_price_eur=one.amount_eur,
            amount_eur=one.amount_eur,
            explanation=Explanation(code, values),
            all_units=Decimal(0),
            cost_eur=Decimal(0),
            corrects=one.corrects,
        )
        lines[one.body].append(line)
    return lines


def _numbered(lines: Iterable[StatementLine]) -> list[StatementLine]:
    return [msgspec.structs.replace(line, number=number) for number, line in enumerate(lines, 1)]


def _differing_lines(
    stated: Sequence[StatementLine], again: Sequence[StatementLine]
) -> Iterator[LineDifference]:
    for one, other in zip(stated, again, strict=False):
        for field in StatementLine.__struct_fields__:
            before, after = getattr(one, field), getattr(other, field)
            if before != after:
                yield LineDifference(one.number, field, str(before), str(after))
    for missing in stated[len(again) :]:
        yield LineDifference(missing.number, "line", missing.title, "")
    for added in again[len(stated) :]:
        yield LineDifference(added.number, "line", "", added.title)
