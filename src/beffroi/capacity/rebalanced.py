"""The nouns of rebalancing an inventory: what is asked, and a better placement with its proof."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from beffroi.capacity.model import Amounts, Check, Inventory, Move, Reason, Resource
from beffroi.capacity.rebalancing.model import Cost

MovesMost = Annotated[int, Meta(ge=0, le=1_000_000)]


class WantedRebalancing(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks the platform to rebalance.

    Attributes:
        most_moves: Moves at most, workloads that stay together counting as one; None: no limit.
    """

    inventory: Inventory
    title: str = ""
    most_moves: MovesMost | None = None


class RebalancingOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What ``capacity.rebalancer`` answers with a ``Rebalancing``.

    Attributes:
        seconds: How long to search, once code is compiled.
    """

    inventory: Inventory
    most_moves: MovesMost | None = None
    seconds: Annotated[float, Meta(gt=0, le=3600)] = 30.0


class HostLoad(msgspec.Struct, frozen=True, kw_only=True):
    """What is taken of a host before and after, CPU as if all peaks met.

    Attributes:
        usable: What the policy lets be used of it.
        switched_off: Told by its owners to go.
    """

    host: str
    site: str
    usable: Amounts
    before: Amounts
    after: Amounts
    switched_off: bool = False

    @property
    def changed(self) -> bool:
        """Whether anything of it changes."""
        return self.before != self.after


class HelpfulMove(msgspec.Struct, frozen=True):
    """A move, and what it is good for when those before it are done."""

    move: Move
    why: Reason


class Rebalancing(msgspec.Struct, frozen=True, kw_only=True):
    """A placement at least as good as the present one, on the same hosts, and the way to it.

    Attributes:
        resources: Those that some workload takes.
        placement: Workload to host, all of them.
        moves: The most helpful first. Each prefix of them holds, and so do any others made side
            by side.
        before: What the present placement costs: a million is a whole host above its share. Its
            load is looked at first, the other parts are weighed against one another.
        after: What this one costs.
        copied_gib: Memory that moves, rounded up workload by workload.
        checks_before: Every rule, looked at before any move by the checker of plans.
        checks_after: Every rule after the moves, and on the way.
        took_s: How long it took in all.
        origin: Files of the inventory.
    """

    resources: tuple[Resource, ...]
    hosts: tuple[HostLoad, ...]
    placement: Mapping[str, str]
    moves: tuple[HelpfulMove, ...]
    before: Cost
    after: Cost
    copied_gib: int
    stopped_s: int
    checks_before: tuple[Check, ...]
    checks_after: tuple[Check, ...]
    took_s: float
    origin: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether every rule holds after the moves."""
        return all(check.holds for check in self.checks_after)
