"""A plan made with its savings: with a second plan where usage gave workloads other sizes."""

import asyncio

import msgspec

from beffroi.capacity.model import Plan
from beffroi.capacity.ports import Planner
from beffroi.capacity.savings import savings_of_plan
from beffroi.capacity.savings_terms import Savings, SizingBasis
from beffroi.capacity.wanted_plan import WantedPlan
from beffroi.kernel.errors import FailedError, InvalidInputError
from beffroi.kernel.processes.workers import Progress, Told


class PlanWithSavings(msgspec.Struct, frozen=True):
    """A plan, and what it saves where that was asked."""

    plan: Plan
    savings: Savings | None = None


async def planned_with_savings(planner: Planner, wanted: WantedPlan, told: Told) -> PlanWithSavings:
    """Plan, and count the savings if they are asked for.

    Where usage gave workloads other sizes, the part of sizing is told by a second plan: the same
    inventory with the sizes that are allotted, planned in the same way and as long as the first.

    Args:
        planner: Makes both plans.
        wanted: What is planned for.
        told: Called with the progress of both.

    Raises:
        InvalidInputError: There is nothing to plan for, no plan can be made, or no savings counted.
    """
    if not wanted.inventory.workloads:
        raise InvalidInputError("capacity.nothing_to_plan")
    asked = wanted.savings
    if asked is None:
        return PlanWithSavings(await planner.plan(wanted.inventory, told))
    if not wanted.allotted:
        plan = await planner.plan(wanted.inventory, told)
        return PlanWithSavings(plan, await asyncio.to_thread(savings_of_plan, plan, asked))
    plan = await planner.plan(wanted.inventory, _half(told, 0))
    basis, unsized = SizingBasis.PLANNED, None
    try:
        unsized = await planner.plan(wanted.unsized, _half(told, 1))
    except (InvalidInputError, FailedError):
        basis = SizingBasis.NO_PLAN
    savings = await asyncio.to_thread(savings_of_plan, plan, asked, unsized=unsized, basis=basis)
    return PlanWithSavings(plan, savings)


def _half(told: Told, half: int) -> Told:
    def tell(now: Progress) -> None:
        told(Progress((half + now.share) / 2, now.doing))

    return tell
