"""The exhaustive search: finds what the annealing missed, or proves that there is nothing.

Nothing else loads OR-Tools, which may not share a process with ``highspy``.
Source: https://github.com/google/or-tools/issues/5246.
"""

from enum import StrEnum
from typing import Any, Final

import msgspec
import numpy as np
from ortools.sat.python import cp_model

from beffroi.capacity.packing.problem import BoolArray, IntArray, Packing
from beffroi.capacity.packing.rules import alike_bins
from beffroi.capacity.packing.terms import telling_dimensions

# Beyond so many yes-or-no questions, it hardly ever ends in a minute (measured).
MOST_CHOICES: Final = 10_000


class Verdict(StrEnum):
    """How the search ended."""

    FOUND = "found"
    IMPOSSIBLE = "impossible"
    OPEN = "open"


class Exhausted(msgspec.Struct, frozen=True, eq=False):
    """What the search says, and the assignment it found, if it did."""

    verdict: Verdict
    assignment: IntArray


def searched(packing: Packing, *, hint: IntArray, seed: int, deadline_s: float) -> Exhausted:
    """Search for an assignment to all bins, or for the proof that there is none.

    Args:
        packing: All its bins may be used.
        seed: Of the random numbers.
        hint: A placement to begin near; it may break rules.
        deadline_s: In seconds; in the same time on a slower machine it may come less far.
    """
    model = cp_model.CpModel()
    alike = alike_bins(packing)
    order = np.argsort(-(packing.demand / packing.capacity.max(axis=0).clip(1)).sum(axis=1))
    stands = _choices(model, packing, _may(packing, alike, order))
    _add_sums(model, packing, stands)
    _add_groups(model, packing, stands)
    near = _numbered_by_first(hint, alike, order)
    for (item, number), choice in stands.items():
        model.add_hint(choice, bool(near[item] == number))
    solver = cp_model.CpSolver()
    solver.parameters.random_seed = seed
    solver.parameters.max_time_in_seconds = max(deadline_s, 0.01)
    # More workers were slower on problems of this size, and answer differently each time.
    solver.parameters.num_workers = 1
    status = solver.solve(model)
    assignment = np.full(packing.items, -1, dtype=np.int64)
    if status == cp_model.INFEASIBLE:
        return Exhausted(Verdict.IMPOSSIBLE, assignment)
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return Exhausted(Verdict.OPEN, assignment)
    for (item, number), choice in stands.items():
        if solver.boolean_value(choice):
            assignment[item] = number
    return Exhausted(Verdict.FOUND, assignment)


def _may(packing: Packing, alike: list[IntArray], order: IntArray) -> BoolArray:
    """Tell which item may stand in which bin, of answers that differ by numbering only one.

    Bins that are alike are numbered by their first item in ``order``: the item at rank k stands
    in none of those after number k.
    """
    may = packing.allowed[:, packing.bin_class].copy()
    for number, room in enumerate(packing.capacity):
        may[:, number] &= (packing.demand <= room).all(axis=1)
    held = packing.fixed >= 0
    may[held] &= packing.fixed[held, None] == np.arange(packing.bins)
    for bins in alike:
        for rank, item in enumerate(order[: len(bins)]):
            may[item, bins[rank + 1 :]] = False
    return may


def _numbered_by_first(place: IntArray, alike: list[IntArray], order: IntArray) -> IntArray:
    """Number bins that are alike by their first item in ``order``."""
    number = np.arange(place.max(initial=0) + 1)
    for bins in alike:
        seen = place[order][np.isin(place[order], bins)]
        _, first = np.unique(seen, return_index=True)
        used = seen[np.sort(first)]
        number[used] = bins[: len(used)]
    return number[place]


def _choices(
    model: cp_model.CpModel, packing: Packing, may: BoolArray
) -> dict[tuple[int, int], Any]:
    """Ask of each item and bin whether it stands there; once per item."""
    stands = {}
    for item in range(packing.items):
        choices = {int(number): model.new_bool_var("") for number in np.nonzero(may[item])[0]}
        model.add_exactly_one(choices.values())
        stands.update({(item, number): choice for number, choice in choices.items()})
    return stands


def _add_sums(
    model: cp_model.CpModel, packing: Packing, stands: dict[tuple[int, int], Any]
) -> None:
    for dimension in telling_dimensions(packing):
        amounts = packing.demand[:, dimension].tolist()
        for number in range(packing.bins):
            taken = [
                amounts[item] * stands[item, number]
                for item in range(packing.items)
                if amounts[item] and (item, number) in stands
            ]
            model.add(sum(taken) <= int(packing.capacity[number, dimension]))


def _add_groups(
    model: cp_model.CpModel, packing: Packing, stands: dict[tuple[int, int], Any]
) -> None:
    for group in np.unique(packing.apart[packing.apart >= 0]):
        members = np.nonzero(packing.apart == group)[0].tolist()
        for number in range(packing.bins):
            model.add_at_most_one(
                [stands[item, number] for item in members if (item, number) in stands]
            )
