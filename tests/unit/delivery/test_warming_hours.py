"""When it is quiet: between three and five in the morning, as clocks in France tell."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.delivery.filler.warming import until_quiet_s

PARIS = ZoneInfo("Europe/Paris")
HOUR_S = 3600.0
MOMENTS = st.datetimes(
    datetime(2026, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2027, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@pytest.mark.parametrize(
    ("told", "hours"),
    [
        ("2026-11-22 01:00", 2),
        ("2026-11-22 03:00", 0),
        ("2026-11-22 04:59", 0),
        ("2026-11-22 05:00", 22),
        ("2026-11-22 23:00", 4),
        # The night of 29 March has no hour between two and three.
        ("2026-03-29 01:00", 1),
        ("2026-03-28 23:00", 3),
        # The night of 25 October has it twice.
        ("2026-10-25 01:00", 3),
        ("2026-10-24 23:00", 5),
    ],
)
def test_the_wait_is_as_long_as_the_night(told: str, hours: int) -> None:
    local = datetime.fromisoformat(told).replace(tzinfo=PARIS)

    assert until_quiet_s(local.astimezone(UTC)) == hours * HOUR_S
    assert until_quiet_s(local) == hours * HOUR_S


def test_both_passages_of_the_hour_that_comes_twice_lead_to_the_same_three_oclock() -> None:
    hour = datetime(2026, 10, 25, 2, 30, tzinfo=PARIS)
    waits = [until_quiet_s(hour.replace(fold=fold).astimezone(UTC)) for fold in (0, 1)]

    assert waits == [1.5 * HOUR_S, 0.5 * HOUR_S]


@given(MOMENTS)
def test_after_the_wait_it_is_quiet_and_before_it_was_not(now: datetime) -> None:
    wait_s = until_quiet_s(now)
    begins = (now + timedelta(seconds=wait_s)).astimezone(PARIS)

    assert begins.hour in {3, 4}
    assert 0 <= wait_s < 24 * HOUR_S
    if wait_s:
        assert (begins.hour, begins.minute, begins.second) == (3, 0, 0)
        earlier = (now + timedelta(seconds=wait_s / 2)).astimezone(PARIS)
        assert earlier.hour not in {3, 4}
