"""What the console offers of the years ahead: parse, call one verb, render."""

from collections.abc import Sequence
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery, PathParameter
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from beffroi.capacity.foresight_figures import (
    ahead_picture,
    last_month,
    told_runway,
    told_years,
)
from beffroi.capacity.foresight_form import ForesightForm, WhatIfForm
from beffroi.capacity.foresight_service import ForesightService
from beffroi.capacity.foresight_terms import KeptForesight, Start, WantedChange, started
from beffroi.capacity.model import Plan
from beffroi.kernel.catalogue import Language
from beffroi.kernel.errors import BeffroiError, InvalidInputError
from beffroi.kernel.http.problems import language_of
from beffroi.kernel.operations import Operation
from beffroi.kernel.rights.model import Actor
from beffroi.kernel.telling import told_figure, told_share
from beffroi.kernel.units import MIB

_UPLOAD_MOST_BYTES = 48 * MIB
_Request = Request[Any, Any, State]
_PlanId = Annotated[str, PathParameter(max_length=18, description="Which plan.")]
_GivenTerms = Annotated[ForesightForm, Body(media_type=RequestEncodingType.URL_ENCODED)]
_GivenChange = Annotated[WhatIfForm, Body(media_type=RequestEncodingType.MULTI_PART)]


@get("/plans/{plan_id:str}/ahead")
async def show_ahead(
    plan_id: _PlanId,
    request: _Request,
    foresights: NamedDependency[ForesightService],
    actor: NamedDependency[Actor],
    start: FromQuery[Start] = Start.PLANNED,
) -> Template:
    """Show what was foreseen of a plan, and the forms that ask for more."""
    page = _AheadPage(request, foresights, actor)
    return await page.show(plan_id, start)


@post("/plans/{plan_id:str}/ahead", status_code=200)
async def look_ahead(
    plan_id: _PlanId,
    data: _GivenTerms,
    request: _Request,
    foresights: NamedDependency[ForesightService],
    actor: NamedDependency[Actor],
) -> Response[bytes] | Redirect:
    """Begin to look ahead; lead to the operation."""
    try:
        operation = await foresights.foresee(actor, plan_id, data.wanted())
    except InvalidInputError as error:
        page = _AheadPage(request, foresights, actor)
        return await page.show(plan_id, data.start, form=data, error=error)
    return Redirect(f"/operations/{operation.id}", status_code=303)


@post("/plans/{plan_id:str}/what-if", status_code=200, request_max_body_size=_UPLOAD_MOST_BYTES)
async def plan_what_if(
    plan_id: _PlanId,
    data: _GivenChange,
    request: _Request,
    foresights: NamedDependency[ForesightService],
    actor: NamedDependency[Actor],
) -> Response[bytes] | Redirect:
    """Begin a plan for a change; lead to its operation."""
    try:
        operation = await _planned(plan_id, data, foresights, actor, language_of(request))
    except InvalidInputError as error:
        page = _AheadPage(request, foresights, actor)
        return await page.show(plan_id, data.start, error=error)
    return Redirect(f"/operations/{operation.id}", status_code=303)


HANDLERS: Sequence[ControllerRouterHandler] = (show_ahead, look_ahead, plan_what_if)


async def _planned(
    plan_id: str,
    form: WhatIfForm,
    foresights: ForesightService,
    actor: Actor,
    language: Language,
) -> Operation:
    what_if = form.what_if()
    if what_if is not None:
        change = WantedChange(what_if=what_if, start=form.start)
        return await foresights.what_if(actor, plan_id, change, language)
    files = {one.filename: await one.read() for one in form.files if one.filename}
    return await foresights.joins(actor, plan_id, form.start, files, language)


class _AheadPage:
    """The page, with or without an error."""

    def __init__(self, request: _Request, foresights: ForesightService, actor: Actor) -> None:
        self._language = language_of(request)
        self._foresights = foresights
        self._actor = actor

    async def show(
        self,
        plan_id: str,
        start: Start,
        form: ForesightForm | None = None,
        error: BeffroiError | None = None,
    ) -> Template:
        ahead = await self._foresights.ahead(self._actor, plan_id, start)
        kept, foresight = ahead.kept, ahead.foresight
        platform = started(kept.plan, start)
        asked = ForesightForm.of(foresight.wanted) if foresight else ForesightForm(start)
        hosted = {host.site for host in platform.hosts}
        return Template(
            "capacity/ahead.html",
            context={
                "summary": kept.summary,
                "start": start,
                "starts": tuple(Start),
                "form": form or asked,
                "hosts": sorted(host.name for host in platform.hosts),
                "sites": [site for site in platform.sites if site in hosted],
                "error": error,
                "seen": self._seen(kept.plan, foresight) if foresight else None,
            },
            status_code=200 if error is None else error.status,
        )

    def _seen(self, plan: Plan, foresight: KeptForesight) -> dict[str, Any]:
        """Tell what was foreseen."""
        wanted, found, language = foresight.wanted, foresight.found, self._language
        picture = ahead_picture(plan, wanted, found)
        return {
            "kept": foresight,
            "runway": told_runway(wanted, found, foresight.made_at, language),
            "last": last_month(foresight, language),
            "room": found.room,
            "sizes": {
                name: told_figure(getattr(wanted, name), language)
                for name in ("cores", "memory_gib", "disk_gib")
            },
            "years": told_years(found, language),
            "picture": picture,
            "shares": None
            if picture is None
            else {
                "today": told_share(picture.share_today, 1, language),
                "last": told_share(picture.share_last, 1, language),
            },
        }
