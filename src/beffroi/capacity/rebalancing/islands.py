"""Several annealings side by side, each on a core, that go on from the best one of them.

Compiled code lets other threads run, so that islands are threads of one process.
"""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import msgspec
import numpy as np

from beffroi.capacity.rebalancing.annealing import Course, Found, anneal_from
from beffroi.capacity.rebalancing.arrays import HARD, Fixed, Ints, fixed_arrays
from beffroi.capacity.rebalancing.checker import check_placement
from beffroi.capacity.rebalancing.model import Effort, Placement, Reassignment, Rebalanced
from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.processes.workers import Progress, Told

_TOLD_EVERY_S: Final = 1.0
_DESCENT_SHARE: Final = 0.03
# One mix of moves for each island, as ``compiled.anneal`` takes them: swaps, or ejections, lead.
_MIXES: Final = ((64, 32, 192, 16), (64, 32, 64, 64))


class _Round(msgspec.Struct, frozen=True):
    """A part of the time, and how hot it is.

    Attributes:
        share: Of the whole time.
        hottest: First temperature, in gaps: what the best placement costs above the bound, shared
            among processes; 0: as hot as ``_FIRST_HEATS`` tell.
        coldest: Last temperature, in gaps.
        softest: First penalty, in load weights of the costliest resource.
    """

    share: float
    hottest: float
    coldest: float
    softest: float


_ROUNDS: Final = (
    _Round(0.60, 0.0, 0.1, 1.0),
    _Round(0.22, 1.0, 0.03, 5.0),
    _Round(0.15, 0.3, 0.003, 10.0),
)
# Load costs of a mean process, were all of it above a safety capacity: a heat for each island.
# Measured on the instances of the challenge: 0.1 to 0.2 did best where capacities are tight.
_FIRST_HEATS: Final = (0.1, 0.2)
_HARDEST: Final = 100.0


def rebalance(problem: Reassignment, present: Placement, effort: Effort, told: Told) -> Rebalanced:
    """Look for a better placement than the present one.

    Raises:
        InvalidInputError: The present placement breaks a rule.
    """
    verdict = check_placement(problem, present, present)
    if verdict.broken:
        first = verdict.broken[0]
        raise InvalidInputError(
            "capacity.present_placement_broken",
            count=len(verdict.broken),
            rule=first.rule.value,
            at=", ".join(str(number) for number in first.at),
        )
    fixed = fixed_arrays(problem, present)
    start = np.array(present, dtype=np.int64)
    _compile(fixed, start)
    found = _Search(fixed, effort, told).run(start)
    placement = tuple(int(machine) for machine in found.placement)
    after = check_placement(problem, present, placement)
    if after.broken or after.cost.total != found.cost:
        raise RuntimeError(f"the search counted {found.cost}, the checker {after}")
    return Rebalanced(placement, verdict.cost, after.cost, found.tried)


class _Search:
    """The rounds of all islands."""

    def __init__(self, fixed: Fixed, effort: Effort, told: Told) -> None:
        self._fixed = fixed
        self._effort = effort
        self._told = told
        self._begun = time.monotonic()

    def run(self, start: Ints) -> Found:
        descent = Course(self._effort.seconds * _DESCENT_SHARE, 0, 0, HARD, HARD, _MIXES[0])
        with ThreadPoolExecutor(self._effort.cores) as pool:
            best = self._side_by_side(pool, start, 0, [descent])
            for number, one in enumerate(_ROUNDS, start=1):
                found = self._side_by_side(
                    pool, best.placement, number, self._courses(one, best.cost)
                )
                best = Found(found.placement, found.cost, best.tried + found.tried)
        return best

    def _courses(self, one: _Round, cost: int) -> list[Course]:
        fixed = self._fixed
        weight = max(1.0, float(fixed.load_weight.max()))
        process = float((fixed.requirement[:-1] @ fixed.load_weight).mean())
        gap = max(1.0, (cost - _bound(fixed)) / len(fixed.service))
        islands = range(self._effort.cores)
        heats = [_FIRST_HEATS[at % len(_FIRST_HEATS)] for at in islands]
        mixes = [_MIXES[at % len(_MIXES)] for at in islands]
        return [
            Course(
                seconds=self._effort.seconds * one.share,
                hottest=gap * one.hottest or max(gap, process * heat),
                coldest=gap * one.coldest,
                softest=weight * one.softest,
                hardest=weight * _HARDEST,
                mix=mix,
            )
            for heat, mix in zip(heats, mixes, strict=True)
        ]

    def _side_by_side(
        self, pool: ThreadPoolExecutor, start: Ints, number: int, courses: list[Course]
    ) -> Found:
        first_seed = self._effort.seed + number * 1_000_003
        islands = [
            pool.submit(anneal_from, self._fixed, start, course, first_seed + at, time.monotonic)
            for at, course in enumerate(courses)
        ]
        found = [self._awaited(island, number) for island in islands]
        best = min(found, key=lambda one: one.cost)
        return Found(best.placement, best.cost, sum(one.tried for one in found))

    def _awaited(self, island: Future[Found], number: int) -> Found:
        """Wait for an island, and tell how far the search is meanwhile."""
        while True:
            share = min(1.0, (time.monotonic() - self._begun) / self._effort.seconds)
            self._told(Progress(share, f"round {number} of {len(_ROUNDS)}"))
            try:
                return island.result(timeout=_TOLD_EVERY_S)
            except TimeoutError:
                continue


def _compile(fixed: Fixed, start: Ints) -> None:
    """Load or make the compiled code, so that its time is not counted."""
    course = Course(1e-6, 0, 0, HARD, HARD, _MIXES[0])
    ticks = iter((0.0, 0.0, 1.0))
    anneal_from(fixed, start, course, 1, lambda: next(ticks))


def _bound(fixed: Fixed) -> int:
    """Return a cost below which no placement can be: all machines as one. Source: the challenge."""
    used = fixed.requirement.sum(axis=0)
    bound = int((np.maximum(used - fixed.safety.sum(axis=0), 0) * fixed.load_weight).sum())
    free = fixed.capacity.sum(axis=0) - used
    for first, second, target, weight in fixed.balance:
        bound += int(weight * max(0, target * free[first] - free[second]))
    return bound
