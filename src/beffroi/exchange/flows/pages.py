"""What the console offers of flows: parse, call one verb, render."""

from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

import msgspec
from litestar import Request, Router, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery, PathParameter
from litestar.response import Redirect, Template

from beffroi.exchange.flows.errors import DeclarationRefusedError
from beffroi.exchange.flows.figures import HEIGHT, STEPS, Rates, rates_of
from beffroi.exchange.flows.model import Direction, FlowHealth, FlowSummary, HeldFlow
from beffroi.exchange.flows.service import SHOWN, Flows
from beffroi.kernel.catalogue import Language
from beffroi.kernel.http.problems import language_of
from beffroi.kernel.rights.model import Actor, Permission

_Request = Request[Any, Any, State]
_LISTED_MOST: Final = 25
_REFUSED_MOST: Final = 20
_MARKS: Final = {
    FlowHealth.CARRIES: "ok",
    FlowHealth.WAITS: "asleep",
    FlowHealth.PAUSED: "retired",
    FlowHealth.FAILING: "failed",
}
FlowName = Annotated[str, PathParameter(max_length=100, description="Key of the flow.")]


class ShownFlow(msgspec.Struct, frozen=True, kw_only=True):
    """A flow on a page.

    Attributes:
        mark: Of its state.
        problem: What failed last, and what to do; nothing where nothing did.
    """

    summary: FlowSummary
    address: str
    mark: str
    rates: Rates
    problem: tuple[str, str] | None


class ReplayForm(msgspec.Struct, frozen=True):
    """From when on to carry again, as a browser writes it, in UTC."""

    since: str


_ReplayForm = Annotated[ReplayForm, Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/exchange/flows")
async def show_flows(
    request: _Request,
    actor: NamedDependency[Actor],
    flows: NamedDependency[Flows],
    after: FromQuery[int] = 0,
) -> Template:
    """Show what comes in and goes out."""
    found = await flows.listed(actor)
    start = max(0, after)
    shown = found[start : start + _LISTED_MOST]
    context = {
        "flows": [_shown(one, flows.now(), language_of(request)) for one in shown],
        "count": len(found),
        "before": max(0, start - _LISTED_MOST) if start else None,
        "after": start + _LISTED_MOST if len(found) > start + _LISTED_MOST else None,
        "several": len({one.flow.organisation for one in found}) > 1,
        "size": (STEPS, HEIGHT),
    }
    return Template("exchange/flows.html", context=context)


@get("/exchange/flows/{name:str}")
async def show_flow(
    request: _Request,
    name: FlowName,
    actor: NamedDependency[Actor],
    flows: NamedDependency[Flows],
    organisation: FromQuery[str] = "",
) -> Template:
    """Show a flow: what it carries, how late it is, what it refused."""
    return await _page(request, actor, flows, (organisation or actor.organisation, name))


@post("/exchange/flows/{name:str}/{verb:str}")
async def change_flow(
    name: FlowName,
    verb: FlowName,
    actor: NamedDependency[Actor],
    flows: NamedDependency[Flows],
    organisation: FromQuery[str] = "",
) -> Redirect:
    """Do what a button asks."""
    owner = organisation or actor.organisation
    verbs = {"pause": flows.pause, "resume": flows.resume, "send-again": flows.send_again}
    if verb not in verbs:
        raise DeclarationRefusedError("exchange.flow_verb_unknown", verb=verb)
    await verbs[verb](actor, owner, name)
    return Redirect(address_of(owner, name), status_code=303)


@post("/exchange/flows/{name:str}/replay", status_code=200)
async def replay_flow(
    request: _Request,
    name: FlowName,
    data: _ReplayForm,
    actor: NamedDependency[Actor],
    flows: NamedDependency[Flows],
    organisation: FromQuery[str] = "",
) -> Template | Redirect:
    """Carry again what the log tells since a moment."""
    owner = organisation or actor.organisation
    since = _moment(data.since)
    if since is None:
        mistake = DeclarationRefusedError("exchange.flow_since_wrong", found=data.since[:40])
        return await _page(request, actor, flows, (owner, name), mistake)
    await flows.replay(actor, owner, name, since)
    return Redirect(address_of(owner, name), status_code=303)


def router() -> Router:
    """Return the pages of flows."""
    return Router(path="/", route_handlers=[show_flows, show_flow, replay_flow, change_flow])


async def _page(
    request: _Request,
    actor: Actor,
    flows: Flows,
    key: tuple[str, str],
    mistake: DeclarationRefusedError | None = None,
) -> Template:
    language = language_of(request)
    summary = await flows.one(actor, *key)
    refused = await flows.refused(actor, *key)
    address, query = address_of(*key).split("?", 1)
    context = {
        "one": _shown(summary, flows.now(), language),
        "refused": [(item, item.error.message(language)) for item in refused[:_REFUSED_MOST]],
        "can_be_sent_again": sum(item.can_be_sent_again for item in refused),
        "declared": _declared(summary.flow),
        "may_change": actor.may(Permission.WRITE_DATA, key[0]),
        "goes_out": summary.flow.direction is Direction.OUT,
        "verb": lambda verb: f"{address}/{verb}?{query}",
        "now": flows.now(),
        "mistake": mistake,
        "size": (STEPS, HEIGHT),
    }
    return Template(
        "exchange/flow.html", context=context, status_code=200 if mistake is None else 422
    )


def _shown(summary: FlowSummary, now: datetime, language: Language) -> ShownFlow:
    flow, error = summary.flow, summary.state.last_error
    return ShownFlow(
        summary=summary,
        address=address_of(*flow.key),
        mark=_MARKS[summary.health],
        rates=rates_of(summary.minutes, now, SHOWN),
        problem=None if error is None else (error.message(language), error.remedy(language)),
    )


def address_of(organisation: str, name: str) -> str:
    """Return the page of a flow."""
    return f"/exchange/flows/{quote(name, safe='')}?{urlencode({'organisation': organisation})}"


def _declared(flow: HeldFlow) -> str:
    return msgspec.json.format(flow.declared, indent=2).decode()


def _moment(told: str) -> datetime | None:
    try:
        return datetime.fromisoformat(f"{told}Z")
    except ValueError:
        return None
