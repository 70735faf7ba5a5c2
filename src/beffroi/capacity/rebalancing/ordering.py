"""Moves in an order that helps early, each with what it is good for."""

import math
from collections.abc import Sequence

from beffroi.capacity.model import Inventory, Move, Reason, Resource, Workload
from beffroi.capacity.planning.moves import hour_for
from beffroi.capacity.rebalanced import HelpfulMove
from beffroi.capacity.rebalancing.bridge import Bridge
from beffroi.capacity.rebalancing.guarded import used_of
from beffroi.capacity.rebalancing.model import Placement, Reassignment


def helpful_moves(
    inventory: Inventory, bridge: Bridge, target: Placement
) -> tuple[HelpfulMove, ...]:
    """Order moves by what they gain once those before them are done, the greatest gain first.

    Args:
        inventory: Its workloads, with their windows and the seconds for which a move stops them.
        bridge: Where they stand.
        target: Machine of each process after the moves.
    """
    workloads = {one.name: one for one in inventory.workloads}
    switched_off = {one.name for one in inventory.hosts if one.switched_off}
    row = _Row(bridge, target)
    found: list[HelpfulMove] = []
    while row.gains:
        process = row.most_helpful()
        origin = bridge.hosts[bridge.present[process]]
        if origin in switched_off:
            why = Reason("empties_host", {"host": origin})
        else:
            why = row.why(process)
        row.carry_out(process)
        for name in bridge.workloads[process]:
            move = _move(workloads[name], len(found) + 1, origin, bridge.hosts[target[process]])
            found.append(HelpfulMove(move, why))
    return tuple(found)


def _move(workload: Workload, number: int, origin: str, target: str) -> Move:
    return Move(
        number=number,
        wave=1,
        workload=workload.name,
        origin=origin,
        target=target,
        downtime_s=workload.downtime_s,
        hour=hour_for(workload),
    )


class _Row:
    """Moves that wait, and what each would gain now.

    Attributes:
        gains: Of each process that still moves, in units of cost.
    """

    def __init__(self, bridge: Bridge, target: Placement) -> None:
        self._bridge = bridge
        self._problem = bridge.problem
        self._target = target
        self._used = used_of(bridge.problem, bridge.present)
        self._cost = [
            _cost_of(self._problem, machine, used) for machine, used in enumerate(self._used)
        ]
        self.gains = {
            process: self._gain(process)
            for process, (was, will) in enumerate(zip(bridge.present, target, strict=True))
            if was != will
        }

    def most_helpful(self) -> int:
        return max(self.gains, key=lambda one: (self.gains[one], self._bridge.workloads[one]))

    def carry_out(self, process: int) -> None:
        """Move it, and count anew what the others on its two machines gain."""
        touched = {self._bridge.present[process], self._target[process]}
        for machine, used in self._after(process).items():
            self._used[machine] = used
            self._cost[machine] = _cost_of(self._problem, machine, used)
        del self.gains[process]
        for other in self.gains:
            if touched & {self._bridge.present[other], self._target[other]}:
                self.gains[other] = self._gain(other)

    def why(self, process: int) -> Reason:
        """Say what moving it now is good for."""
        origin, target = self._bridge.present[process], self._target[process]
        needed = self._problem.processes[process].requirement
        safety = self._problem.machines[origin].safety_capacity
        before, after = self._used[origin], self._after(process)[origin]
        relieved = [
            (before[place] / safe if safe else 0.0, place)
            for place, safe in enumerate(safety)
            if before[place] > safe and needed[place]
        ]
        hosts: dict[str, str | int | float] = {
            "host": self._bridge.hosts[origin],
            "target": self._bridge.hosts[target],
        }
        if relieved:
            _, place = max(relieved)
            shares = {
                "before": _percent(before[place], safety[place]),
                "after": _percent(after[place], safety[place]),
            }
            return Reason(f"relieves_{tuple(Resource)[place].name.lower()}", hosts | shares)
        return Reason("evens_out" if self.gains[process] > 0 else "helps_the_others", hosts)

    def _gain(self, process: int) -> int:
        return sum(
            self._cost[machine] - _cost_of(self._problem, machine, used)
            for machine, used in self._after(process).items()
        )

    def _after(self, process: int) -> dict[int, list[int]]:
        """Add up what its two machines would carry."""
        needed = self._problem.processes[process].requirement
        origin, target = self._bridge.present[process], self._target[process]
        return {
            origin: [a - b for a, b in zip(self._used[origin], needed, strict=True)],
            target: [a + b for a, b in zip(self._used[target], needed, strict=True)],
        }


def _percent(used: int, usable: int) -> int:
    """Round up, so that what is just above all that may be used is not told as all of it."""
    return math.ceil(100 * used / usable) if usable else 0


def _cost_of(problem: Reassignment, machine: int, used: Sequence[int]) -> int:
    """Count what a machine's load and its balance cost."""
    noun = problem.machines[machine]
    load = sum(
        kind.load_weight * max(0, taken - safe)
        for kind, taken, safe in zip(problem.resources, used, noun.safety_capacity, strict=True)
    )
    free = [whole - taken for whole, taken in zip(noun.capacity, used, strict=True)]
    return load + sum(
        one.weight * max(0, one.target * free[one.first] - free[one.second])
        for one in problem.balances
    )
