"""What capacity needs of others."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from beffroi.capacity.inventories.loaded import LoadedInventory
from beffroi.capacity.model import Inventory, Plan
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

    async def plan(self, inventory: Inventory, told: Told) -> Plan:
        """Plan for an inventory.

        Raises:
            InvalidInputError: No plan can be made; which rules contradict is told.
        """
        ...
