"""What a person asks the platform to plan for."""

import msgspec

from beffroi.capacity.model import Inventory
from beffroi.capacity.savings_terms import SavingsAsked


class WantedPlan(msgspec.Struct, frozen=True):
    """An inventory to plan for, and what to call the plan.

    Attributes:
        savings: What its savings are counted with; absent: they are not.
    """

    title: str
    inventory: Inventory
    savings: SavingsAsked | None = None
