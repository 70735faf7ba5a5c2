"""When a month may be issued, and what issuing makes of drafts."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from beffroi.energy.model import Method
from beffroi.kernel.errors import ConflictError
from beffroi.ledger.issuing import (
    issue_events,
    issued,
    month_due,
    platform_energy,
    require_last_reading,
    require_month_over,
    require_next_month,
)
from beffroi.ledger.model import Statement, StatementState, UsageUnit
from beffroi.ledger.month_records import month_records
from beffroi.ledger.months import month_of
from beffroi.ledger.statements import statements_of
from beffroi.ledger.usage_sums import HostEnergy
from tests.support.shared_accounts import FIRST_HALF, JULY, accounts_of, july_use

END_OF_JULY = month_of(JULY).ends_at


@pytest.fixture(scope="module")
def drafts() -> tuple[Statement, ...]:
    return statements_of(month_records(accounts_of(), 1, JULY, july_use()))


def _refusal(month: date, last: date) -> ConflictError:
    with pytest.raises(ConflictError) as raised:
        require_next_month(month, last)
    return raised.value


def test_a_month_is_over_at_midnight_in_paris() -> None:
    assert datetime(2026, 7, 31, 22, tzinfo=UTC) == END_OF_JULY
    require_month_over(JULY, END_OF_JULY)
    with pytest.raises(ConflictError) as raised:
        require_month_over(JULY, END_OF_JULY - timedelta(seconds=1))
    assert raised.value.code == "ledger.month_not_over"
    assert raised.value.values["ends"] == "2026-08-01T00:00:00+02:00"


def _unread(read_until: datetime | None) -> ConflictError:
    with pytest.raises(ConflictError) as raised:
        require_last_reading(JULY, read_until)
    return raised.value


def test_a_month_is_issued_after_a_reading_that_saw_its_end() -> None:
    require_last_reading(JULY, END_OF_JULY)
    error = _unread(END_OF_JULY - timedelta(minutes=90, seconds=1))
    assert error.code == "ledger.last_reading_missing"
    assert error.values == {"month": "2026-07", "read": "2026-07-31 22:29", "minutes": 90}
    assert _unread(None).code == "ledger.meters_never_read"
    assert _unread(datetime(2026, 1, 1, tzinfo=UTC)).values["minutes"] == 31 * 24 * 60


def test_the_oldest_month_that_is_over_is_due() -> None:
    august = date(2026, 8, 1)
    assert month_due(august, None) == JULY
    assert month_due(date(2026, 10, 2), date(2026, 6, 1)) == JULY
    assert month_due(date(2026, 7, 31), date(2026, 6, 1)) is None
    assert month_due(august, JULY) is None


def test_the_month_after_the_last_one_may_be_issued_and_any_as_the_first() -> None:
    require_next_month(JULY, date(2026, 6, 1))
    require_next_month(JULY, None)
    with pytest.raises(ConflictError):
        require_next_month(JULY, date(2026, 5, 1))


def test_a_month_is_issued_once() -> None:
    assert _refusal(JULY, JULY).code == "ledger.month_issued"
    assert _refusal(date(2026, 6, 1), JULY).code == "ledger.month_issued"


def test_no_month_is_left_out() -> None:
    error = _refusal(date(2027, 1, 1), date(2026, 11, 1))
    assert error.code == "ledger.month_left_out"
    assert error.values == {"month": "2027-01", "expected": "2026-12"}


def test_issued_statements_are_numbered_in_the_order_of_bodies_and_invoices_apart(
    drafts: tuple[Statement, ...],
) -> None:
    found = issued(drafts, "CTT", {"CTT": 41, "CTT-F": 7}, END_OF_JULY)
    assert [one.number for one in found] == [
        "CTT-2026-000041",
        "CTT-2026-000042",
        "CTT-F-2026-000007",
        "CTT-2026-000043",
    ]
    assert {one.state for one in found} == {StatementState.ISSUED}
    assert {one.issued_at for one in found} == {END_OF_JULY}
    assert [one.lines for one in found] == [one.lines for one in drafts]


def test_each_organisation_of_a_body_is_told(drafts: tuple[Statement, ...]) -> None:
    events = list(issue_events(issued(drafts, "CTT", {"CTT": 1, "CTT-F": 1}, END_OF_JULY)))
    assert [event.organisation for event in events] == [
        "drancy",
        "dugny",
        "dugny-ecoles",
        "habitat",
        "le-bourget",
    ]
    assert events[0].subject == "CTT-2026-000001"
    body = events[0].body
    assert isinstance(body, dict)
    assert body["month"] == "2026-07"


def test_energy_that_nobody_answers_for_is_the_platforms() -> None:
    host = HostEnergy(
        host="h1",
        energy_mj=9_000_000_000,
        low_mj=0,
        high_mj=0,
        idle_mj=1_000_000_000,
        marginal_mj=800_000_000,
        unreserved_mj=3_600_000_000,
        platform_mj=3_600_000_000,
        modelled=False,
    )
    (usage,) = platform_energy([host], FIRST_HALF)
    assert usage.organisation == ""
    assert usage.quantities == {UsageUnit.ENERGY_IDLE_KWH: Decimal(2)}
    assert usage.energy_method is Method.METERED
    assert platform_energy([], FIRST_HALF) == ()
