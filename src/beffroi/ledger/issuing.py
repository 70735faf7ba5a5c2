"""When a month may be issued, and what issuing makes of its drafts; pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import count
from typing import Final

import msgspec

from beffroi.energy.model import Method
from beffroi.kernel.errors import ConflictError
from beffroi.kernel.log import Event
from beffroi.ledger.cents import plain_eur
from beffroi.ledger.model import Body, Statement, StatementState, Usage, UsageUnit
from beffroi.ledger.months import PARIS, Span, month_of, next_month
from beffroi.ledger.usage_sums import HostEnergy, kwh

PLATFORM: Final = "_platform"
_MINUTE: Final = timedelta(minutes=1)


def require_month_over(month: date, now: datetime) -> None:
    """Refuse to issue a month that still runs in Paris.

    Raises:
        ConflictError: It does; a draft can be made of it.
    """
    whole = month_of(month)
    if now < whole.ends_at:
        ends = whole.ends_at.astimezone(PARIS).isoformat()
        raise ConflictError("ledger.month_not_over", month=told_month(month), ends=ends)


def require_next_month(month: date, last: date | None) -> None:
    """Refuse a month that was issued, and one that leaves a month out.

    Raises:
        ConflictError: It is not the month after the last one issued.
    """
    if last is None or month == next_month(last):
        return
    if month <= last:
        raise ConflictError("ledger.month_issued", month=told_month(month), last=told_month(last))
    raise ConflictError(
        "ledger.month_left_out", month=told_month(month), expected=told_month(next_month(last))
    )


def month_due(today: date, newest: date | None) -> date | None:
    """Return the month to issue next: the oldest one that is over and was not issued.

    Args:
        today: The day in Paris.
        newest: The month issued last; before the first one it is the month that ended last.
    """
    running = today.replace(day=1)
    if newest is None:
        return (running - timedelta(days=1)).replace(day=1)
    due = next_month(newest)
    return due if due < running else None


def require_last_reading(month: date, read_until: datetime | None) -> None:
    """Refuse to issue a month while its last use is still to be read.

    Args:
        month: Which one.
        read_until: When the meters were read last; nothing before the first time.

    Raises:
        ConflictError: They were not read since the month ended.
    """
    ends_at = month_of(month).ends_at
    if read_until is None:
        raise ConflictError("ledger.meters_never_read", month=told_month(month))
    if read_until < ends_at:
        missing = (ends_at - max(read_until, month_of(month).begins_at)) // _MINUTE
        raise ConflictError(
            "ledger.last_reading_missing",
            month=told_month(month),
            read=told_moment(read_until),
            minutes=missing,
        )


def series_of(prefix: str, body: Body) -> str:
    """Name the series that a body's statements are numbered in.

    Invoices have one of their own, so that it shows no gap.

    Source: CGI, annexe II, article 242 nonies A, I, 7°.
    """
    return f"{prefix}-F" if body.liable_for_vat else prefix


def issued(
    drafts: Sequence[Statement], prefix: str, firsts: Mapping[str, int], at: datetime
) -> tuple[Statement, ...]:
    """Give drafts their numbers, in their order, and the time that they are issued at.

    Args:
        drafts: Of one month.
        prefix: What their numbers begin with.
        firsts: The first number to give of each series.
        at: Now.
    """
    numbers = {series: count(first) for series, first in firsts.items()}
    found = []
    for draft in drafts:
        series = series_of(prefix, draft.body)
        number = f"{series}-{draft.month.year}-{next(numbers[series]):06d}"
        found.append(
            msgspec.structs.replace(draft, number=number, state=StatementState.ISSUED, issued_at=at)
        )
    return tuple(found)


def told_numbers(statements: Sequence[Statement]) -> str:
    """Write the numbers of a month's statements, the first and last of each series."""
    by_series: dict[str, list[str]] = {}
    for one in statements:
        by_series.setdefault(one.number.rpartition("-")[0], []).append(one.number)
    return ", ".join(
        own[0] if len(own) == 1 else f"{own[0]} to {own[-1]}" for own in by_series.values()
    )


def issue_events(statements: Sequence[Statement]) -> Iterator[Event]:
    """Tell the organisations of each body of its statement."""
    for statement in statements:
        body = {
            "body": statement.body.name,
            "month": told_month(statement.month),
            "net_eur": plain_eur(statement.net_eur),
            "digest": statement.digest,
        }
        for organisation in statement.body.organisations:
            yield Event("ledger.statement_issued", statement.number, organisation, body)


def platform_energy(hosts: Sequence[HostEnergy], span: Span) -> tuple[Usage, ...]:
    """Return the energy that no application answers for, as use of the platform itself.

    What the machines took and nobody reserved, and what the platform took, is electricity to pay
    for like the rest.
    """
    millijoules = sum(one.unreserved_mj + one.platform_mj for one in hosts)
    if not millijoules:
        return ()
    modelled = any(one.modelled for one in hosts)
    return (
        Usage(
            application=PLATFORM,
            organisation="",
            since=span.begins_at,
            until=span.ends_at,
            quantities={UsageUnit.ENERGY_IDLE_KWH: kwh(millijoules)},
            minutes=(span.ends_at - span.begins_at) // _MINUTE,
            energy_method=Method.MODELLED if modelled else Method.METERED,
        ),
    )


def told_moment(moment: datetime) -> str:
    """Write a moment as people in Paris tell it: ``2026-07-31 23:58``."""
    return f"{moment.astimezone(PARIS):%Y-%m-%d %H:%M}"


def told_month(month: date) -> str:
    """Write a month as ``2026-07``."""
    return f"{month:%Y-%m}"
