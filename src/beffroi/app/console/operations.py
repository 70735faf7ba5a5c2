"""The pages of operations: what was asked, by whom, how it ended."""

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template

from beffroi.kernel.http.api import Name
from beffroi.kernel.operations import Operation, Operations, OperationState
from beffroi.kernel.rights.model import Actor

_SHOWN = 25


@get("/operations")
async def list_operations(
    operations: NamedDependency[Operations],
    actor: NamedDependency[Actor],
    before: FromQuery[str | None] = None,
    subject: FromQuery[str | None] = None,
) -> Template:
    """Show the newest operations, or those before the last one seen."""
    found = await operations.newest(actor, subject, before)
    context = {
        "operations": found[:_SHOWN],
        "older": found[_SHOWN - 1].id if len(found) > _SHOWN else None,
        "before": before,
        "subject": subject,
    }
    return Template("console/operations.html", context=context)


@get("/operations/{name:str}")
async def show_operation(
    name: Name, operations: NamedDependency[Operations], actor: NamedDependency[Actor]
) -> Template:
    """Show one operation; the page refreshes itself while it runs."""
    operation = await operations.get(name, actor)
    context = {
        "operation": operation,
        "running": operation.state is OperationState.RUNNING,
        "duration_s": _duration_s(operation),
    }
    return Template("console/operation.html", context=context)


def _duration_s(operation: Operation) -> float | None:
    if operation.finished_at is None:
        return None
    return (operation.finished_at - operation.started_at).total_seconds()
