"""All that the statements of a month are made from, in the one form that is digested; pure."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Final

import msgspec

from beffroi.kernel.errors import InvalidInputError
from beffroi.ledger.corrections import Correction, CorrectionKind
from beffroi.ledger.model import (
    Accounts,
    Body,
    Explanation,
    Usage,
    UsageUnit,
)
from beffroi.ledger.months import PARIS, month_of
from beffroi.ledger.rating import segments

_MICRO: Final = Decimal("0.000001")


class MonthRecords(msgspec.Struct, frozen=True, kw_only=True):
    """What decides every line of a month; ``month_records`` makes it.

    Attributes:
        month: Its first day.
        usage: Of every application, for each segment of the month apart.
        corrections: Of lines issued earlier, to appear in this month.
        read_until: When the meters were read last, where that is before the month's end.
    """

    accounts: Accounts
    accounts_version: int
    month: date
    usage: tuple[Usage, ...]
    corrections: tuple[Correction, ...] = ()
    read_until: datetime | None = None

    @property
    def digest(self) -> str:
        """The SHA-256 of all this, in the form that the first statements were digested in.

        What was added to that form since is left out where it says nothing.
        """
        plain = msgspec.to_builtins(self)
        if self.read_until is None:
            del plain["read_until"]
        for one in plain["corrections"]:
            if one["kind"] == CorrectionKind.ASKED:
                del one["kind"]
        return sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()


def month_records(
    accounts: Accounts,
    version: int,
    month: date,
    usage: Sequence[Usage],
    corrections: Sequence[Correction] = (),
) -> MonthRecords:
    """Check a month's records and put them in order, whatever the order they came in.

    Args:
        accounts: As read or applied.
        version: Of the accounts; 0 for a file that nobody applied.
        month: A day of the month.
        usage: Of every application, within the month's segments (``rating.segments``).
        corrections: To appear in this month.

    Raises:
        InvalidInputError: Use is given for other times than the month's segments, or nobody
            pays for it; a correction is for a body that is no longer there.
    """
    records = MonthRecords(
        accounts=accounts,
        accounts_version=version,
        month=month.replace(day=1),
        usage=tuple(sorted(map(_plain, usage), key=_order)),
        corrections=tuple(sorted(corrections, key=lambda one: one.id)),
    )
    _require_segments(records)
    _require_payers(records)
    return records


def usage_of(records: MonthRecords, body: Body) -> tuple[Usage, ...]:
    """Return what the organisations of a body used."""
    return tuple(one for one in records.usage if one.organisation in body.organisations)


def quantities_of(usage: Sequence[Usage]) -> dict[UsageUnit, Decimal]:
    """Add up use by unit."""
    total: dict[UsageUnit, Decimal] = {}
    for one in usage:
        for unit, quantity in one.quantities.items():
            total[unit] = total.get(unit, Decimal(0)) + quantity
    return total


def notes_on(records: MonthRecords, body: Body) -> Iterator[Explanation]:
    """Tell a body which of its organisations have no record, or records with holes."""
    if records.read_until is not None:
        read = records.read_until.astimezone(PARIS)
        values = {"day": f"{read:%Y-%m-%d}", "time": f"{read:%H:%M}"}
        yield Explanation("note_not_read_to_the_end", values)
    for organisation in sorted(body.organisations):
        usage = [one for one in records.usage if one.organisation == organisation]
        possible = sum((one.until - one.since) // timedelta(minutes=1) for one in usage)
        recorded = sum(one.minutes for one in usage)
        values = {"organisation": organisation}
        if not usage:
            yield Explanation("note_no_usage", values)
        elif recorded < possible:
            values |= {"minutes": str(recorded), "all_minutes": str(possible)}
            yield Explanation("note_minutes_missing", values)


def _plain(usage: Usage) -> Usage:
    quantities = {
        unit: quantity.quantize(_MICRO) for unit, quantity in sorted(usage.quantities.items())
    }
    return msgspec.structs.replace(
        usage,
        since=usage.since.astimezone(UTC),
        until=usage.until.astimezone(UTC),
        quantities=quantities,
    )


def _order(usage: Usage) -> tuple[str, str, datetime]:
    return usage.organisation, usage.application, usage.since


def _require_segments(records: MonthRecords) -> None:
    spans = segments(records.accounts, records.month)
    bounds = [(span.begins_at, span.ends_at) for span in spans]
    for one in records.usage:
        if not any(since <= one.since < one.until <= until for since, until in bounds):
            raise InvalidInputError(
                "ledger.usage_across_segments",
                application=one.application,
                since=one.since.isoformat(),
                until=one.until.isoformat(),
                segments=", ".join(f"{span.since} → {span.until}" for span in spans),
            )


def _require_payers(records: MonthRecords) -> None:
    """Refuse use that no body would pay; the platform's own, of no organisation, is shared."""
    paid = {name for body in records.accounts.bodies.values() for name in body.organisations}
    unpaid = sorted({one.organisation for one in records.usage} - paid - {""})
    if unpaid:
        month = f"{month_of(records.month).since:%Y-%m}"
        raise InvalidInputError("ledger.usage_unpaid", organisations=", ".join(unpaid), month=month)
    for one in records.corrections:
        if one.body not in records.accounts.bodies:
            raise InvalidInputError(
                "ledger.correction_unpaid",
                body=one.body,
                statement=one.corrects.statement,
                line=one.corrects.line,
            )
