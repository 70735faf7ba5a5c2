"""When a month may be issued, and what issuing makes of its drafts; pure."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from beffroi.energy.model import Method
from beffroi.kernel.errors import ConflictError
from beffroi.kernel.log import Event
from beffroi.ledger.cents import plain_eur
from beffroi.ledger.model import Statement, StatementState, Usage, UsageUnit
from beffroi.ledger.months import PARIS, Span, month_of, next_month
from beffroi.ledger.usage_sums import HostEnergy, kwh

PLATFORM: Final = "_platform"


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


def issued(
    drafts: Sequence[Statement], prefix: str, first_number: int, at: datetime
) -> tuple[Statement, ...]:
    """Give drafts their numbers, in their order, and the time that they are issued at."""
    return tuple(
        msgspec.structs.replace(
            draft,
            number=f"{prefix}-{draft.month.year}-{number:06d}",
            state=StatementState.ISSUED,
            issued_at=at,
        )
        for number, draft in enumerate(drafts, first_number)
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
            minutes=(span.ends_at - span.begins_at) // timedelta(minutes=1),
            energy_method=Method.MODELLED if modelled else Method.METERED,
        ),
    )


def told_month(month: date) -> str:
    """Write a month as ``2026-07``."""
    return f"{month:%Y-%m}"
