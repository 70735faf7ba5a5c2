from pathlib import Path

import pytest

from beffroi.capacity.rebalancing.model import Balance, Machine, Process, ResourceKind, Service
from beffroi.capacity.rebalancing.reading import read_model, read_placement
from beffroi.kernel.errors import InvalidInputError
from tests.unit.capacity.rebalancing.instances import TINY, TINY_PRESENT


def _written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "model.txt"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_model_is_read_noun_by_noun(tmp_path: Path) -> None:
    problem = read_model(_written(tmp_path, TINY))
    assert problem.resources == (
        ResourceKind(transient=True, load_weight=10),
        ResourceKind(transient=False, load_weight=5),
    )
    assert problem.machines[2] == Machine(1, 2, (10, 100), (6, 80), (2, 2, 0))
    assert problem.services == (Service(2), Service(1, (0,)))
    assert problem.processes[1] == Process(0, (3, 30), 2)
    assert problem.balances == (Balance(0, 1, 10, 3),)
    assert problem.weights.machine == 100


def test_a_placement_is_read(tmp_path: Path) -> None:
    problem = read_model(_written(tmp_path, TINY))
    (tmp_path / "placement.txt").write_text("0 1 0\n")
    assert read_placement(tmp_path / "placement.txt", problem) == TINY_PRESENT


@pytest.mark.parametrize(
    ("before", "after", "line", "column"),
    [("10 100  6 80  0 1 2", "10 x  6 80  0 1 2", 5, 4), ("1 1 0", "1 1 7", 10, 3)],
)
def test_a_wrong_value_is_told_with_its_place(
    tmp_path: Path, before: str, after: str, line: int, column: int
) -> None:
    file = _written(tmp_path, TINY.replace(before, after, 1))
    with pytest.raises(InvalidInputError) as caught:
        read_model(file)
    assert caught.value.code == "capacity.challenge_value_invalid"
    assert caught.value.values["file"] == str(file)
    assert (caught.value.values["line"], caught.value.values["column"]) == (line, column)


def test_a_file_that_ends_too_early_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_model(_written(tmp_path, TINY[:60]))
    assert caught.value.code == "capacity.challenge_file_ends"


def test_a_file_that_goes_on_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_model(_written(tmp_path, f"{TINY}5\n"))
    assert caught.value.code == "capacity.challenge_file_continues"
    assert caught.value.values["line"] == len(TINY.splitlines()) + 1


@pytest.mark.parametrize("name", ["absent.txt", "model.txt"])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, name: str) -> None:
    _written(tmp_path, "2 é")
    with pytest.raises(InvalidInputError) as caught:
        read_model(tmp_path / name)
    assert caught.value.code == "capacity.challenge_file_unreadable"
