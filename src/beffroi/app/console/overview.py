"""The home page: what fails first, then everything at a glance."""

from collections import defaultdict
from collections.abc import Sequence

from litestar import get
from litestar.di import NamedDependency
from litestar.response import Template

from beffroi.engines.model import EngineState
from beffroi.engines.service import Engines
from beffroi.hosting.model import ApplicationState, DeploymentState
from beffroi.hosting.pages import ProcessorRates
from beffroi.hosting.service import HostedApplication, Hosting
from beffroi.kernel.operations import Operations
from beffroi.kernel.rights.model import Actor, Permission

_APPLICATIONS_SHOWN = 16
_OPERATIONS_SHOWN = 6
_WELL = frozenset({EngineState.ANSWERS, EngineState.ELSEWHERE})


@get("/")
async def show_overview(
    actor: NamedDependency[Actor],
    hosting: NamedDependency[Hosting],
    engines: NamedDependency[Engines],
    operations: NamedDependency[Operations],
    rates: NamedDependency[ProcessorRates],
) -> Template:
    """Show the state of all that the actor may read."""
    found = await hosting.applications(actor)
    runs_platform = actor.may(Permission.RUN_PLATFORM, "")
    statuses = await engines.statuses(actor) if runs_platform else ()
    context = {
        "failing": [one for one in found if _fails(one)],
        "silent": [one for one in statuses if one.state not in _WELL or one.silences],
        "serving": sum(one.state is ApplicationState.SERVING for one in found),
        "total": len(found),
        "memory_bytes": sum(one.usage.memory_bytes for one in found if one.usage),
        "groups": _by_organisation(found[:_APPLICATIONS_SHOWN]),
        "more": max(0, len(found) - _APPLICATIONS_SHOWN),
        "rates": rates,
        "engines": statuses,
        "operations": (await operations.newest(actor))[:_OPERATIONS_SHOWN],
    }
    return Template("console/overview.html", context=context)


def _fails(application: HostedApplication) -> bool:
    """Tell an application that is down, or whose last deployment did not succeed."""
    newest = application.newest
    rejected = newest is not None and newest.state is DeploymentState.FAILED
    return application.state is ApplicationState.FAILED or rejected


def _by_organisation(
    applications: Sequence[HostedApplication],
) -> dict[str, list[HostedApplication]]:
    groups = defaultdict(list)
    for application in applications:
        groups[application.organisation].append(application)
    return dict(groups)
