"""What the console offers of capacity: parse, call one verb, render."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import State, UploadFile
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery, PathParameter
from litestar.response import Redirect, Template

from beffroi.capacity import foresight_pages
from beffroi.capacity.figures import moves_picture, racks_after, racks_before, week_picture
from beffroi.capacity.model import Decision, Plan, Resource
from beffroi.capacity.plan_reports import PlanReports
from beffroi.capacity.savings_figures import told_savings
from beffroi.capacity.service import CapacityService
from beffroi.capacity.sizing_figures import told_remarks
from beffroi.capacity.territory_plans import TerritoryPlans
from beffroi.kernel.errors import BeffroiError, InvalidInputError
from beffroi.kernel.http.problems import language_of
from beffroi.kernel.operations import Operation
from beffroi.kernel.rights.model import Actor
from beffroi.kernel.telling import told_figure
from beffroi.kernel.units import GIB, MIB

_UPLOAD_MOST_BYTES = 48 * MIB
_MOVES_SHOWN = 12
_PLANS_SHOWN = 20
_ADVICE_SHOWN = 8
_HOSTS_SHOWN = 40
_Request = Request[Any, Any, State]
PlanId = Annotated[str, PathParameter(max_length=18, description="Which plan.")]


class PlanForm(msgspec.Struct):
    """What a person plans for."""

    files: list[UploadFile] = msgspec.field(default_factory=list)
    title: str = ""


UploadedPlan = Annotated[PlanForm, Body(media_type=RequestEncodingType.MULTI_PART)]


class ResourceUse(msgspec.Struct, frozen=True):
    """What all workloads take of a resource, and what the hosts of a plan have of it."""

    resource: Resource
    taken: str
    room: str
    share: float


@get("/plans")
async def show_plans(
    capacity: NamedDependency[CapacityService],
    actor: NamedDependency[Actor],
    before: FromQuery[str] = "",
) -> Template:
    """Show the plans, and the form that asks for another."""
    return await _plans_page(capacity, actor, before)


@post("/plans", status_code=200, request_max_body_size=_UPLOAD_MOST_BYTES)
async def make_plan(
    data: UploadedPlan,
    capacity: NamedDependency[CapacityService],
    actor: NamedDependency[Actor],
) -> Response[bytes] | Redirect:
    """Begin a plan; lead to its operation."""
    files = {one.filename: await one.read() for one in data.files if one.filename}
    try:
        operation: Operation = await capacity.make_of_files(actor, data.title, files)
    except InvalidInputError as error:
        return await _plans_page(capacity, actor, "", data.title, error)
    return Redirect(f"/operations/{operation.id}", status_code=303)


@post("/plans/of-territory", status_code=200)
async def plan_territory(
    capacity: NamedDependency[CapacityService],
    territory_plans: NamedDependency[TerritoryPlans],
    actor: NamedDependency[Actor],
) -> Response[bytes] | Redirect:
    """Begin a plan for the territory in force; lead to its operation."""
    try:
        operation: Operation = await territory_plans.make(actor)
    except InvalidInputError as error:
        return await _plans_page(capacity, actor, "", "", error)
    return Redirect(f"/operations/{operation.id}", status_code=303)


@get("/plans/{plan_id:str}/report.pdf")
async def get_report(
    plan_id: PlanId,
    request: _Request,
    plan_reports: NamedDependency[PlanReports],
    actor: NamedDependency[Actor],
) -> Response[bytes]:
    """Give the report of a plan, in the reader's language."""
    content = await plan_reports.report(actor, plan_id, language_of(request))
    headers = {"Content-Disposition": f'attachment; filename="{plan_id}.pdf"'}
    return Response(content, media_type="application/pdf", headers=headers)


