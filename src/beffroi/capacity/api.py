"""Capacity over HTTP: parse, call one verb, answer."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, PathParameter

from beffroi.capacity import foresight_api
from beffroi.capacity.service import CapacityService
from beffroi.capacity.store import KeptPlan, PlanSummary
from beffroi.capacity.territory_plans import TerritoryPlans
from beffroi.capacity.wanted_plan import WantedPlan
from beffroi.kernel.http.api import api_router
from beffroi.kernel.operations import Operation
from beffroi.kernel.rights.model import Actor
from beffroi.kernel.units import MIB

_INVENTORY_MOST_BYTES = 48 * MIB
PlanId = Annotated[str, PathParameter(max_length=18, description="Which plan.")]


@get("/plans", summary="List the plans, the newest first")
async def list_plans(
    capacity: NamedDependency[CapacityService],
    actor: NamedDependency[Actor],
    before: FromQuery[str] = "",
) -> Sequence[PlanSummary]:
    """Answer 50 at most, those before one that was seen."""
    return await capacity.plans(actor, before or None)


@post(
    "/plans",
    status_code=202,
    summary="Make a plan",
    request_max_body_size=_INVENTORY_MOST_BYTES,
)
async def make_plan(
    data: JSONBody[WantedPlan],
    capacity: NamedDependency[CapacityService],
    actor: NamedDependency[Actor],
) -> Operation:
    """Start planning."""
    return await capacity.make(actor, data)


@post("/plans/of-territory", status_code=202, summary="Make a plan for the territory in force")
async def plan_territory(
    territory_plans: NamedDependency[TerritoryPlans], actor: NamedDependency[Actor]
) -> Operation:
    """Start planning for its hosts and its applications."""
    return await territory_plans.make(actor)


@get("/plans/{plan_id:str}", summary="Show a plan")
async def show_plan(
    plan_id: PlanId, capacity: NamedDependency[CapacityService], actor: NamedDependency[Actor]
) -> KeptPlan:
    """Answer the plan with its inventory and its proof."""
    return await capacity.plan(actor, plan_id)


@delete("/plans/{plan_id:str}", status_code=200, summary="Forget a plan")
async def forget_plan(
    plan_id: PlanId, capacity: NamedDependency[CapacityService], actor: NamedDependency[Actor]
) -> Operation:
    """Delete it."""
    return await capacity.forget(actor, plan_id)


def router() -> Router:
    """Return every route of capacity."""
    return api_router(
        "capacity",
        list_plans,
        make_plan,
        plan_territory,
        show_plan,
        forget_plan,
        *foresight_api.HANDLERS,
    )
