"""The years ahead over HTTP: parse, call one verb, answer."""

from collections.abc import Sequence
from typing import Annotated, Any

from litestar import Request, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, PathParameter
from litestar.types import ControllerRouterHandler

from beffroi.capacity.foresight_service import ForesightService
from beffroi.capacity.foresight_terms import KeptForesight, Start, WantedChange, WantedForesight
from beffroi.kernel.http.problems import language_of
from beffroi.kernel.operations import Operation
from beffroi.kernel.rights.model import Actor
from beffroi.kernel.units import MIB

_NEWCOMERS_MOST_BYTES = 48 * MIB
_PlanId = Annotated[str, PathParameter(max_length=18, description="Which plan.")]


@post("/plans/{plan_id:str}/foresight", status_code=202, summary="Look ahead")
async def foresee(
    plan_id: _PlanId,
    data: JSONBody[WantedForesight],
    foresights: NamedDependency[ForesightService],
    actor: NamedDependency[Actor],
) -> Operation:
    """Start looking ahead."""
    return await foresights.foresee(actor, plan_id, data)


@get("/plans/{plan_id:str}/foresight", summary="Show what was foreseen of a plan")
async def show_foresight(
    plan_id: _PlanId,
    foresights: NamedDependency[ForesightService],
    actor: NamedDependency[Actor],
    start: FromQuery[Start] = Start.PLANNED,
) -> KeptForesight:
    """Answer the newest, for the platform of the plan or for today's."""
    return await foresights.foresight(actor, plan_id, start)


@post(
    "/plans/{plan_id:str}/what-if",
    status_code=202,
    summary="Plan anew for a change",
    request_max_body_size=_NEWCOMERS_MOST_BYTES,
)
async def plan_what_if(
    plan_id: _PlanId,
    data: JSONBody[WantedChange],
    request: Request[Any, Any, State],
    foresights: NamedDependency[ForesightService],
    actor: NamedDependency[Actor],
) -> Operation:
    """Start planning."""
    return await foresights.what_if(actor, plan_id, data, language_of(request))


HANDLERS: Sequence[ControllerRouterHandler] = (foresee, show_foresight, plan_what_if)
