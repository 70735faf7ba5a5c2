"""Room beside cost: what keeps every state on the way to a better placement within the policy.

The bridge lets a host be filled beyond the policy's shares, at a cost. Here no host ends fuller
than these shares or than it was, nothing enters one that is too full, and every amount is counted
on both hosts of a move. So moves may be made in any order, side by side, and stopped at any time.
What exceeds a share breaks a rule: it weighs more here than what it costs to mend.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from beffroi.capacity.rebalancing.model import (
    Machine,
    Placement,
    Process,
    Reassignment,
    ResourceKind,
)

_OVERLOAD_WEIGHS: Final = 20
"""So that at usual prices stopping a workload for five minutes is worth 0.15 % of a host."""


def guarded(problem: Reassignment, present: Placement) -> Reassignment:
    """Add to each amount that costs the same amount as room that may not be passed.

    Args:
        problem: What ``bridge_to`` states.
        present: Machine of each process now.
    """
    used = used_of(problem, present)
    full = [
        any(taken > safe for taken, safe in zip(amounts, machine.safety_capacity, strict=True))
        for amounts, machine in zip(used, problem.machines, strict=True)
    ]
    room = tuple(ResourceKind(transient=True, load_weight=0) for _ in problem.resources)
    return msgspec.structs.replace(
        problem,
        resources=(*map(_heavier, problem.resources), *room),
        machines=tuple(map(_with_room, problem.machines, used)),
        processes=tuple(
            _kept_out(process, at, full)
            for process, at in zip(problem.processes, present, strict=True)
        ),
    )


def used_of(problem: Reassignment, placement: Placement) -> list[list[int]]:
    """Add up what is taken of each machine."""
    used = [[0] * len(problem.resources) for _ in problem.machines]
    for process, machine in zip(problem.processes, placement, strict=True):
        used[machine] = [a + b for a, b in zip(used[machine], process.requirement, strict=True)]
    return used


def _heavier(kind: ResourceKind) -> ResourceKind:
    return msgspec.structs.replace(kind, load_weight=kind.load_weight * _OVERLOAD_WEIGHS)


def _with_room(machine: Machine, used: Sequence[int]) -> Machine:
    room = tuple(map(max, machine.safety_capacity, used))
    return msgspec.structs.replace(
        machine,
        capacity=machine.capacity + room,
        safety_capacity=machine.safety_capacity + room,
    )


def _kept_out(process: Process, at: int, full: Sequence[bool]) -> Process:
    """Keep a process out of machines that are too full; it may stay on its own."""
    allowed = process.only_on or range(len(full))
    only_on = tuple(machine for machine in allowed if machine == at or not full[machine])
    return msgspec.structs.replace(
        process,
        requirement=process.requirement * 2,
        only_on=() if len(only_on) == len(full) else only_on,
    )
