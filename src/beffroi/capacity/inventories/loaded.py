"""What comes out of the files of an inventory; loads nothing heavy."""

import msgspec

from beffroi.capacity.inventories.findings import Excluded, Note
from beffroi.capacity.model import Inventory
from beffroi.capacity.savings_terms import SavingsAsked
from beffroi.capacity.sizing_advice import Advice, Coincidence


class LoadedInventory(msgspec.Struct, frozen=True, kw_only=True):
    """An inventory, and what was left out of it, taken for granted or found by the way.

    Attributes:
        savings: What the plan's savings are counted with, where the file tells.
        advice: What usage shows of sizes, when there are series.
        coincidence: What adding those peaks up would cost, when there are series of CPU.
    """

    inventory: Inventory
    savings: SavingsAsked | None = None
    excluded: tuple[Excluded, ...] = ()
    notes: tuple[Note, ...] = ()
    advice: tuple[Advice, ...] = ()
    coincidence: Coincidence | None = None
