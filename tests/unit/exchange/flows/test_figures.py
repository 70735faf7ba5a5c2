"""What a flow carried is drawn to one scale."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from beffroi.exchange.flows.figures import HEIGHT, STEPS, rates_of
from beffroi.exchange.flows.model import FlowMinute

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
OVER = timedelta(hours=6)


def test_nothing_carried_draws_nothing() -> None:
    rates = rates_of([], NOW, OVER)
    assert (rates.carried, rates.refused, rates.most_per_minute) == ("", "", 0)


def test_the_highest_step_is_as_high_as_the_drawing_and_what_is_old_is_left_out() -> None:
    minutes = [
        FlowMinute(NOW - timedelta(hours=7), 9_999, 0),
        FlowMinute(NOW - OVER, 100, 0),
        FlowMinute(NOW - timedelta(minutes=1), 50, 25),
    ]
    rates = rates_of(minutes, NOW, OVER)
    assert rates.carried.startswith("M0 20V0h1V20h1")
    assert rates.carried.endswith("V10h1V20z")
    assert rates.refused.endswith("V15h1V20z")
    assert rates.most_per_minute == 10


@given(st.lists(st.tuples(st.integers(0, 359), st.integers(0, 10**6)), max_size=50))
def test_every_step_stays_inside(given_minutes: list[tuple[int, int]]) -> None:
    minutes = [FlowMinute(NOW - timedelta(minutes=ago), n, 0) for ago, n in given_minutes]
    path = rates_of(minutes, NOW, OVER).carried
    heights = [int(part.split("h")[0]) for part in path.split("V")[1:-1]]
    assert len(heights) in (0, STEPS)
    assert all(0 <= one <= HEIGHT for one in heights)
