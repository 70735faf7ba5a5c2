from collections.abc import Sequence
from itertools import permutations
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.capacity.checking import check_plan
from beffroi.capacity.model import Check, Inventory, Move, Resource
from beffroi.capacity.rebalanced import Rebalancing
from beffroi.kernel.errors import InvalidInputError
from tests.unit.capacity.rebalancing.crowded_rooms import found_for, hosts, inventory, workload

_ON_THE_WAY = {"moves", "prefixes", "waves", "windows"}


def _full() -> Inventory:
    """Return a host at 9 of 8 usable cores, and an empty one on each site."""
    return inventory(
        hosts(3),
        workload("sig", "h0", 5000, 20),
        workload("paie", "h0", 3000, 20, downtime_s=60),
        workload("ged", "h0", 1000, 10),
    )


def _rule(checks: tuple[Check, ...], name: str) -> Check:
    return next(one for one in checks if one.rule == name)


def test_a_host_that_is_too_full_is_relieved_and_the_rule_is_mended() -> None:
    made = found_for(_full())
    assert not _rule(made.checks_before, "cpu").holds
    assert made.holds
    assert made.before.load == 100_000
    assert made.after.load == 0
    first, *_ = made.moves
    assert (first.move.origin, first.why.code) == ("h0", "relieves_cpu")
    assert first.why.values["before"] == 113
    assert int(first.why.values["after"]) <= 100


def test_loads_are_told_before_and_after_against_what_may_be_used() -> None:
    made = found_for(_full())
    load = made.hosts[0]
    assert (load.host, load.usable.cpu_milli, load.before.cpu_milli) == ("h0", 8000, 9000)
    assert load.after.cpu_milli <= 8000
    assert load.changed
    assert sum(one.after.cpu_milli for one in made.hosts) == 9000
    assert made.resources == (Resource.CPU, Resource.MEMORY, Resource.DISK)


def test_no_more_moves_are_made_than_asked_for() -> None:
    asked = inventory(
        hosts(4),
        *(workload(f"a{at}", "h0", 3000, 5) for at in range(4)),
        *(workload(f"b{at}", "h1", 3000, 5) for at in range(4)),
    )
    assert len(found_for(asked).moves) >= 4
    one = found_for(asked, most_moves=1)
    assert len(one.moves) == 1
    assert not one.holds
    none = found_for(asked, most_moves=0)
    assert none.moves == ()
    assert none.before == none.after


def test_a_workload_that_would_stop_stays_where_another_can_move() -> None:
    asked = inventory(
        hosts(3), workload("a", "h0", 4500, 20, downtime_s=600), workload("b", "h0", 4500, 20)
    )
    made = found_for(asked)
    assert [one.move.workload for one in made.moves] == ["b"]
    assert (made.stopped_s, made.copied_gib) == (0, 20)


def test_a_host_that_is_to_go_is_emptied_and_takes_nothing() -> None:
    asked = inventory(
        hosts(4, off=(1,)), workload("a", "h1", 2000, 20), workload("b", "h0", 2000, 20)
    )
    made = found_for(asked)
    assert made.placement["a"] != "h1"
    assert [one.why.code for one in made.moves if one.move.workload == "a"] == ["empties_host"]
    assert not _rule(made.checks_before, "switched_off").holds
    assert made.holds


def test_those_that_stay_together_move_together_and_count_as_one() -> None:
    asked = inventory(
        hosts(3),
        workload("web", "h0", 2500, 10, together="site"),
        workload("base", "h0", 2500, 10, together="site"),
        workload("sig", "h0", 7000, 60, fixed=True),
    )
    made = found_for(asked, most_moves=1)
    assert {one.move.workload for one in made.moves} == {"web", "base"}
    assert made.placement["web"] == made.placement["base"]
    assert made.holds


def test_a_move_begins_in_the_quietest_hour_of_its_windows() -> None:
    busy = tuple(1000 if hour == 10 else 5000 for hour in range(168))
    asked = inventory(
        hosts(3),
        workload("sig", "h0", 5000, 20, windows=(9, 10, 11), cpu_by_hour=busy),
        workload("paie", "h0", 5000, 20, fixed=True),
    )
    (one,) = found_for(asked).moves
    assert one.move.hour == 10


def test_workloads_without_a_host_are_named_with_the_remedy() -> None:
    asked = inventory(
        hosts(2), workload("a", "h0", 1, 1), workload("b", "", 1, 1), workload("c", "h7", 1, 1)
    )
    with pytest.raises(InvalidInputError) as raised:
        found_for(asked)
    assert raised.value.code == "capacity.workloads_without_host"
    assert raised.value.values == {"count": 2, "workloads": "b, c"}


def test_an_inventory_without_workloads_is_refused() -> None:
    with pytest.raises(InvalidInputError) as raised:
        found_for(inventory(hosts(2)))
    assert raised.value.code == "capacity.nothing_to_rebalance"


def test_any_order_of_the_moves_holds_at_every_step() -> None:
    asked = inventory(
        hosts(5),
        *(workload(f"a{at}", "h0", 3000, 20) for at in range(3)),
        *(workload(f"b{at}", "h1", 3000, 20) for at in range(3)),
        workload("c", "h2", 5000, 30),
    )
    made = found_for(asked)
    steps = [one.move for one in made.moves]
    assert 2 <= len(steps) <= 6
    for order in permutations(steps):
        assert _on_the_way(asked, made, order) == []


_crowds = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 5000), st.integers(0, 60)), min_size=1, max_size=14
)


@settings(deadline=None, max_examples=12)
@given(_crowds, st.none() | st.integers(0, 3), st.randoms(use_true_random=False))
def test_no_host_becomes_too_full_whatever_the_inventory_and_the_order(
    drawn: list[tuple[int, int, int]], most_moves: int | None, random: Random
) -> None:
    asked = inventory(
        hosts(5, off=(4,)),
        *(workload(f"w{at}", f"h{host}", cpu, gib) for at, (host, cpu, gib) in enumerate(drawn)),
    )
    made = found_for(asked, most_moves)
    assert made.after.load <= made.before.load
    assert most_moves is None or len(made.moves) <= most_moves
    for one in made.hosts:
        within = one.after.fits(one.usable)
        no_fuller = one.after.fits(one.before)
        assert within or no_fuller
    shuffled = [one.move for one in made.moves]
    random.shuffle(shuffled)
    assert _on_the_way(asked, made, shuffled) == []


def _on_the_way(asked: Inventory, made: Rebalancing, order: Sequence[Move]) -> list[Check]:
    """Return the rules on the way that moves break in this order, numbered anew."""
    steps = [msgspec.structs.replace(one, number=at) for at, one in enumerate(order, start=1)]
    used = [host for host in asked.hosts if host.name in set(made.placement.values())]
    checks = check_plan(asked, made.placement, used, steps)
    return [one for one in checks if one.rule in _ON_THE_WAY and not one.holds]
