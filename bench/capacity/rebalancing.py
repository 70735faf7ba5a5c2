"""The instances of the ROADEF/EURO challenge 2012, against the winning team's own table."""

import asyncio
import os
from pathlib import Path
from typing import Final

import msgspec

from beffroi.capacity.rebalancing.checker import check_placement
from beffroi.capacity.rebalancing.model import Effort, Rebalanced, RebalancingRequest
from beffroi.capacity.rebalancing.reading import read_model, read_placement
from beffroi.kernel.processes.workers import Progress, asked_of_worker
from bench.accelerator.tables import keep_with_table
from bench.measuring import Figures

_FOLDER: Final = Path(__file__).parents[3] / "shared/data/capacity/roadef2012"
_SECONDS: Final = float(os.environ.get("BENCH_SECONDS", "300"))
_CORES: Final = int(os.environ.get("BENCH_CORES", "2"))
_SEED: Final = int(os.environ.get("BENCH_SEED", "1"))
_WORKER: Final = "beffroi.capacity.rebalancing.worker"
_SLACK_S: Final = 300.0


class _Published(msgspec.Struct, frozen=True):
    """Published costs. Source: ../shared/data/README.md.

    Attributes:
        initial: Of the placement to start from.
        winner: Of the winning team's answer, 300 s on a machine of 2012.
        reference: The better of the winner's and a MIP solver's in an hour.
    """

    initial: int
    winner: int
    reference: int


_PUBLISHED: Final = {
    "a1_1": _Published(49_528_750, 44_306_501, 44_306_501),
    "a1_2": _Published(1_061_649_570, 777_912_030, 777_531_842),
    "a1_3": _Published(583_662_270, 583_006_422, 583_005_719),
    "a1_4": _Published(632_499_600, 262_125_116, 262_086_758),
    "a1_5": _Published(782_189_690, 727_578_310, 727_578_310),
    "a2_1": _Published(391_189_190, 329, 329),
    "a2_2": _Published(1_876_768_120, 746_097_632, 746_097_632),
    "a2_3": _Published(2_272_487_840, 1_210_644_572, 1_210_644_572),
    "a2_4": _Published(3_223_516_130, 1_680_615_349, 1_680_615_349),
    "b_01": _Published(7_644_173_180, 3_353_533_859, 3_353_533_859),
    "b_02": _Published(5_181_493_830, 1_015_569_276, 1_015_569_276),
    "b_03": _Published(6_336_834_660, 157_091_678, 157_091_678),
}
_INSTANCES: Final = os.environ.get("BENCH_INSTANCES", " ".join(_PUBLISHED)).split()
_METHOD: Final = (
    f"Machine reassignment, {_SECONDS:.0f} s and {_CORES} annealings side by side for each "
    f"instance, seed {_SEED}, one run; answers are checked and their cost counted again by a "
    "checker that shares no code with the search. initial: published cost of the placement to "
    "start from, which the checker reproduces. winner: the winning team's own table, 300 s on a "
    "machine of 2012. reference: the better of the winner's answer and a MIP solver's in an hour; "
    "lower costs may be known. score, %: (ours - reference) / initial, the challenge's measure; "
    "relative, %: (ours - reference) / reference. tried: moves tried each second, over all cores."
)


def measure() -> None:
    """Run each instance, check its answer, tell its score."""
    figures = {name: asyncio.run(_figures_of(name)) for name in _INSTANCES}
    scores = [float(row["score, %"] or 0) for row in figures.values()]
    figures["all"] = {
        "mean score, %": round(sum(scores) / len(scores), 4),
        "worst score, %": max(scores),
        "A at or below the winner": sum(
            row["at or below the winner"] == "yes"
            for name, row in figures.items()
            if name.startswith("a")
        ),
    }
    keep_with_table("capacity_rebalancing", _METHOD, figures)


async def _figures_of(name: str) -> Figures:
    published = _PUBLISHED[name]
    problem = read_model(_FOLDER / f"model_{name}.txt")
    present = read_placement(_FOLDER / f"assignment_{name}.txt", problem)
    assert check_placement(problem, present, present).cost.total == published.initial
    request = RebalancingRequest(problem, present, Effort(_SECONDS, _CORES, _SEED))
    found = await asked_of_worker(
        _WORKER, request, Rebalanced, _unheard, deadline_s=_SECONDS + _SLACK_S
    )
    verdict = check_placement(problem, present, found.placement)
    assert verdict.holds, verdict.broken[:3]
    ours = verdict.cost.total
    print(f"{name}: {ours}", flush=True)
    return {
        "initial": published.initial,
        "ours": ours,
        "winner": published.winner,
        "reference": published.reference,
        "score, %": round(100 * (ours - published.reference) / published.initial, 4),
        "relative, %": round(100 * (ours - published.reference) / published.reference, 4),
        "at or below the winner": "yes" if ours <= published.winner else "no",
        "tried, M/s": round(found.tried / _SECONDS / 1e6, 1),
    }


def _unheard(progress: Progress) -> None:
    """Let the search go on."""
