"""Plans for the territory that the platform holds."""

from beffroi.capacity.inventories.territory import loaded_territory
from beffroi.capacity.ports import WantedTerritory
from beffroi.capacity.service import CapacityService
from beffroi.capacity.wanted_plan import WantedPlan
from beffroi.kernel.operations import Operation
from beffroi.kernel.rights.model import Actor, Permission


class TerritoryPlans:
    """Has plans made for the hosts and the applications that are declared."""

    def __init__(self, capacity: CapacityService, territory: WantedTerritory) -> None:
        self._capacity = capacity
        self._territory = territory

    async def make(self, actor: Actor, title: str = "") -> Operation:
        """Plan for the territory in force, in the background.

        Args:
            actor: Who asks.
            title: What people call the plan; empty: as the territory is called.

        Raises:
            NotFoundError: No territory was ever applied.
        """
        actor.require(Permission.RUN_PLATFORM, "")
        territory = await self._territory.current()
        named = title.strip() or territory.title
        wanted = WantedPlan.of(named, loaded_territory(territory))
        return await self._capacity.make(actor, wanted)
