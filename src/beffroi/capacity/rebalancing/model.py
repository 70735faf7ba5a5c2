"""The nouns of machine reassignment, as the ROADEF/EURO challenge 2012 states it.

Everything is numbered from 0 in the order of its tuple; amounts and costs are whole numbers.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

Placement = Sequence[int]


class ResourceKind(msgspec.Struct, frozen=True):
    """What machines offer and processes take.

    Attributes:
        transient: Taken on both machines while a process moves, so counted on both.
        load_weight: Cost of each unit above a machine's safety capacity.
    """

    transient: bool
    load_weight: int


class Machine(msgspec.Struct, frozen=True):
    """Where processes run.

    Attributes:
        neighbourhood: Where a service finds those that it needs.
        location: What is lost at once; a service spreads over several.
        capacity: Of each resource; never exceeded.
        safety_capacity: Of each resource; what exceeds it costs.
        move_cost: Cost of bringing a process from here to each machine.
    """

    neighbourhood: int
    location: int
    capacity: tuple[int, ...]
    safety_capacity: tuple[int, ...]
    move_cost: tuple[int, ...]


class Service(msgspec.Struct, frozen=True):
    """Processes that never share a machine.

    Attributes:
        spread_min: Locations in which it runs, at least.
        needs: Services that run in each neighbourhood in which it runs.
    """

    spread_min: int
    needs: tuple[int, ...] = ()


class Process(msgspec.Struct, frozen=True):
    """What is placed.

    Attributes:
        service: What it is a part of.
        requirement: What it takes of each resource.
        move_cost: Cost of moving it anywhere, before its weight.
        only_on: Machines on which it may stand; empty: any. The challenge knows no such rule.
    """

    service: int
    requirement: tuple[int, ...]
    move_cost: int
    only_on: tuple[int, ...] = ()


class Balance(msgspec.Struct, frozen=True):
    """Free ``second`` resource should be ``target`` times the free ``first`` one, or cost."""

    first: int
    second: int
    target: int
    weight: int


class MoveWeights(msgspec.Struct, frozen=True):
    """What multiplies the costs of processes moved, of services and of ways between machines."""

    process: int
    service: int
    machine: int


class Reassignment(msgspec.Struct, frozen=True, kw_only=True):
    """An instance, without the placement it starts from.

    Attributes:
        most_moved: How many processes may stand elsewhere than before; None: all of them, as in
            the challenge.
    """

    resources: tuple[ResourceKind, ...]
    machines: tuple[Machine, ...]
    services: tuple[Service, ...]
    processes: tuple[Process, ...]
    balances: tuple[Balance, ...] = ()
    weights: MoveWeights = MoveWeights(0, 0, 0)
    most_moved: int | None = None


class Cost(msgspec.Struct, frozen=True):
    """The cost of a placement and its parts, each already multiplied by its weights.

    Attributes:
        load: What exceeds safety capacities.
        balance: What free resources lack to be in proportion.
        process_move: Processes that left their machine.
        service_move: The highest number of processes moved in one service.
        machine_move: Ways between machines.
    """

    load: int
    balance: int
    process_move: int
    service_move: int
    machine_move: int

    @property
    def total(self) -> int:
        """What the search makes as small as it can."""
        moves = self.process_move + self.service_move + self.machine_move
        return self.load + self.balance + moves


class Rule(StrEnum):
    """What every placement obeys."""

    CAPACITY = "capacity"
    CONFLICT = "conflict"
    SPREAD = "spread"
    DEPENDENCY = "dependency"
    ONLY_ON = "only_on"
    MOST_MOVED = "most_moved"


class Breach(msgspec.Struct, frozen=True):
    """A rule that a placement breaks, and where.

    Attributes:
        at: CAPACITY: machine, resource, taken, capacity. CONFLICT: service, machine, processes.
            SPREAD: service, locations, least. DEPENDENCY: service, the needed one, neighbourhood.
            ONLY_ON: process, machine. MOST_MOVED: moved, most.
    """

    rule: Rule
    at: tuple[int, ...]


class Verdict(msgspec.Struct, frozen=True):
    """What the checker found."""

    cost: Cost
    broken: tuple[Breach, ...]

    @property
    def holds(self) -> bool:
        """Whether every rule holds."""
        return not self.broken


class Effort(msgspec.Struct, frozen=True):
    """How hard to look.

    Attributes:
        seconds: How long in all, once code is compiled.
        cores: Annealings side by side.
        seed: Of the random numbers; the same seed still gives other answers on another day, since
            time ends the search.
    """

    seconds: Annotated[float, Meta(gt=0, le=86_400)] = 60.0
    cores: Annotated[int, Meta(ge=1, le=64)] = 2
    seed: Annotated[int, Meta(ge=0, lt=2**32)] = 1


class Rebalanced(msgspec.Struct, frozen=True):
    """A placement at least as good as the present one, and what it costs by the checker's count.

    Attributes:
        tried: Moves tried, over all islands.
    """

    placement: tuple[int, ...]
    before: Cost
    after: Cost
    tried: int


class RebalancingRequest(msgspec.Struct, frozen=True):
    """What ``rebalancing.worker`` answers with a ``Rebalanced``."""

    problem: Reassignment
    present: tuple[int, ...]
    effort: Effort = Effort()
