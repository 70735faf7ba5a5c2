"""Hosts that inventories need, by our planner, greedy rules, solvers and Ganeti's tools."""

import asyncio
import os
import statistics
import sys
from collections.abc import Sequence
from typing import Final

import msgspec

from beffroi.kernel.processes.commands import run_command
from bench.accelerator.tables import keep_with_table
from bench.capacity.packing_ganeti import ganeti_figures
from bench.capacity.packing_run import Run
from bench.measuring import Figures

_SEEDS: Final = int(os.environ.get("BENCH_ROUNDS", "20"))
# Solvers take their whole time on each inventory.
_SOLVER_SEEDS: Final = min(_SEEDS, int(os.environ.get("BENCH_SOLVER_ROUNDS", "3")))
_SOLVER_S: Final = float(os.environ.get("BENCH_ROUND_S", "30"))
_GREEDY: Final = ("first fit decreasing", "best fit decreasing", "dot product")
_SOLVERS: Final = ("CP-SAT", "HiGHS")
_START_S: Final = 120.0
_METHOD: Final = (
    "Inventories of CPU (p95, thousandths of a core), memory and disk, a quarter of the machines "
    "in groups of two to four that stay apart, on hosts that are all alike and that two or three "
    "resources fill alike: the files of ../shared/data/capacity/agglo (300 machines, seeds 0 to "
    "4; 3,000, seed 0) and others drawn by the bench with the same shares and sizes. Each method "
    "runs in a process of its own, its compiled code loaded before the clock starts; each answer "
    "is checked rule by rule before its hosts are counted. beffroi: the whole plan, as "
    "`beffroi plan` makes it, its checks included. bound: no plan can use fewer (our planner's, "
    "for all methods); gap: hosts above it. CP-SAT and HiGHS minimise the hosts used "
    f"without a hint, on {_SOLVER_SEEDS} inventories, {_SOLVER_S:.0f} s each, and may use a fifth "
    "more hosts than the bound; no answer is told as such. wall_s and cpu_s: median and most."
)


class _Set(msgspec.Struct, frozen=True):
    """Inventories of one size, our deadline, and who else runs on them."""

    items: int
    seeds: int
    deadline_s: float
    peers: tuple[str, ...]


_SETS: Final = (
    _Set(60, min(_SEEDS, 12), 10.0, (*_GREEDY, *_SOLVERS)),
    _Set(300, _SEEDS, 2.0, (*_GREEDY, *_SOLVERS)),
    _Set(3_000, 1 if _SEEDS < 3 else 3, 15.0, _GREEDY),
    _Set(30_000, 1, 48.0, ("first fit decreasing",)),
)


def measure() -> None:
    """Run every method on every set."""
    keep_with_table("capacity_packing", _METHOD, asyncio.run(_figures()))


async def _figures() -> dict[str, Figures]:
    figures: dict[str, Figures] = {}
    for one in _SETS:
        ours = [await _run("beffroi", one, seed, 0) for seed in range(one.seeds)]
        figures[f"{one.items} machines, beffroi"] = _told(ours)
        for method in one.peers:
            seeds = min(one.seeds, _SOLVER_SEEDS) if method in _SOLVERS else one.seeds
            runs = [await _run(method, one, seed, ours[seed].bound) for seed in range(seeds)]
            figures[f"{one.items} machines, {method}"] = _told(runs)
    return figures | await ganeti_figures()


async def _run(method: str, one: _Set, seed: int, bound: int) -> Run:
    deadline_s = _SOLVER_S if method in _SOLVERS else one.deadline_s
    command = (sys.executable, "-m", "bench.capacity.packing_run", method)
    ended = await run_command(
        (*command, str(one.items), str(seed), str(deadline_s), str(bound)),
        deadline_s=3 * deadline_s + _START_S,
    )
    if ended.status:
        raise RuntimeError(f"{method} on {one.items} machines, seed {seed}: {ended.output}")
    return msgspec.json.decode(ended.output.strip().rpartition("\n")[2], type=Run)


def _told(runs: Sequence[Run]) -> Figures:
    answered = [run for run in runs if run.hosts]
    gaps = [run.hosts - run.bound for run in answered]
    bound = sum(run.bound for run in answered)
    return {
        "answers": f"{len(answered)} of {len(runs)}",
        "hosts": sum(run.hosts for run in answered),
        "bound": bound,
        "above_percent": round(100 * sum(gaps) / bound, 2) if bound else None,
        "gap_most": max(gaps, default=None),
        "at_bound": f"{gaps.count(0)} of {len(runs)}",
        "proven": f"{sum(run.proven for run in runs)} of {len(runs)}",
        "wall_s": round(statistics.median(run.wall_s for run in runs), 3),
        "wall_s_most": round(max(run.wall_s for run in runs), 3),
        "cpu_s": round(statistics.median(run.cpu_s for run in runs), 3),
        "cpu_s_most": round(max(run.cpu_s for run in runs), 3),
        "peak_mib": round(max(run.peak_mib for run in runs)),
    }
