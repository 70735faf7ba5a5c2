"""What comes out of the files of an inventory; loads nothing heavy."""

import msgspec

from beffroi.capacity.inventories.findings import Excluded, Note
from beffroi.capacity.model import Inventory, Workload
from beffroi.capacity.savings_terms import SavingsAsked
from beffroi.capacity.sizing_advice import Advice, Coincidence


class Remarks(msgspec.Struct, frozen=True, kw_only=True):
    """What was left out of an inventory, taken for granted or found by the way.

    Attributes:
        advice: What usage shows of sizes, when there are series.
        coincidence: What adding those peaks up would cost, when there are series of CPU.
    """

    excluded: tuple[Excluded, ...] = ()
    notes: tuple[Note, ...] = ()
    advice: tuple[Advice, ...] = ()
    coincidence: Coincidence | None = None


class LoadedInventory(Remarks, frozen=True, kw_only=True):
    """An inventory with the remarks on it.

    Attributes:
        savings: What the plan's savings are counted with, where the file tells.
        allotted: Workloads as they were allotted, those alone that usage gave another size.
    """

    inventory: Inventory
    savings: SavingsAsked | None = None
    allotted: tuple[Workload, ...] = ()

    @property
    def remarks(self) -> Remarks:
        """What is worth telling of it."""
        return Remarks(
            excluded=self.excluded,
            notes=self.notes,
            advice=self.advice,
            coincidence=self.coincidence,
        )
