"""Operations over HTTP."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from beffroi.kernel.http.api import Name, api_router
from beffroi.kernel.operations.model import Operation
from beffroi.kernel.operations.service import Operations
from beffroi.kernel.rights.model import Actor


@get("/operations", summary="List operations, newest first")
async def list_operations(
    operations: NamedDependency[Operations],
    actor: NamedDependency[Actor],
    subject: FromQuery[str | None] = None,
    before: Annotated[
        str | None, QueryParameter(description="Identifier of the last one seen: the next page.")
    ] = None,
) -> Sequence[Operation]:
    """Answer a hundred at most."""
    return await operations.newest(actor, subject, before)


@get("/operations/{name:str}", summary="Show an operation")
async def show_operation(
    name: Name, operations: NamedDependency[Operations], actor: NamedDependency[Actor]
) -> Operation:
    """Answer one operation."""
    return await operations.get(name, actor)


def router() -> Router:
    """Return the routes of operations."""
    return api_router("operations", list_operations, show_operation)
