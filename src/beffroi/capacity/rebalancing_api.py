"""Rebalancing over HTTP: parse, call one verb, answer."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, PathParameter

from beffroi.capacity.rebalanced import WantedRebalancing
from beffroi.capacity.rebalancing_service import RebalancingService
from beffroi.capacity.rebalancing_store import KeptRebalancing, RebalancingSummary
from beffroi.kernel.http.api import api_router
from beffroi.kernel.operations import Operation
from beffroi.kernel.rights.model import Actor
from beffroi.kernel.units import MIB

_INVENTORY_MOST_BYTES = 48 * MIB
RebalancingId = Annotated[str, PathParameter(max_length=18, description="Which rebalancing.")]


@get("/rebalancings", summary="List the rebalancings, the newest first")
async def list_rebalancings(
    rebalancings: NamedDependency[RebalancingService],
    actor: NamedDependency[Actor],
    before: FromQuery[str] = "",
) -> Sequence[RebalancingSummary]:
    """Answer 50 at most, those before one that was seen."""
    return await rebalancings.rebalancings(actor, before or None)


@post(
    "/rebalancings",
    status_code=202,
    summary="Find a better placement on the hosts there are",
    request_max_body_size=_INVENTORY_MOST_BYTES,
)
async def make_rebalancing(
    data: JSONBody[WantedRebalancing],
    rebalancings: NamedDependency[RebalancingService],
    actor: NamedDependency[Actor],
) -> Operation:
    """Start searching."""
    return await rebalancings.make(actor, data)


@get("/rebalancings/{rebalancing_id:str}", summary="Show a rebalancing")
async def show_rebalancing(
    rebalancing_id: RebalancingId,
    rebalancings: NamedDependency[RebalancingService],
    actor: NamedDependency[Actor],
) -> KeptRebalancing:
    """Answer the placement with its loads, moves, costs and checks."""
    return await rebalancings.rebalancing(actor, rebalancing_id)


def router() -> Router:
    """Return every route of rebalancing."""
    return api_router("capacity", list_rebalancings, make_rebalancing, show_rebalancing)
