"""The fewest bins: greedy first, annealing from the bound up, an exhaustive search to close."""

import time
from typing import Final

import numpy as np

from beffroi.capacity.packing.annealed import annealed, cooled
from beffroi.capacity.packing.blocks import MOST_TOGETHER, packed_in_blocks, spilt
from beffroi.capacity.packing.bounds import least_prefix, lower_bound, prefix_is_best
from beffroi.capacity.packing.exact import MOST_CHOICES, Verdict, searched
from beffroi.capacity.packing.greedy import greedy_runs
from beffroi.capacity.packing.problem import (
    EXACT,
    Cause,
    IntArray,
    Method,
    Packed,
    Packing,
    UnpackableError,
)
from beffroi.capacity.packing.rules import holds, moves_of
from beffroi.capacity.packing.staying import with_fewer_moves
from beffroi.capacity.packing.terms import terms_of
from beffroi.kernel.processes.workers import Progress, Told

# Few items need more steps each, up to a total.
_STEPS_PER_ITEM: Final = 5_000
_STEPS_PER_ITEM_OF_FEW: Final = 20_000
_STEPS_OF_FEW: Final = 600_000
_LONGER_RUNS: Final = (2, 4)
# Part of the deadline kept for bringing items back to where they stand.
_FOR_MOVES: Final = 0.3


def pack_into(
    packing: Packing, *, seed: int, steps: int, until_s: float = float("inf")
) -> IntArray | None:
    """Pack all items into the candidates, or return none when the steps end first.

    ``with_fewer_moves`` makes the answer one that moves less.

    Args:
        packing: All its bins may be used.
        seed: Of the random numbers.
        steps: Moves that the annealing tries at most; blocks have steps of their own.
        until_s: Reading of the monotonic clock after which it gives up.
    """
    if packing.items > MOST_TOGETHER:
        place = packed_in_blocks(
            packing, packing.bins, seed=seed, until_s=until_s, told=lambda _: None
        )
    else:
        place = annealed(packing, seed, steps, until_s)
    return place if holds(packing, place) else None


def fewest_bins(packing: Packing, *, deadline_s: float, seed: int, told: Told) -> Packed:
    """Find the shortest prefix of the candidates that takes all items.

    The same seed gives the same answer, unless the deadline cuts the search.

    Args:
        packing: Items and candidates.
        seed: Of the random numbers.
        deadline_s: Time for the whole search, in seconds; an answer that was found stands.
        told: Called with the progress.

    Raises:
        UnpackableError: The candidates cannot take the items, or no way was found.
    """
    return _Search(packing, deadline_s, seed, told).answer()


class _Search:
    """One search and the best answer so far."""

    def __init__(self, packing: Packing, deadline_s: float, seed: int, told: Told) -> None:
        self._packing = packing
        self._ends_s = time.monotonic() + deadline_s
        stands = bool((packing.preferred >= 0).any())
        self._until_s = self._ends_s - deadline_s * _FOR_MOVES * stands
        self._seed = seed
        self._told = told
        self._bound, self._dimension = lower_bound(packing)
        self._least = least_prefix(packing, self._bound)
        self._bins = packing.bins + 1 if packing.items else 0
        self._place = np.full(packing.items, -1, dtype=np.int64)
        self._method = Method.GREEDY

    def answer(self) -> Packed:
        """Run each method as long as it can help."""
        self._greedily()
        if self._bins > self._least and self._packing.items > MOST_TOGETHER:
            self._in_blocks()
        elif self._bins > self._least:
            self._upwards()
            self._downwards()
            self._exhaustively()
        if self._bins > self._packing.bins:
            raise UnpackableError(Cause.SEARCHED)
        self._bring_back()
        return Packed(
            assignment=self._place,
            bins=self._bins,
            bound=self._bound,
            bound_dimension=self._dimension,
            method=self._method,
            moved=moves_of(self._packing, self._place),
        )

    def _keep(self, place: IntArray, method: Method) -> bool:
        """Take an answer that holds and needs fewer bins; tell whether it did."""
        bins = int(place.max(initial=-1)) + 1
        if bins >= self._bins or not holds(self._packing, place):
            return False
        self._place, self._bins, self._method = place, bins, method
        return True

    def _greedily(self) -> None:
        """Take the best greedy run; none is needed after one that reaches the bound."""
        self._told(Progress(0.0, "greedy"))
        runs = greedy_runs(terms_of(self._packing)) if self._bins else ()
        for place in runs:
            self._keep(place, Method.GREEDY)
            if self._bins == self._least:
                return

    def _upwards(self) -> None:
        """Try each number of bins once, from the least."""
        bins = self._least
        while bins < self._bins and bins <= self._packing.bins and not self._late():
            self._annealed(bins, 1)
            bins += 1

    def _downwards(self) -> None:
        """Try one bin less with longer runs, as long as that helps."""
        longer_runs = iter(_LONGER_RUNS)
        while self._bins > self._least and not self._late():
            longer = next(longer_runs, None)
            if longer is None:
                return
            if self._annealed(self._bins - 1, longer):
                longer_runs = iter(_LONGER_RUNS)

    def _annealed(self, bins: int, longer: int) -> bool:
        """Run the annealing; what is too much in its bins is spilt into further ones."""
        self._told(Progress(0.1 * longer, "annealing"))
        place = annealed(
            self._packing.first(bins),
            self._seed + longer,
            longer * _steps_for(self._packing),
            self._until_s,
        )
        return self._keep(spilt(self._packing, place), Method.ANNEALING)

    def _exhaustively(self) -> None:
        """Search one bin less to the end where that is small enough, as long as it finds."""
        while self._bins > self._least and not self._late():
            fewer = self._packing.first(self._bins - 1)
            if fewer.items * fewer.bins > MOST_CHOICES:
                return
            self._told(Progress(0.6, "exact"))
            hint = cooled(fewer, self._seed, _steps_for(fewer), self._until_s)
            left_s = self._until_s - time.monotonic()
            ended = searched(fewer, hint=hint, seed=self._seed, deadline_s=left_s)
            if ended.verdict is Verdict.IMPOSSIBLE:
                self._prove()
            if not self._keep(ended.assignment, Method.EXACT):
                return

    def _prove(self) -> None:
        """Raise the bound to the answer: no shorter prefix will do.

        Raises:
            UnpackableError: There is no answer, and all candidates were searched.
        """
        if self._bins > self._packing.bins:
            raise UnpackableError(Cause.PROVED)
        if prefix_is_best(self._packing):
            self._bound, self._dimension = self._bins, EXACT

    def _in_blocks(self) -> None:
        def told(share: float) -> None:
            self._told(Progress(share, "annealing"))

        place = packed_in_blocks(
            self._packing, self._least, seed=self._seed, until_s=self._until_s, told=told
        )
        self._keep(place, Method.ANNEALING)

    def _bring_back(self) -> None:
        """Move fewer items, with the same bins."""
        packing = self._packing.first(self._bins)
        if moves_of(packing, self._place):
            self._told(Progress(0.8, "moves"))
            self._place = with_fewer_moves(
                packing,
                self._place,
                seed=self._seed,
                steps=_steps_for(packing),
                until_s=self._ends_s,
            )

    def _late(self) -> bool:
        return time.monotonic() > self._until_s


def _steps_for(packing: Packing) -> int:
    few = min(_STEPS_OF_FEW, _STEPS_PER_ITEM_OF_FEW * packing.items)
    return max(few, _STEPS_PER_ITEM * packing.items)
