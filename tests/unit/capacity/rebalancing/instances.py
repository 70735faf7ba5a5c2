"""Instances made up for the tests: one written by hand, others drawn by hypothesis."""

from typing import Final

from hypothesis import strategies as st

from beffroi.capacity.rebalancing.checker import check_placement
from beffroi.capacity.rebalancing.model import (
    Balance,
    Machine,
    MoveWeights,
    Process,
    Reassignment,
    ResourceKind,
    Service,
)

TINY: Final = """\
2
1 10
0 5
3
0 0  10 100  6 80  0 1 2
0 1  10 100  6 80  1 0 2
1 2  10 100  6 80  2 2 0
2
2 0
1 1 0
3
0  4 20  7
0  3 30  2
1  5 10  1
1
0 1 10
3
1 10 100
"""
"""Service 0 covers two locations, service 1 runs where service 0 does."""
TINY_PRESENT: Final = (0, 1, 0)


@st.composite
def drawn_instances(draw: st.DrawFn) -> tuple[Reassignment, tuple[int, ...]]:
    """Draw an instance and a placement that breaks no rule of it."""
    resources, machines, services = (draw(st.integers(1, most)) for most in (3, 5, 5))
    amounts = st.lists(st.integers(0, 20), min_size=resources, max_size=resources).map(tuple)
    kinds = tuple(
        ResourceKind(draw(st.booleans()), draw(st.integers(0, 9))) for _ in range(resources)
    )
    sized = [draw(st.integers(1, machines)) for _ in range(services)]
    processes = tuple(
        Process(service, draw(amounts), draw(st.integers(0, 9)))
        for service, size in enumerate(sized)
        for _ in range(size)
    )
    present = tuple(
        machine for size in sized for machine in draw(st.permutations(range(machines)))[:size]
    )
    places = [(draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in range(machines)]
    problem = Reassignment(
        resources=kinds,
        machines=tuple(
            _machine(draw, places[at], _used(processes, present, at, resources), machines)
            for at in range(machines)
        ),
        services=_services(draw, processes, present, places),
        processes=processes,
        balances=tuple(
            Balance(draw(st.integers(0, resources - 1)), 0, draw(st.integers(0, 3)), 2)
            for _ in range(draw(st.integers(0, 2)))
        ),
        weights=MoveWeights(draw(st.integers(0, 3)), draw(st.integers(0, 20)), 3),
        most_moved=draw(st.none() | st.integers(0, 4)),
    )
    assert check_placement(problem, present, present).holds
    return problem, present


def _used(
    processes: tuple[Process, ...], present: tuple[int, ...], machine: int, resources: int
) -> list[int]:
    here = [one for one, at in zip(processes, present, strict=True) if at == machine]
    return [sum(one.requirement[resource] for one in here) for resource in range(resources)]


def _machine(draw: st.DrawFn, place: tuple[int, int], used: list[int], machines: int) -> Machine:
    capacity = tuple(amount + draw(st.integers(0, 25)) for amount in used)
    return Machine(
        *place,
        capacity,
        tuple(draw(st.integers(0, most)) for most in capacity),
        tuple(draw(st.integers(0, 5)) for _ in range(machines)),
    )


def _services(
    draw: st.DrawFn,
    processes: tuple[Process, ...],
    present: tuple[int, ...],
    places: list[tuple[int, int]],
) -> tuple[Service, ...]:
    count = processes[-1].service + 1
    covered: list[set[tuple[int, int]]] = [set() for _ in range(count)]
    for process, machine in zip(processes, present, strict=True):
        covered[process.service].add(places[machine])
    near = [{place[0] for place in one} for one in covered]
    return tuple(
        Service(
            draw(st.integers(0, len({place[1] for place in covered[service]}))),
            tuple(
                other
                for other in range(count)
                if other != service and near[service] <= near[other] and draw(st.booleans())
            ),
        )
        for service in range(count)
    )
