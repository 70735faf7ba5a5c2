"""What capacity needs of others."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from beffroi.capacity.growth import Foresight, ForesightRequest
from beffroi.capacity.inventories.loaded import LoadedInventory
from beffroi.capacity.model import Inventory, Plan
from beffroi.capacity.rebalanced import Rebalancing
from beffroi.capacity.reporting.request import ReportRequest
from beffroi.kernel.processes.workers import Told
from beffroi.territory.model import Territory


class WantedTerritory(Protocol):
    """The territory that holds."""

    async def current(self) -> Territory:
        """Return it."""
        ...


class Planner(Protocol):
    """Makes plans apart from the platform, so that computing holds nobody up."""

    async def read(self, files: Sequence[Path]) -> LoadedInventory:
        """Read an inventory from a person's files.

        Raises:
            InvalidInputError: They have mistakes, all told at once.
        """
        ...

    async def read_newcomers(self, files: Sequence[Path]) -> LoadedInventory:
        """Read the workloads of who joins, wherever they run now.

        Raises:
            InvalidInputError: The files have mistakes, all told at once.
        """
        ...

    async def plan(self, inventory: Inventory, told: Told) -> Plan:
        """Plan for an inventory.

        Raises:
            InvalidInputError: No plan can be made; which rules contradict is told.
        """
        ...

    async def foresee(self, request: ForesightRequest, told: Told) -> Foresight:
        """Look ahead: the room that is left, and when there is none.

        Raises:
            InvalidInputError: The inventory contradicts itself.
        """
        ...


class Rebalancer(Protocol):
    """Makes placements better apart from the platform, so that computing holds nobody up."""

    async def rebalance(
        self, inventory: Inventory, most_moves: int | None, told: Told
    ) -> Rebalancing:
        """Look for a better placement of an inventory.

        Args:
            inventory: Each of its workloads with its host.
            most_moves: As ``WantedRebalancing``.
            told: Called with each progress.

        Raises:
            InvalidInputError: Its present placement is one that only a plan can mend.
        """
        ...


class ReportMaker(Protocol):
    """Writes plans down as PDF, apart from the platform."""

    async def make(self, request: ReportRequest) -> bytes:
        """Return a plan's report."""
        ...
