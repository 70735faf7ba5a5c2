from pathlib import Path
from typing import Final

import msgspec
import pytest

from beffroi.capacity.rebalancing.checker import check_placement
from beffroi.capacity.rebalancing.model import Breach, Cost, Reassignment, Rule
from beffroi.capacity.rebalancing.reading import read_model, read_placement
from tests.unit.capacity.rebalancing.instances import TINY, TINY_PRESENT

_CHALLENGE: Final = Path(__file__).parents[5] / "shared/data/capacity/roadef2012"
_INITIAL: Final = {
    "a1_1": 49_528_750,
    "a1_2": 1_061_649_570,
    "a1_3": 583_662_270,
    "a1_4": 632_499_600,
    "a1_5": 782_189_690,
    "a2_1": 391_189_190,
    "a2_2": 1_876_768_120,
    "a2_3": 2_272_487_840,
    "a2_4": 3_223_516_130,
    "b_01": 7_644_173_180,
    "b_02": 5_181_493_830,
    "b_03": 6_336_834_660,
}
challenge = pytest.mark.skipif(
    not _CHALLENGE.is_dir(), reason="the challenge's instances are not beside this repository"
)


@pytest.fixture
def tiny(tmp_path: Path) -> Reassignment:
    (tmp_path / "tiny.txt").write_text(TINY)
    return read_model(tmp_path / "tiny.txt")


def test_every_part_of_a_cost_is_counted(tiny: Reassignment) -> None:
    found = check_placement(tiny, TINY_PRESENT, (2, 1, 2))
    # Machine 2 takes 9 of 6 of the first resource: 3 too many. Free on machine 0: 10 and 100, on
    # machine 1: 7 and 70, on machine 2: 1 and 70; ten times the first is never above the second.
    assert found.cost == Cost(load=30, balance=0, process_move=8, service_move=10, machine_move=400)
    assert found.cost.total == 448
    assert found.holds


def test_free_resources_out_of_proportion_cost(tiny: Reassignment) -> None:
    hungry = msgspec.structs.replace(tiny.balances[0], target=20)
    problem = msgspec.structs.replace(tiny, balances=(hungry,))
    found = check_placement(problem, TINY_PRESENT, TINY_PRESENT)
    # Free: 1 and 70, 7 and 70, 10 and 100.
    assert found.cost.balance == 3 * ((20 * 7 - 70) + (20 * 10 - 100))


@pytest.mark.parametrize(
    ("placement", "breach"),
    [
        ((0, 0, 0), Breach(Rule.CONFLICT, (0, 0, 2))),
        ((0, 0, 0), Breach(Rule.SPREAD, (0, 1, 2))),
        ((0, 1, 2), Breach(Rule.DEPENDENCY, (1, 0, 1))),
        # The process that left machine 0 still holds its transient resource there.
        ((1, 0, 0), Breach(Rule.CAPACITY, (0, 0, 12, 10))),
    ],
)
def test_each_broken_rule_is_told(
    tiny: Reassignment, placement: tuple[int, ...], breach: Breach
) -> None:
    assert breach in check_placement(tiny, TINY_PRESENT, placement).broken


def test_moves_beyond_the_bound_are_told(tiny: Reassignment) -> None:
    bounded = msgspec.structs.replace(tiny, most_moved=1)
    found = check_placement(bounded, TINY_PRESENT, (2, 1, 2))
    assert found.broken == (Breach(Rule.MOST_MOVED, (2, 1)),)


def test_a_process_where_it_may_not_stand_is_told(tiny: Reassignment) -> None:
    pinned = msgspec.structs.replace(tiny.processes[0], only_on=(0,))
    problem = msgspec.structs.replace(tiny, processes=(pinned, *tiny.processes[1:]))
    found = check_placement(problem, TINY_PRESENT, (2, 1, 2))
    assert found.broken == (Breach(Rule.ONLY_ON, (0, 2)),)


@challenge
def test_the_worked_example_of_the_challenge_costs_what_is_published() -> None:
    problem = read_model(_CHALLENGE / "model_example.txt")
    present = read_placement(_CHALLENGE / "initial_solution_example.txt", problem)
    better = read_placement(_CHALLENGE / "new_solution_example.txt", problem)
    costs = [
        check_placement(problem, present, placement).cost.total
        for placement in (present, (0, 2, 0), better)
    ]
    assert costs == [4200, 3510, 2411]


@challenge
@pytest.mark.parametrize("name", _INITIAL)
def test_initial_costs_are_those_published(name: str) -> None:
    problem = read_model(_CHALLENGE / f"model_{name}.txt")
    present = read_placement(_CHALLENGE / f"assignment_{name}.txt", problem)
    found = check_placement(problem, present, present)
    assert found.holds
    assert found.cost.total == _INITIAL[name]
