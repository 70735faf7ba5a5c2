"""The page of the engines: parse, call one verb, render."""

from typing import Any

from litestar import Request, Router, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.response import Redirect, Template

from beffroi.engines.model import EngineState
from beffroi.engines.service import Engines
from beffroi.kernel.http.api import Name
from beffroi.kernel.http.problems import language_of
from beffroi.kernel.rights.model import Actor


@get("/")
async def show_engines(
    request: Request[Any, Any, State],
    engines: NamedDependency[Engines],
    actor: NamedDependency[Actor],
) -> Template:
    """Show the engines, and what the machine offers and lacks."""
    language = language_of(request)
    found = await engines.doctor(actor)
    context = {
        "engines": await engines.statuses(actor),
        "elsewhere": EngineState.ELSEWHERE,
        "findings": [
            (one.verdict, one.told(language), one.remedy(language)) for one in found.diagnoses
        ],
        "log_readers": found.log_readers,
    }
    return Template("engines/engines.html", context=context)


@post("/{name:str}/restart")
async def restart_engine(
    name: Name, engines: NamedDependency[Engines], actor: NamedDependency[Actor]
) -> Redirect:
    """Restart one engine, and lead to how it goes."""
    operation = await engines.restart(actor, name)
    return Redirect(f"/operations/{operation.id}", status_code=303)


@post("/log-readers/{name:str}/let-go")
async def let_go_reader(
    name: Name, engines: NamedDependency[Engines], actor: NamedDependency[Actor]
) -> Redirect:
    """Let go of a reader of the log, and lead to what was noted of it."""
    operation = await engines.log_readers.let_go(actor, name)
    return Redirect(f"/operations/{operation.id}", status_code=303)


def router() -> Router:
    """Return the page of the engines."""
    return Router(path="/engines", route_handlers=[show_engines, restart_engine, let_go_reader])
