"""What people look at of the ledger tells what was used and what is owed."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from beffroi.ledger.figures import month_bars, use_by_organisation, week_of_use
from beffroi.ledger.model import Usage, UsageUnit
from tests.support.drancy_statements import drancy_statements

MONDAY = datetime(2026, 11, 1, 23, tzinfo=UTC)


def _usage(application: str, organisation: str, cores: str, since: datetime = MONDAY) -> Usage:
    return Usage(
        application,
        organisation,
        since,
        since + timedelta(hours=1),
        {UsageUnit.CPU_CORE_H: Decimal(cores)},
        60,
    )


def test_bodies_are_compared_with_the_one_that_owes_most() -> None:
    bars = month_bars(drancy_statements())
    assert [one.net_eur for one in bars] == sorted((one.net_eur for one in bars), reverse=True)
    assert bars[0].share == 1.0
    assert all(0 <= one.share <= 1 for one in bars)


def test_organisations_share_what_was_used() -> None:
    usage = [_usage("a", "drancy", "3"), _usage("b", "drancy", "3"), _usage("c", "dugny", "2")]
    shares = {
        one.organisation: (one.quantity, one.share)
        for one in use_by_organisation(usage, (UsageUnit.CPU_CORE_H,))
    }
    assert shares == {"drancy": (Decimal(6), 0.75), "dugny": (Decimal(2), 0.25)}


def test_hours_of_the_week_are_those_of_paris_and_weeks_are_averaged() -> None:
    hours = [
        _usage("a", "drancy", "2"),
        _usage("a", "drancy", "4", MONDAY + timedelta(weeks=1)),
        _usage("a", "drancy", "1", MONDAY + timedelta(hours=5)),
    ]
    week = week_of_use(hours, UsageUnit.CPU_CORE_H)
    assert (week.busiest_hour, week.busiest) == (0, Decimal(3))
    assert week.levels[-1].startswith("M0 0h")
    assert sum(level.count("M") for level in week.levels) == 168


def test_a_week_without_use_is_flat() -> None:
    week = week_of_use([], UsageUnit.CPU_CORE_H)
    assert week.levels[0].count("M") == 168
