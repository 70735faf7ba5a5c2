"""Has placements made better by a process of its own: numba stays out of the platform."""

from typing import Final

from beffroi.capacity.model import Inventory
from beffroi.capacity.rebalanced import Rebalancing, RebalancingOrder
from beffroi.capacity.rebalancing.model import (
    Effort,
    Placement,
    Reassignment,
    Rebalanced,
    RebalancingRequest,
)
from beffroi.kernel.processes.workers import Told, asked_of_worker

_REBALANCER: Final = "beffroi.capacity.rebalancer"
_SEARCH: Final = "beffroi.capacity.rebalancing.worker"
# What remains beside the search: compiling the first time, order of moves, checks.
_BESIDES_SEARCH_S: Final = 240.0


class RebalancingProcess:
    """Fills ``Rebalancer``.

    Args:
        deadline_s: How long to search.
    """

    def __init__(self, deadline_s: float = 30.0) -> None:
        self._deadline_s = deadline_s

    async def rebalance(
        self, inventory: Inventory, most_moves: int | None, told: Told
    ) -> Rebalancing:
        """Look for a better placement of an inventory."""
        order = RebalancingOrder(
            inventory=inventory, most_moves=most_moves, seconds=self._deadline_s
        )
        return await asked_of_worker(
            _REBALANCER, order, Rebalancing, told, deadline_s=self._within_s
        )

    async def reassign(self, problem: Reassignment, present: Placement, told: Told) -> Rebalanced:
        """Look for a better placement of an instance of the ROADEF/EURO challenge 2012."""
        effort = Effort(seconds=self._deadline_s)
        request = RebalancingRequest(problem, tuple(present), effort)
        return await asked_of_worker(_SEARCH, request, Rebalanced, told, deadline_s=self._within_s)

    @property
    def _within_s(self) -> float:
        return self._deadline_s + _BESIDES_SEARCH_S
