"""Declarations, flows and their secrets over HTTP: parse, call one verb, answer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Router, delete, get, post, put
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, PathParameter

from beffroi.exchange.declarations import Declarations, GivenDeclarations
from beffroi.exchange.flows.model import (
    DeclarationChange,
    Direction,
    FlowHealth,
    FlowSummary,
    RefusedItem,
    ToldError,
)
from beffroi.exchange.flows.service import Flows
from beffroi.exchange.flows.store import SecretName
from beffroi.exchange.flows.vault import FlowVault
from beffroi.kernel.catalogue import Language
from beffroi.kernel.http.api import api_router
from beffroi.kernel.http.problems import language_of
from beffroi.kernel.rights.model import Actor
from beffroi.kernel.secrets import Secret
from beffroi.kernel.units import MIB

_Request = Request[Any, Any, State]
_BODY_MOST = 16 * MIB
FlowName = Annotated[str, PathParameter(max_length=100, description="Key of the flow.")]
SecretKey = Annotated[str, PathParameter(max_length=100, description="As declarations name it.")]


class ToldProblem(msgspec.Struct, frozen=True):
    """An error as people read it."""

    code: str
    message: str
    remedy: str
    at: datetime | None


class FlowAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A flow with how it fares.

    Attributes:
        carried_shown: In the last 6 hours.
    """

    organisation: str
    name: str
    direction: Direction
    kind: str
    source: str
    health: FlowHealth
    carried: int
    refused: int
    carried_shown: int
    last_carried_at: datetime | None
    lag_s: float | None
    failing_since: datetime | None
    last_error: ToldProblem | None


class RefusedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a flow could not carry."""

    at: datetime
    problem: ToldProblem
    told: str
    can_be_sent_again: bool


class SecretValue(msgspec.Struct, frozen=True):
    """A secret to keep."""

    value: Annotated[str, msgspec.Meta(min_length=1, max_length=16_384)]
    organisation: Annotated[str, msgspec.Meta(max_length=100)] = ""


class ReplaySince(msgspec.Struct, frozen=True):
    """From when on the log is carried again."""

    since: Annotated[datetime, msgspec.Meta(tz=True)]


class SentAgain(msgspec.Struct, frozen=True):
    """How many dead letters are sent again."""

    count: int


@post(
    "/exchange/declarations",
    status_code=200,
    summary="Keep a file of declarations",
    request_max_body_size=_BODY_MOST,
)
async def apply_declarations(
    data: JSONBody[GivenDeclarations],
    declarations: NamedDependency[Declarations],
    actor: NamedDependency[Actor],
) -> Sequence[DeclarationChange]:
    """Answer what changed."""
    return await declarations.apply(actor, data)


@post(
    "/exchange/declarations/difference",
    status_code=200,
    summary="Tell what keeping a file of declarations would change",
    request_max_body_size=_BODY_MOST,
)
async def compare_declarations(
    data: JSONBody[GivenDeclarations],
    declarations: NamedDependency[Declarations],
    actor: NamedDependency[Actor],
) -> Sequence[DeclarationChange]:
    """Answer the changes; change nothing."""
    return await declarations.difference(actor, data)


@get("/exchange/flows", summary="List flows with how they fare")
async def list_flows(
    request: _Request, flows: NamedDependency[Flows], actor: NamedDependency[Actor]
) -> list[FlowAnswer]:
    """Answer those of the asker's organisation, or all for operators."""
    language = language_of(request)
    return [_told(one, language) for one in await flows.listed(actor)]


@get("/exchange/flows/{name:str}", summary="Show a flow")
async def show_flow(
    request: _Request,
    name: FlowName,
    flows: NamedDependency[Flows],
    actor: NamedDependency[Actor],
    organisation: FromQuery[str] = "",
) -> FlowAnswer:
    """Answer how it fares."""
    found = await flows.one(actor, organisation or actor.organisation, name)
    return _told(found, language_of(request))


@get("/exchange/flows/{name:str}/refused", summary="List what a flow could not carry")
async def list_refused(
    request: _Request,
    name: FlowName,
    flows: NamedDependency[Flows],
    actor: NamedDependency[Actor],
    organisation: FromQuery[str] = "",
) -> list[RefusedAnswer]:
    """Answer the newest first."""
    found = await flows.refused(actor, organisation or actor.organisation, name)
    return [_told_refused(one, language_of(request)) for one in found]


