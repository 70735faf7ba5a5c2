"""What a person asks the platform to plan for."""

from typing import Self

import msgspec

from beffroi.capacity.inventories.loaded import LoadedInventory, Remarks
from beffroi.capacity.model import Inventory, Workload
from beffroi.capacity.savings_terms import SavingsAsked


class WantedPlan(msgspec.Struct, frozen=True):
    """An inventory to plan for, and what to call the plan.

    Attributes:
        savings: What its savings are counted with; absent: they are not.
        remarks: Kept with the plan.
        allotted: Workloads as they were allotted, those alone that usage gave another size.
    """

    title: str
    inventory: Inventory
    savings: SavingsAsked | None = None
    remarks: Remarks = Remarks()
    allotted: tuple[Workload, ...] = ()

    @classmethod
    def of(cls, title: str, loaded: LoadedInventory) -> Self:
        """Want a plan for an inventory that was read."""
        return cls(title, loaded.inventory, loaded.savings, loaded.remarks, loaded.allotted)

    @property
    def unsized(self) -> Inventory:
        """The inventory with every workload of the size that it is allotted."""
        allotted = {one.name: one for one in self.allotted}
        workloads = tuple(allotted.get(one.name, one) for one in self.inventory.workloads)
        return msgspec.structs.replace(self.inventory, workloads=workloads)
