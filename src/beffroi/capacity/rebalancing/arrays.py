"""The problem and a placement as arrays of 64-bit integers, for compiled code.

``Fixed`` never changes; ``Moving`` follows the placement, move by move. A process beyond the last
requires nothing: it stands for "no process" where a machine loses or gains one.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from beffroi.capacity.rebalancing.model import Placement, Reassignment

Ints = NDArray[np.int64]
Flags = NDArray[np.uint8]
Numbers = NDArray[np.int32]
HARD: Final = 2.0**20
"""Penalty that no gain outweighs: ten thousand times the usual cost of a unit of load."""

_HIGHEST_PENALTY: Final = 2**28
"""Keeps penalties within 64 bits, for amounts below 2**31."""


class Fixed(NamedTuple):
    """What the instance says; p process, m machine, r resource, s service, b balance.

    Attributes:
        capacity: (m, r).
        safety: (m, r).
        load_weight: (r,).
        steady: (r,) 1 where the resource is not transient.
        neighbourhood: (m,).
        location: (m,).
        travel: (m, m) weighted cost of a way from the first machine to the second.
        requirement: (p + 1, r).
        service: (p,).
        home: (p + 1,) the machine each process stood on before any move; -1 for "no process".
        move_cost: (p,) weighted.
        spread_min: (s,).
        needs: Services needed, those of service s from ``needs_from[s]`` to ``needs_from[s + 1]``.
        needed_by: The same, the other way round.
        typical: (r,) mean requirement, above 0.
        balance: (b, 4) first, second, target, weight.
        service_weight: (1,).
        most_moved: (1,) processes that may be away from home.
        allowed: (p, m) 1 where the process may ever stand.
        allowed_at: Those machines, of process p from ``allowed_from[p]`` on.
    """

    capacity: Ints
    safety: Ints
    load_weight: Ints
    steady: Ints
    neighbourhood: Ints
    location: Ints
    travel: Ints
    requirement: Ints
    service: Ints
    home: Ints
    move_cost: Ints
    spread_min: Ints
    needs_from: Ints
    needs: Ints
    needed_by_from: Ints
    needed_by: Ints
    typical: NDArray[np.float64]
    balance: Ints
    service_weight: Ints
    most_moved: Ints
    allowed: Flags
    allowed_from: Ints
    allowed_at: Ints


class Moving(NamedTuple):
    """What follows the placement.

    Attributes:
        machine: (p,) where each process stands.
        standing: (m, p) the processes of each machine, in any order.
        crowd: (m,) how many of them.
        slot: (p,) where each process is in ``standing``.
        used: (m, r) what stands there.
        taken: (m, r) the same, and what transient resources its former processes still hold.
        machine_cost: (m,) load and balance, and the penalty of what exceeds capacities.
        on_machine: (s, m) how many processes of the service stand there.
        in_location: (s, location) how many of its processes.
        in_neighbourhood: (s, neighbourhood) how many of its processes.
        spread: (s,) locations in which it stands.
        moved: (s,) processes away from home.
        services_moved: (n,) how many services have n processes away from home.
        penalty: (r,) of each unit beyond capacity.
        totals: (3,) the whole cost, penalties included; the highest of ``moved``; its sum.
        random: (1,) state of the random numbers, above 0.
    """

    machine: Ints
    standing: Numbers
    crowd: Ints
    slot: Ints
    used: Ints
    taken: Ints
    machine_cost: Ints
    on_machine: Flags
    in_location: Ints
    in_neighbourhood: Ints
    spread: Ints
    moved: Ints
    services_moved: Ints
    penalty: Ints
    totals: Ints
    random: NDArray[np.uint64]


def fixed_arrays(problem: Reassignment, present: Placement) -> Fixed:
    """Write an instance and the placement it starts from as arrays."""
    nothing = [0] * len(problem.resources)
    needs_from, needs = _listed([list(one.needs) for one in problem.services])
    users: list[list[int]] = [[] for _ in problem.services]
    for number, service in enumerate(problem.services):
        for needed in service.needs:
            users[needed].append(number)
    needed_by_from, needed_by = _listed(users)
    allowed = _allowed(problem, present)
    balance = [(one.first, one.second, one.target, one.weight) for one in problem.balances]
    return Fixed(
        capacity=_ints([one.capacity for one in problem.machines]),
        safety=_ints([one.safety_capacity for one in problem.machines]),
        load_weight=_ints([one.load_weight for one in problem.resources]),
        steady=_ints([0 if one.transient else 1 for one in problem.resources]),
        neighbourhood=_ranks([one.neighbourhood for one in problem.machines]),
        location=_ranks([one.location for one in problem.machines]),
        travel=_ints([one.move_cost for one in problem.machines]) * problem.weights.machine,
        requirement=_ints([*(one.requirement for one in problem.processes), nothing]),
        service=_ints([one.service for one in problem.processes]),
        home=_ints([*present, -1]),
        move_cost=_ints([one.move_cost for one in problem.processes]) * problem.weights.process,
        spread_min=_ints([one.spread_min for one in problem.services]),
        needs_from=needs_from,
        needs=needs,
        needed_by_from=needed_by_from,
        needed_by=needed_by,
        typical=np.maximum(_mean_requirement(problem), 1e-3),
        balance=_ints(balance).reshape(-1, 4),
        service_weight=_ints([problem.weights.service]),
        most_moved=_ints([len(present) if problem.most_moved is None else problem.most_moved]),
        allowed=allowed,
        allowed_from=_begins(allowed.sum(axis=1, dtype=np.int64)),
        allowed_at=np.nonzero(allowed)[1].astype(np.int64),
    )


def moving_arrays(fixed: Fixed, placement: Placement | Ints, seed: int) -> Moving:
    """Count everything of a placement anew, with hard capacities."""
    machine = np.array(placement, dtype=np.int64)
    away = machine != fixed.home[:-1]
    used = np.zeros_like(fixed.capacity)
    np.add.at(used, machine, fixed.requirement[:-1])
    taken = used.copy()
    held = fixed.requirement[:-1][away] * (1 - fixed.steady)
    np.add.at(taken, fixed.home[:-1][away], held)
    services = len(fixed.spread_min)
    in_location = _counts(fixed.service, fixed.location[machine], services, fixed.location)
    near = fixed.neighbourhood
    moved = np.bincount(fixed.service[away], minlength=services).astype(np.int64)
    largest = int(np.bincount(fixed.service).max())
    on_machine = np.zeros((services, len(fixed.capacity)), np.uint8)
    np.add.at(on_machine, (fixed.service, machine), 1)
    standing, crowd, slot = _standing(machine, len(fixed.capacity))
    moving = Moving(
        machine=machine,
        standing=standing,
        crowd=crowd,
        slot=slot,
        used=used,
        taken=taken,
        machine_cost=np.zeros(len(used), dtype=np.int64),
        on_machine=on_machine,
        in_location=in_location,
        in_neighbourhood=_counts(fixed.service, near[machine], services, near),
        spread=(in_location > 0).sum(axis=1).astype(np.int64),
        moved=moved,
        services_moved=np.bincount(moved, minlength=largest + 1).astype(np.int64),
        penalty=np.zeros(len(fixed.steady), dtype=np.int64),
        totals=np.array([0, moved.max(), moved.sum()], dtype=np.int64),
        random=np.array([(seed * 2 + 1) * 0x9E3779B97F4A7C15 % 2**64], dtype=np.uint64),
    )
    set_penalty(fixed, moving, HARD)
    return moving


def set_penalty(fixed: Fixed, moving: Moving, penalty: float) -> None:
    """Set what a unit beyond capacity costs, and count the whole cost anew.

    Args:
        fixed: The instance.
        moving: The state; its penalties and costs change.
        penalty: For the resource of which processes take most; that of others is higher, so that
            a typical process beyond capacity costs the same in each.
    """
    each = np.ceil(penalty * fixed.typical.max() / fixed.typical)
    moving.penalty[:] = np.minimum(each, _HIGHEST_PENALTY)
    beyond = np.maximum(moving.taken - fixed.capacity, 0)
    moving.machine_cost[:] = _machine_costs(fixed, moving.used) + beyond @ moving.penalty
    homes = fixed.home[:-1]
    ways = int(fixed.travel[homes, moving.machine].sum())
    ways += int(fixed.move_cost[moving.machine != homes].sum())
    most = int(moving.totals[1]) * int(fixed.service_weight[0])
    moving.totals[0] = int(moving.machine_cost.sum()) + ways + most


def fits(fixed: Fixed, moving: Moving) -> bool:
    """Tell whether every capacity holds."""
    return bool((moving.taken <= fixed.capacity).all())


def _mean_requirement(problem: Reassignment) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = _ints([one.requirement for one in problem.processes]).mean(axis=0)
    return mean


def _allowed(problem: Reassignment, present: Placement) -> Flags:
    """Tell which machines may ever take each process.

    What stands at home first holds its transient resources there for good: whoever comes must fit
    beside them.
    """
    requirement = _ints([one.requirement for one in problem.processes])
    room = _ints([one.capacity for one in problem.machines])
    homes = np.array(present)
    for resource, kind in enumerate(problem.resources):
        if kind.transient:
            np.subtract.at(room[:, resource], homes, requirement[:, resource])
    allowed = np.ones((len(requirement), len(room)), dtype=np.uint8)
    for resource in range(len(problem.resources)):
        allowed &= requirement[:, resource, None] <= room[None, :, resource]
    for number, process in enumerate(problem.processes):
        if process.only_on:
            allowed[number, np.setdiff1d(np.arange(len(room)), process.only_on)] = 0
    allowed[np.arange(len(homes)), homes] = 1
    return allowed


def _standing(machine: Ints, machines: int) -> tuple[Numbers, Ints, Ints]:
    standing = np.zeros((machines, len(machine)), dtype=np.int32)
    crowd = np.bincount(machine, minlength=machines).astype(np.int64)
    slot = np.zeros(len(machine), dtype=np.int64)
    for number in range(machines):
        here = np.flatnonzero(machine == number)
        standing[number, : len(here)] = here
        slot[here] = np.arange(len(here))
    return standing, crowd, slot


def _machine_costs(fixed: Fixed, used: Ints) -> Ints:
    load: Ints = np.maximum(used - fixed.safety, 0) @ fixed.load_weight
    free = fixed.capacity - used
    for first, second, target, weight in fixed.balance:
        load += weight * np.maximum(target * free[:, first] - free[:, second], 0)
    return load


def _counts(services: Ints, places: Ints, count: int, all_places: Ints) -> Ints:
    found = np.zeros((count, int(all_places.max()) + 1), dtype=np.int64)
    np.add.at(found, (services, places), 1)
    return found


def _ranks(numbers: list[int]) -> Ints:
    """Renumber places without gaps."""
    rank: Ints = np.unique(numbers, return_inverse=True)[1].astype(np.int64)
    return rank


def _listed(lists: list[list[int]]) -> tuple[Ints, Ints]:
    begins = _begins(_ints([len(one) for one in lists]))
    return begins, _ints([number for one in lists for number in one])


def _begins(lengths: Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _ints(values: object) -> Ints:
    return np.array(values, dtype=np.int64)