@post("/exchange/flows/{name:str}/pause", status_code=204, summary="Let a flow rest")
async def pause_flow(
    name: FlowName,
    flows: NamedDependency[Flows],
    actor: NamedDependency[Actor],
    organisation: FromQuery[str] = "",
) -> None:
    """Keep where it came to."""
    await flows.pause(actor, organisation or actor.organisation, name)


@post("/exchange/flows/{name:str}/resume", status_code=204, summary="Let a flow go on")
async def resume_flow(
    name: FlowName,
    flows: NamedDependency[Flows],
    actor: NamedDependency[Actor],
    organisation: FromQuery[str] = "",
) -> None:
    """Go on from where it came to."""
    await flows.resume(actor, organisation or actor.organisation, name)


@post("/exchange/flows/{name:str}/replay", status_code=204, summary="Carry a time again")
async def replay_flow(
    name: FlowName,
    data: JSONBody[ReplaySince],
    flows: NamedDependency[Flows],
    actor: NamedDependency[Actor],
    organisation: FromQuery[str] = "",
) -> None:
    """Go on from a moment of the log."""
    await flows.replay(actor, organisation or actor.organisation, name, data.since)


@post("/exchange/flows/{name:str}/send-again", status_code=200, summary="Send dead letters again")
async def send_again(
    name: FlowName,
    flows: NamedDependency[Flows],
    actor: NamedDependency[Actor],
    organisation: FromQuery[str] = "",
) -> SentAgain:
    """Answer how many there are."""
    return SentAgain(await flows.send_again(actor, organisation or actor.organisation, name))


@delete("/exchange/flows/{name:str}", summary="End a flow")
async def remove_flow(
    name: FlowName,
    flows: NamedDependency[Flows],
    actor: NamedDependency[Actor],
    organisation: FromQuery[str] = "",
) -> None:
    """Forget what is known of it."""
    await flows.remove(actor, organisation or actor.organisation, name)


@get("/exchange/secrets", summary="List the secrets of flows, without values")
async def list_secrets(
    flow_vault: NamedDependency[FlowVault],
    actor: NamedDependency[Actor],
    organisation: FromQuery[str] = "",
) -> Sequence[SecretName]:
    """Answer names and when they were set."""
    return await flow_vault.names(actor, organisation or actor.organisation)


@put("/exchange/secrets/{name:str}", status_code=204, summary="Set a secret of flows")
async def set_secret(
    name: SecretKey,
    data: JSONBody[SecretValue],
    flow_vault: NamedDependency[FlowVault],
    actor: NamedDependency[Actor],
) -> None:
    """Keep it sealed; flows that name it begin anew."""
    organisation = data.organisation or actor.organisation
    await flow_vault.put(actor, organisation, name, Secret(data.value))


def router() -> Router:
    """Return every route of flows."""
    return api_router(
        "exchange",
        apply_declarations,
        compare_declarations,
        list_flows,
        show_flow,
        list_refused,
        pause_flow,
        resume_flow,
        replay_flow,
        send_again,
        remove_flow,
        list_secrets,
        set_secret,
    )


def _told(summary: FlowSummary, language: Language) -> FlowAnswer:
    flow, state = summary.flow, summary.state
    error = state.last_error
    return FlowAnswer(
        organisation=flow.organisation,
        name=flow.name,
        direction=flow.direction,
        kind=flow.kind,
        source=flow.source,
        health=summary.health,
        carried=state.carried,
        refused=state.refused,
        carried_shown=sum(one.carried for one in summary.minutes),
        last_carried_at=state.last_carried_at,
        lag_s=state.lag_s,
        failing_since=state.failing_since,
        last_error=None if error is None else _problem(error, error.at, language),
    )


def _told_refused(item: RefusedItem, language: Language) -> RefusedAnswer:
    return RefusedAnswer(
        at=item.at,
        problem=_problem(item.error, item.at, language),
        told=item.told,
        can_be_sent_again=item.can_be_sent_again,
    )


def _problem(error: ToldError, at: datetime | None, language: Language) -> ToldProblem:
    return ToldProblem(error.code, error.message(language), error.remedy(language), at)