@get("/plans/{plan_id:str}")
async def show_plan(
    plan_id: PlanId,
    request: _Request,
    capacity: NamedDependency[CapacityService],
    actor: NamedDependency[Actor],
) -> Template:
    """Show a plan with its proof."""
    kept = await capacity.plan(actor, plan_id)
    plan, language = kept.plan, language_of(request)
    remarks = told_remarks(kept.remarks, language)
    workloads = plan.inventory.workloads
    week = week_picture(workloads)
    context = {
        "summary": kept.summary,
        "plan": plan,
        "savings": kept.savings,
        "remarks": remarks,
        "advice": remarks.advice[:_ADVICE_SHOWN],
        "kept_hosts": [one for one in plan.hosts if one.decision is not Decision.SWITCH_OFF],
        "hosts_shown": _HOSTS_SHOWN,
        "gone_hosts": _gone_by_site(plan),
        "told_savings": told_savings(kept.savings, language) if kept.savings else None,
        "before": racks_before(plan),
        "after": racks_after(plan),
        "week": week,
        "busiest": told_figure(week.busiest_cores, language),
        "quietest": told_figure(week.quietest_cores, language),
        "picture": moves_picture(plan.moves),
        "moves": plan.moves[:_MOVES_SHOWN],
        "resources": [
            ResourceUse(
                one.resource,
                told_figure(_in_units(one.resource, one.taken), language),
                told_figure(_in_units(one.resource, one.room), language),
                one.taken / one.room if one.room else 0.0,
            )
            for one in _use_of(plan)
        ],
        "stopped_s": sum(move.downtime_s for move in plan.moves),
        "holding": sum(check.holds for check in plan.proof.checks),
        "checked": sum(check.looked_at for check in plan.proof.checks),
    }
    return Template("capacity/plan.html", context=context)


@post("/plans/{plan_id:str}/forget", status_code=200)
async def forget_plan(
    plan_id: PlanId, capacity: NamedDependency[CapacityService], actor: NamedDependency[Actor]
) -> Redirect:
    """Delete a plan; lead to the others."""
    await capacity.forget(actor, plan_id)
    return Redirect("/plans", status_code=303)


def router() -> Router:
    """Return the pages of capacity."""
    return Router(
        path="/",
        route_handlers=[
            show_plans,
            make_plan,
            plan_territory,
            show_plan,
            get_report,
            forget_plan,
            *foresight_pages.HANDLERS,
        ],
    )


async def _plans_page(
    capacity: CapacityService,
    actor: Actor,
    before: str,
    title: str = "",
    error: BeffroiError | None = None,
) -> Template:
    found = await capacity.plans(actor, before or None)
    shown = found[:_PLANS_SHOWN]
    return Template(
        "capacity/plans.html",
        context={
            "plans": shown,
            "before": before,
            "older": shown[-1].id if len(found) > len(shown) else None,
            "title": title,
            "error": error,
        },
        status_code=200 if error is None else error.status,
    )


def _gone_by_site(plan: Plan) -> list[tuple[str, list[str]]]:
    """Return the names of the hosts that are switched off, by site."""
    gone = [one.host for one in plan.hosts if one.decision is Decision.SWITCH_OFF]
    by_site = [
        (site, [host.name for host in gone if host.site == site]) for site in plan.inventory.sites
    ]
    return [(site, names) for site, names in by_site if names]


class _Sums(msgspec.Struct, frozen=True):
    resource: Resource
    taken: int
    room: int


def _use_of(plan: Plan) -> list[_Sums]:
    """Compare what workloads take together with the hosts that are not spare."""
    models = plan.inventory.models
    running = [
        one.host for one in plan.hosts if one.decision is not Decision.SWITCH_OFF and not one.spare
    ]
    taken = [tuple(one.amounts) for one in plan.inventory.workloads]
    room = [tuple(models[one.model].amounts) for one in running]
    return [
        _Sums(resource, sum(one[place] for one in taken), sum(one[place] for one in room))
        for place, resource in enumerate(Resource)
        if any(one[place] for one in taken)
    ]


def _in_units(resource: Resource, amount: int) -> float:
    """Return cores, GiB, GiB or operations per second."""
    per_unit = {Resource.CPU: 1000, Resource.MEMORY: GIB // MIB}
    return amount / per_unit.get(resource, 1)
