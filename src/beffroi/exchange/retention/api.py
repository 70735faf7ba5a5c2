"""Retention over HTTP: parse, call one verb, answer."""

from collections.abc import Sequence

from litestar import Router, delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from beffroi.exchange.retention.model import Retention
from beffroi.exchange.retention.service import Retentions
from beffroi.kernel.http.api import api_router
from beffroi.kernel.rights.model import Actor


@get("/exchange/retention", summary="Show how long history is kept")
async def show_retention(
    retentions: NamedDependency[Retentions],
    actor: NamedDependency[Actor],
    organisation: FromQuery[str | None] = None,
) -> Sequence[Retention]:
    """Answer what an organisation declared, type by type."""
    return await retentions.declared(actor, organisation)


@put("/exchange/retention", status_code=204, summary="Declare how long a type is kept")
async def declare_retention(
    data: JSONBody[Retention],
    retentions: NamedDependency[Retentions],
    actor: NamedDependency[Actor],
    organisation: FromQuery[str | None] = None,
) -> None:
    """Put it in the place of what was declared of the type."""
    await retentions.put(actor, data, organisation)


@delete("/exchange/retention", summary="Keep a type for ever again")
async def forget_retention(
    retentions: NamedDependency[Retentions],
    actor: NamedDependency[Actor],
    type: FromQuery[str],  # noqa: A002 - as the parameter is called
    tenant: FromQuery[str] = "",
    organisation: FromQuery[str | None] = None,
) -> None:
    """Take back what was declared of the type."""
    await retentions.remove(actor, type, tenant, organisation)


def router() -> Router:
    """Return the routes."""
    return api_router("exchange", show_retention, declare_retention, forget_retention)
