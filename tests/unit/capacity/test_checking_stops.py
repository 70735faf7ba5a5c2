"""How long a workload that is stopped to let others pass is down, as the checker counts it."""

from typing import Any

import msgspec

from beffroi.capacity.checking import Rule
from beffroi.capacity.model import Move
from tests.unit.capacity.checked_town import WHOLE, Planned, placed, town, workload


def stopped(**stop: Any) -> Planned:
    """Stop «quick» on Monday at 22 h, and start it again once «slow» has taken its place."""
    plan = placed(
        {"h1": "A", "h2": "A"},
        {"h2": (workload("quick", 90_000),), "h1": (workload("slow", 90_000),)},
        WHOLE,
    )
    plan = plan.but_workload("quick", host="h1", downtime_s=30)
    plan = plan.but_workload("slow", host="h2", downtime_s=600)
    first = Move(number=1, wave=1, workload="quick", origin="h1", target="", hour=22, parked=True)
    return plan.but(
        moves=(
            msgspec.structs.replace(first, **stop),
            Move(number=2, wave=2, workload="slow", origin="h2", target="h1", downtime_s=600),
            Move(number=3, wave=3, workload="quick", origin="", target="h2"),
        )
    )


def test_a_stop_lasts_until_its_workload_starts_again() -> None:
    assert stopped(downtime_s=630, until=3).broken() == set()
    assert stopped(downtime_s=629, until=3).codes(Rule.MOVES) == {"move_downtime_short"}
    assert stopped(downtime_s=630).codes(Rule.MOVES) == {"stop_end_untold"}
    assert stopped(downtime_s=630, until=2).codes(Rule.MOVES) == {"stop_end_untold"}


def test_a_stop_lasts_as_long_as_other_moves_wait_for_their_hours() -> None:
    nights_s = 28 * 3600
    night = stopped(downtime_s=30 + nights_s, until=3).but_move(2, hour=51)
    assert night.broken() == set()
    short = stopped(downtime_s=29 + nights_s, until=3).but_move(2, hour=51)
    assert short.codes(Rule.MOVES) == {"move_downtime_short"}


def test_a_move_that_stops_nothing_names_no_end() -> None:
    assert town().but_move(4, until=4).codes(Rule.MOVES) == {"stop_end_untold"}
