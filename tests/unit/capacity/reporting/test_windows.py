"""Hours of the week in words."""

from hypothesis import given
from hypothesis import strategies as st

from beffroi.capacity.model import HOURS_OF_WEEK
from beffroi.capacity.reporting.windows import told_hour, told_windows
from beffroi.kernel.catalogue import Language


def test_days_with_the_same_hours_stand_together() -> None:
    hours = [24 * day + hour for day in (1, 2) for hour in (19, 20, 21, 22)]
    assert told_windows(hours, Language.EN) == "Tuesday, Wednesday 19–23\xa0h"  # noqa: RUF001


def test_a_window_past_midnight_goes_on_the_next_day() -> None:
    hours = [5 * 24 + 22, 5 * 24 + 23, 6 * 24]
    assert told_windows(hours, Language.EN) == (
        "Saturday 22–24\xa0h; Sunday 0–1\xa0h"  # noqa: RUF001
    )


def test_no_window_is_any_hour() -> None:
    assert told_windows((), Language.FR) == told_windows(range(HOURS_OF_WEEK), Language.FR)


def test_an_hour_of_the_week_is_a_day_and_an_hour() -> None:
    assert told_hour(24 + 19, Language.FR) == "mardi 19\xa0h"


@given(hours=st.sets(st.integers(0, HOURS_OF_WEEK - 1), min_size=1, max_size=HOURS_OF_WEEK - 1))
def test_spans_add_up_to_the_hours_that_were_given(hours: set[int]) -> None:
    told = told_windows(sorted(hours), Language.EN)
    total = 0
    for group in told.split("; "):
        names, _, spans = group.rpartition("day ")
        days = names.count("day,") + 1
        for span in spans.split(", "):
            begin, end = span.removesuffix("\xa0h").split("–")  # noqa: RUF001
            total += days * (int(end) - int(begin))
    assert total == len(hours)
