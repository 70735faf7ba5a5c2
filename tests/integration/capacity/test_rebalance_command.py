"""``beffroi rebalance`` over the real reader and the real search."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from beffroi.capacity.cli_rebalance import rebalance
from beffroi.capacity.rebalancing.checker import check_placement
from beffroi.capacity.rebalancing.reading import read_model, read_placement
from beffroi.kernel.errors import InvalidInputError
from tests.integration.capacity.rebalancing_files import FILES, HOMELESS

QUICK = ("--deadline", "1")
# Two machines; the first holds both processes, which exceed its safety capacity of 10 by 6.
MODEL = "1\n0 5\n2\n0 0 20 10 0 1\n0 1 20 10 1 0\n2\n1 0\n1 0\n2\n0 8 1\n1 8 1\n0\n1 1 1\n"
ASSIGNMENT = "0 0\n"


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.command()(rebalance)
    return app


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEFFROI_LANGUAGE", "en")


def _written(folder: Path, files: Mapping[str, bytes]) -> str:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return str(folder / "plan.yaml")


def test_a_better_placement_is_shown_and_written(app: typer.Typer, tmp_path: Path) -> None:
    out = tmp_path / "out"
    plan = _written(tmp_path, FILES)
    result = CliRunner().invoke(app, [plan, *QUICK, "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "1 move(s): 1 host(s) too full before, 0 after." in result.stdout
    assert "Relieves tour-1, too busy: CPU from 113 %" in result.stdout
    assert "Overload" in result.stdout
    assert "1 rule(s) were broken; all hold after the moves." in result.stdout
    with (out / "moves.csv").open(encoding="utf-8", newline="") as file:
        (move,) = csv.DictReader(file)
    with (out / "placement.csv").open(encoding="utf-8", newline="") as file:
        placement = {row["workload"]: row["host"] for row in csv.DictReader(file)}
    assert move["origin"] == "tour-1"
    assert placement[move["workload"]] == move["target"] != "tour-1"
    assert len(placement) == 3


def test_a_file_in_the_place_of_the_folder_is_refused_before_the_search(
    app: typer.Typer, tmp_path: Path
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("kept", encoding="utf-8")
    model, assignment = tmp_path / "model.txt", tmp_path / "assignment.txt"
    model.write_text(MODEL)
    assignment.write_text(ASSIGNMENT)
    for files in ([_written(tmp_path, FILES)], [str(model), str(assignment)]):
        result = CliRunner().invoke(app, [*files, "--deadline", "3600", "--out", str(taken)])
        assert isinstance(result.exception, InvalidInputError)
        assert result.exception.code == "kernel.results_folder_unusable"
    assert taken.read_text(encoding="utf-8") == "kept"


def test_a_rule_that_is_still_broken_ends_the_command_with_1(
    app: typer.Typer, tmp_path: Path
) -> None:
    plan = _written(tmp_path, FILES)
    result = CliRunner().invoke(app, [plan, *QUICK, "--most-moves", "0", "--json"])
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["moves"] == []
    assert [one["rule"] for one in told["checks_after"] if not one["holds"]] == ["cpu"]
    shown = CliRunner().invoke(app, [plan, *QUICK, "--most-moves", "0"])
    assert "✗ CPU suffices everywhere" in shown.stdout
    assert "Moves are not enough: ask for a plan" in shown.stdout


def test_workloads_without_a_host_are_refused_by_name(app: typer.Typer, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [_written(tmp_path, HOMELESS), *QUICK])
    assert isinstance(result.exception, InvalidInputError)
    assert result.exception.code == "capacity.workloads_without_host"
    assert result.exception.values["workloads"] == "ged"


def test_files_of_the_challenge_are_answered_with_an_assignment(
    app: typer.Typer, tmp_path: Path
) -> None:
    model, assignment = tmp_path / "model.txt", tmp_path / "assignment.txt"
    model.write_text(MODEL)
    assignment.write_text(ASSIGNMENT)
    out = tmp_path / "out"
    result = CliRunner().invoke(app, [str(model), str(assignment), *QUICK, "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "1 processes moved of 2." in result.stdout
    problem = read_model(model)
    found = read_placement(out / "assignment.txt", problem)
    verdict = check_placement(problem, read_placement(assignment, problem), found)
    assert (verdict.holds, verdict.cost.load, verdict.cost.total) == (True, 0, 3)
