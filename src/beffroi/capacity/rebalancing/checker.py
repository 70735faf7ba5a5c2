"""The rules and the cost of a placement, counted anew from the problem's own words.

It shares no code with the search, which keeps sums up to date move by move.
"""

from collections import Counter
from collections.abc import Iterator

from beffroi.capacity.rebalancing.model import (
    Breach,
    Cost,
    Machine,
    Placement,
    Reassignment,
    Rule,
    Verdict,
)


def check_placement(problem: Reassignment, present: Placement, placement: Placement) -> Verdict:
    """Judge a placement.

    Args:
        problem: The instance.
        present: Machine of each process before any move.
        placement: Machine of each process after them; each is one of the problem's.
    """
    used = _usage(problem, placement)
    broken = (
        *_capacity(problem, present, placement),
        *_conflicts(problem, placement),
        *_spreads(problem, placement),
        *_dependencies(problem, placement),
        *_moves(problem, present, placement),
    )
    return Verdict(_cost(problem, present, placement, used), broken)


def _usage(problem: Reassignment, placement: Placement) -> list[list[int]]:
    used = [[0] * len(problem.resources) for _ in problem.machines]
    for process, machine in zip(problem.processes, placement, strict=True):
        for resource, amount in enumerate(process.requirement):
            used[machine][resource] += amount
    return used


def _capacity(problem: Reassignment, present: Placement, placement: Placement) -> Iterator[Breach]:
    """Yield resources exceeded; what moves takes transient ones where it was, too."""
    used = _usage(problem, placement)
    for number, process in enumerate(problem.processes):
        if placement[number] != present[number]:
            for resource, kind in enumerate(problem.resources):
                if kind.transient:
                    used[present[number]][resource] += process.requirement[resource]
    for machine, noun in enumerate(problem.machines):
        for resource, amount in enumerate(used[machine]):
            if amount > noun.capacity[resource]:
                yield Breach(Rule.CAPACITY, (machine, resource, amount, noun.capacity[resource]))


def _conflicts(problem: Reassignment, placement: Placement) -> Iterator[Breach]:
    standing = Counter(
        (process.service, machine)
        for process, machine in zip(problem.processes, placement, strict=True)
    )
    for (service, machine), count in standing.items():
        if count > 1:
            yield Breach(Rule.CONFLICT, (service, machine, count))


def _spreads(problem: Reassignment, placement: Placement) -> Iterator[Breach]:
    covered: list[set[int]] = [set() for _ in problem.services]
    for process, machine in zip(problem.processes, placement, strict=True):
        covered[process.service].add(problem.machines[machine].location)
    for service, noun in enumerate(problem.services):
        if len(covered[service]) < noun.spread_min:
            yield Breach(Rule.SPREAD, (service, len(covered[service]), noun.spread_min))


def _dependencies(problem: Reassignment, placement: Placement) -> Iterator[Breach]:
    standing: list[set[int]] = [set() for _ in problem.services]
    for process, machine in zip(problem.processes, placement, strict=True):
        standing[process.service].add(problem.machines[machine].neighbourhood)
    for service, noun in enumerate(problem.services):
        for needed in noun.needs:
            for neighbourhood in sorted(standing[service] - standing[needed]):
                yield Breach(Rule.DEPENDENCY, (service, needed, neighbourhood))


def _moves(problem: Reassignment, present: Placement, placement: Placement) -> Iterator[Breach]:
    for number, process in enumerate(problem.processes):
        if process.only_on and placement[number] not in process.only_on:
            yield Breach(Rule.ONLY_ON, (number, placement[number]))
    moved = sum(was != now for was, now in zip(present, placement, strict=True))
    if problem.most_moved is not None and moved > problem.most_moved:
        yield Breach(Rule.MOST_MOVED, (moved, problem.most_moved))


def _cost(
    problem: Reassignment, present: Placement, placement: Placement, used: list[list[int]]
) -> Cost:
    moved = [number for number, was in enumerate(present) if placement[number] != was]
    by_service = Counter(problem.processes[number].service for number in moved)
    return Cost(
        load=sum(_load(problem, one, used[at]) for at, one in enumerate(problem.machines)),
        balance=sum(_balance(problem, one, used[at]) for at, one in enumerate(problem.machines)),
        process_move=problem.weights.process
        * sum(problem.processes[number].move_cost for number in moved),
        service_move=problem.weights.service * max(by_service.values(), default=0),
        machine_move=problem.weights.machine
        * sum(
            problem.machines[was].move_cost[now]
            for was, now in zip(present, placement, strict=True)
        ),
    )


def _load(problem: Reassignment, machine: Machine, used: list[int]) -> int:
    return sum(
        kind.load_weight * max(0, amount - safe)
        for kind, amount, safe in zip(problem.resources, used, machine.safety_capacity, strict=True)
    )


def _balance(problem: Reassignment, machine: Machine, used: list[int]) -> int:
    free = [whole - amount for whole, amount in zip(machine.capacity, used, strict=True)]
    return sum(
        one.weight * max(0, one.target * free[one.first] - free[one.second])
        for one in problem.balances
    )
