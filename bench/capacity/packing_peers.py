"""Peers that pack the same inventories: greedy rules in plain numpy, CP-SAT and HiGHS alone."""

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np
from ortools.sat.python import cp_model

from beffroi.capacity.packing.problem import FloatArray, IntArray, Packing

_CORES: Final = 2


class Answer(msgspec.Struct, frozen=True, eq=False):
    """Where a method put each item (none: nowhere).

    Attributes:
        proven: It says that nothing is better.
        bound: It says that no answer uses fewer hosts; 0: it says nothing.
    """

    assignment: IntArray | None
    proven: bool = False
    bound: int = 0


def first_fit_decreasing(packing: Packing) -> Answer:
    """Put each item, the largest first, into the first host that takes it."""
    return _item_by_item(packing, lambda room: np.arange(len(room), dtype=np.float64))


def best_fit_decreasing(packing: Packing) -> Answer:
    """Put each item, the largest first, into the host that it leaves fullest."""
    return _item_by_item(packing, lambda room: room.sum(axis=1))


def dot_product(packing: Packing) -> Answer:
    """Fill host after host with the item whose needs point most the way its room does."""
    shares = packing.demand / packing.capacity[0]
    weight = shares.mean(axis=0)
    place = np.full(packing.items, -1, dtype=np.int64)
    for number in range(packing.bins):
        room = packing.capacity[number].copy()
        inside: set[int] = set()
        while True:
            open_ones = (place < 0) & (packing.demand <= room).all(axis=1)
            open_ones &= ~np.isin(packing.apart, list(inside))
            if not open_ones.any():
                break
            score = shares @ (weight * room / packing.capacity[number])
            item = int(np.where(open_ones, score, -1.0).argmax())
            place[item] = number
            room -= packing.demand[item]
            inside |= {int(packing.apart[item])} - {-1}
        if (place >= 0).all():
            break
    return Answer(place)


def _item_by_item(packing: Packing, score: Callable[[FloatArray], FloatArray]) -> Answer:
    """Put items one by one where the score of the room left is least, opened hosts first."""
    shares = packing.demand / packing.capacity[0]
    free = packing.capacity.copy()
    groups: dict[int, set[int]] = {}
    place = np.full(packing.items, -1, dtype=np.int64)
    for item in np.argsort(-shares.sum(axis=1), kind="stable").tolist():
        fits = (free >= packing.demand[item]).all(axis=1)
        fits[list(groups.get(int(packing.apart[item]), ()))] = False
        opened = int(place.max()) + 1
        among = fits.copy()
        among[opened:] = False
        if not among.any():
            among = fits
            among[opened + 1 :] = False
        left = (free - packing.demand[item]) / packing.capacity[0]
        place[item] = int(np.where(among, score(left), np.inf).argmin())
        free[place[item]] -= packing.demand[item]
        if packing.apart[item] >= 0:
            groups.setdefault(int(packing.apart[item]), set()).add(int(place[item]))
    return Answer(place)


def cp_sat_alone(packing: Packing, hosts: int, deadline_s: float) -> Answer:
    """Have CP-SAT minimise the hosts used, from nothing, on both cores.

    Args:
        packing: Hosts are all alike.
        hosts: How many it may use at most.
        deadline_s: In seconds.
    """
    model = cp_model.CpModel()
    stands = [[model.new_bool_var("") for _ in range(hosts)] for _ in range(packing.items)]
    used = [model.new_bool_var("") for _ in range(hosts)]
    for choices in stands:
        model.add_exactly_one(choices)
    for number in range(hosts):
        for dimension, room in enumerate(packing.capacity[number].tolist()):
            amounts = packing.demand[:, dimension].tolist()
            taken = sum(amount * one[number] for amount, one in zip(amounts, stands, strict=True))
            model.add(taken <= room * used[number])
        if number:
            model.add_implication(used[number], used[number - 1])
        for group in np.unique(packing.apart[packing.apart >= 0]):
            members = np.nonzero(packing.apart == group)[0].tolist()
            model.add_at_most_one([stands[item][number] for item in members])
    model.minimize(sum(used))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = deadline_s
    solver.parameters.num_workers = _CORES
    status = solver.solve(model)
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return Answer(None)
    found = [[solver.boolean_value(one) for one in choices] for choices in stands]
    return Answer(np.array(found).argmax(axis=1), status == cp_model.OPTIMAL)
