"""The engines over HTTP: parse, call one verb, answer."""

from collections.abc import Sequence

import msgspec
from litestar import Request, Router, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency

from beffroi.engines.doctor import Verdict
from beffroi.engines.log_readers import LogReader
from beffroi.engines.model import EngineStatus
from beffroi.engines.service import Engines
from beffroi.kernel.http.api import Name, api_router
from beffroi.kernel.http.problems import language_of
from beffroi.kernel.operations import Operation
from beffroi.kernel.rights.model import Actor


class ToldDiagnosis(msgspec.Struct, frozen=True):
    """One thing that was looked at, told in a language."""

    verdict: Verdict
    found: str
    remedy: str


@get("/engines", summary="List the engines")
async def list_engines(
    engines: NamedDependency[Engines], actor: NamedDependency[Actor]
) -> Sequence[EngineStatus]:
    """Answer each engine's state."""
    return await engines.statuses(actor)


@post("/engines/{name:str}/restart", status_code=202, summary="Restart an engine")
async def restart_engine(
    name: Name, engines: NamedDependency[Engines], actor: NamedDependency[Actor]
) -> Operation:
    """Start a restart."""
    return await engines.restart(actor, name)


@get("/doctor", summary="Examine the machine")
async def doctor(
    request: Request[None, None, State],
    engines: NamedDependency[Engines],
    actor: NamedDependency[Actor],
) -> Sequence[ToldDiagnosis]:
    """Answer what the machine offers and lacks."""
    language = language_of(request)
    return [
        ToldDiagnosis(one.verdict, one.told(language), one.remedy(language))
        for one in (await engines.doctor(actor)).diagnoses
    ]


@get("/log-readers", summary="List who reads the log")
async def list_log_readers(
    engines: NamedDependency[Engines], actor: NamedDependency[Actor]
) -> Sequence[LogReader]:
    """Answer who reads the log for good, and what each has still to read."""
    return await engines.log_readers.listed(actor)


@post("/log-readers/{name:str}/let-go", status_code=200, summary="Let go of a reader of the log")
async def let_go_reader(
    name: Name, engines: NamedDependency[Engines], actor: NamedDependency[Actor]
) -> Operation:
    """Have the log wait no more for a reader that will not come back."""
    return await engines.log_readers.let_go(actor, name)


def router() -> Router:
    """Return every route of the engines."""
    return api_router(
        "engines", list_engines, restart_engine, doctor, list_log_readers, let_go_reader
    )
