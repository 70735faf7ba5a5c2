from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.capacity.rebalancing.checker import check_placement
from beffroi.capacity.rebalancing.islands import rebalance
from beffroi.capacity.rebalancing.model import (
    Effort,
    Machine,
    Process,
    Reassignment,
    Rebalanced,
    RebalancingRequest,
    ResourceKind,
    Service,
)
from beffroi.capacity.rebalancing.reading import read_model
from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.processes.workers import Progress, asked_of_worker
from tests.unit.capacity.rebalancing.instances import TINY, TINY_PRESENT, drawn_instances

Instance = tuple[Reassignment, tuple[int, ...]]


def _silent(progress: Progress) -> None:
    assert 0 <= progress.share <= 1


@settings(deadline=None, max_examples=25)
@given(drawn_instances(), st.integers(0, 2**31), st.integers(1, 2))
def test_answers_break_no_rule_and_are_no_worse_than_the_start(
    instance: Instance, seed: int, cores: int
) -> None:
    problem, present = instance
    found = rebalance(problem, present, Effort(seconds=0.04, cores=cores, seed=seed), _silent)
    verdict = check_placement(problem, present, found.placement)
    assert verdict.holds
    assert verdict.cost == found.after
    assert found.after.total <= found.before.total


def test_the_only_good_placement_is_found_through_a_crowded_one() -> None:
    """Two machines are full: only a swap helps, and it must not count a moved process twice."""
    machine = Machine(0, 0, (10,), (6,), (0, 0))
    problem = Reassignment(
        resources=(ResourceKind(transient=False, load_weight=1),),
        machines=(machine, machine),
        services=tuple(Service(1) for _ in range(4)),
        processes=tuple(Process(number, (size,), 0) for number, size in enumerate((5, 4, 1, 2))),
    )
    found = rebalance(problem, (0, 0, 1, 1), Effort(seconds=0.2, cores=1), _silent)
    assert (found.before.total, found.after.total) == (3, 0)


def test_a_start_that_breaks_a_rule_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tiny.txt").write_text(TINY)
    problem = read_model(tmp_path / "tiny.txt")
    with pytest.raises(InvalidInputError) as caught:
        rebalance(problem, (0, 1, 2), Effort(seconds=0.1), _silent)
    assert caught.value.code == "capacity.present_placement_broken"
    assert caught.value.values["rule"] == "dependency"


async def test_the_worker_answers_and_tells_how_far_it_is(tmp_path: Path) -> None:
    (tmp_path / "tiny.txt").write_text(TINY)
    problem = read_model(tmp_path / "tiny.txt")
    told: list[Progress] = []
    request = RebalancingRequest(problem, TINY_PRESENT, Effort(seconds=0.2))
    found = await asked_of_worker(
        "beffroi.capacity.rebalancing.worker", request, Rebalanced, told.append, deadline_s=50
    )
    assert check_placement(problem, TINY_PRESENT, found.placement).holds
    assert [one.share for one in told] == sorted(one.share for one in told)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Rebalanced) == found
