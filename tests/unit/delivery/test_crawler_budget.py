"""How many pages crawlers have rendered: a minute's worth at once, then its rate."""

from hypothesis import given
from hypothesis import strategies as st

from beffroi.delivery.filler.crawler_budget import CrawlerBudget
from tests.support.clocks import ManualClock


def taken(budget: CrawlerBudget, tries: int, per_minute: int = 60, site: str = "site") -> int:
    """Return how many of so many tries are granted."""
    return sum(budget.take(site, per_minute) for _ in range(tries))


def test_a_minutes_worth_is_granted_at_once_and_no_more(clock: ManualClock) -> None:
    assert taken(CrawlerBudget(clock), 100) == 60


def test_what_was_used_comes_back_at_its_rate(clock: ManualClock) -> None:
    budget = CrawlerBudget(clock)
    taken(budget, 60)
    clock.move(10)

    assert taken(budget, 100) == 10


def test_a_long_rest_gives_no_more_than_a_minutes_worth(clock: ManualClock) -> None:
    budget = CrawlerBudget(clock)
    taken(budget, 60)
    clock.move(86_400)

    assert taken(budget, 100) == 60


def test_a_budget_of_nothing_grants_nothing(clock: ManualClock) -> None:
    budget = CrawlerBudget(clock)
    assert taken(budget, 5, per_minute=0) == 0
    clock.move(3600)

    assert taken(budget, 5, per_minute=0) == 0


def test_a_site_uses_up_its_own_budget_alone(clock: ManualClock) -> None:
    budget = CrawlerBudget(clock)
    taken(budget, 100)

    assert taken(budget, 100, site="other") == 60


def test_a_budget_that_is_lowered_holds_from_then_on(clock: ManualClock) -> None:
    budget = CrawlerBudget(clock)
    taken(budget, 1)

    assert taken(budget, 100, per_minute=5) == 5


@given(st.lists(st.integers(0, 400), max_size=60), st.integers(1, 120))
def test_over_any_time_no_more_than_the_rate_and_a_minutes_worth_is_granted(
    pauses_tenths: list[int], per_minute: int
) -> None:
    clock = ManualClock()
    budget = CrawlerBudget(clock)
    granted = 0
    for pause in pauses_tenths:
        clock.move(pause / 10)
        granted += taken(budget, 7, per_minute)
        assert granted <= per_minute * (1 + clock.monotonic_s() / 60) + 0.001
