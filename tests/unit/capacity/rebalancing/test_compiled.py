import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.capacity.rebalancing.arrays import (
    HARD,
    Fixed,
    Moving,
    fixed_arrays,
    moving_arrays,
    set_penalty,
)
from beffroi.capacity.rebalancing.checker import check_placement
from beffroi.capacity.rebalancing.compiled import (
    anneal,
    move_process,
    pair_change,
    pair_may_move,
    service_may_move,
    shift_change,
)
from beffroi.capacity.rebalancing.model import Reassignment, Rule
from tests.unit.capacity.rebalancing.instances import drawn_instances

Instance = tuple[Reassignment, tuple[int, ...]]
_ANY = 2**60
_MIX = np.array((64, 64, 96, 32))
_UNORDERED = {"standing", "slot", "random", "penalty", "machine_cost", "totals"}
# Compiling, the first time, is none of the search's time.
unhurried = settings(deadline=None, max_examples=60)


def _differences(fixed: Fixed, moving: Moving, penalty: float) -> list[str]:
    """Name what move by move became different from what is counted anew."""
    again = moving_arrays(fixed, moving.machine, 1)
    set_penalty(fixed, again, penalty)
    named = [*(set(Moving._fields) - _UNORDERED), "machine_cost", "totals"]
    return [name for name in named if (getattr(again, name) != getattr(moving, name)).any()]


@unhurried
@given(drawn_instances(), st.integers(0, 2**20), st.sampled_from((3.0, 50.0, HARD)))
def test_whatever_moves_every_count_is_what_counting_anew_gives(
    instance: Instance, seed: int, penalty: float
) -> None:
    fixed = fixed_arrays(*instance)
    moving = moving_arrays(fixed, instance[1], seed)
    set_penalty(fixed, moving, penalty)
    for _ in range(20):
        anneal(fixed, moving, 100.0, 10, _MIX)
        assert _differences(fixed, moving, penalty) == []


@unhurried
@given(drawn_instances(), st.integers(0, 2**20))
def test_with_hard_capacities_no_rule_is_broken_on_the_way(instance: Instance, seed: int) -> None:
    fixed = fixed_arrays(*instance)
    moving = moving_arrays(fixed, instance[1], seed)
    for _ in range(20):
        anneal(fixed, moving, 100.0, 10, _MIX)
        verdict = check_placement(*instance, moving.machine.tolist())
        assert verdict.holds
        assert verdict.cost.total == moving.totals[0]


@unhurried
@given(drawn_instances(), st.integers(0, 2**20), st.data())
def test_a_shift_costs_the_difference_of_two_full_counts(
    instance: Instance, seed: int, data: st.DataObject
) -> None:
    problem, present = instance
    fixed = fixed_arrays(problem, present)
    moving = moving_arrays(fixed, present, seed)
    anneal(fixed, moving, 100.0, 50, _MIX)
    process = data.draw(st.integers(0, len(present) - 1))
    target = data.draw(st.integers(0, len(problem.machines) - 1))
    origin = int(moving.machine[process])
    before = moving.machine.tolist()
    after = [target if at == process else machine for at, machine in enumerate(before)]
    verdict = check_placement(problem, present, after)
    if origin == target or verdict.broken:
        return
    change = shift_change(fixed, moving, process, target, _ANY)
    assert change == verdict.cost.total - check_placement(problem, present, before).cost.total
    assert service_may_move(fixed, moving, fixed.service[process], origin, target)


@unhurried
@given(drawn_instances(), st.integers(0, 2**20), st.data())
def test_a_pair_costs_the_difference_of_two_full_counts(
    instance: Instance, seed: int, data: st.DataObject
) -> None:
    problem, present = instance
    fixed = fixed_arrays(problem, present)
    moving = moving_arrays(fixed, present, seed)
    anneal(fixed, moving, 100.0, 50, _MIX)
    first, second = (data.draw(st.integers(0, len(present) - 1)) for _ in range(2))
    origin, middle = int(moving.machine[first]), int(moving.machine[second])
    last = data.draw(st.integers(0, len(problem.machines) - 1))
    before = moving.machine.tolist()
    if middle in {origin, last}:
        return
    changed = {first: middle, second: last}
    after = [changed.get(at, machine) for at, machine in enumerate(before)]
    verdict = check_placement(problem, present, after)
    allowed = pair_may_move(fixed, moving, first, second, last)
    services = {breach.rule for breach in verdict.broken} & {
        Rule.CONFLICT,
        Rule.SPREAD,
        Rule.DEPENDENCY,
    }
    assert bool(allowed) == (not services)
    if not verdict.broken:
        change = pair_change(fixed, moving, first, second, last, _ANY)
        assert change == verdict.cost.total - check_placement(problem, present, before).cost.total


@unhurried
@given(drawn_instances())
def test_a_move_and_its_way_back_change_nothing(instance: Instance) -> None:
    problem, present = instance
    fixed = fixed_arrays(problem, present)
    moving = moving_arrays(fixed, present, 1)
    for target in range(len(problem.machines)):
        move_process(fixed, moving, 0, target)
        move_process(fixed, moving, 0, present[0])
    assert _differences(fixed, moving, HARD) == []
