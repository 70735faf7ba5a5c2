"""Hosting over HTTP: parse, call one verb, answer."""

from collections.abc import AsyncGenerator, Sequence
from typing import Annotated, Literal

from litestar import Router, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter
from litestar.response import ServerSentEvent

from beffroi.hosting.model import Deployment, JobRun, Release, RollBack, SecretValue
from beffroi.hosting.service import HostedApplication, Hosting, SecretName
from beffroi.kernel.http.api import Name, api_router
from beffroi.kernel.operations import Operation
from beffroi.kernel.rights.model import Actor
from beffroi.kernel.secrets import Secret

LogName = Annotated[
    str,
    PathParameter(pattern="^(application|build|prepare|job-[a-z0-9-]+)$", description="Which log."),
]


@get("/applications", summary="List the applications")
async def list_applications(
    hosting: NamedDependency[Hosting], actor: NamedDependency[Actor]
) -> Sequence[HostedApplication]:
    """Answer the applications that the asker may see."""
    return await hosting.applications(actor)


@get("/applications/{name:str}", summary="Show an application")
async def show_application(
    name: Name, hosting: NamedDependency[Hosting], actor: NamedDependency[Actor]
) -> HostedApplication:
    """Answer one application."""
    return await hosting.application(actor, name)


@post("/applications/{name:str}/deploy", status_code=202, summary="Deploy the source as it is now")
async def deploy(
    name: Name, hosting: NamedDependency[Hosting], actor: NamedDependency[Actor]
) -> Operation:
    """Start a deployment."""
    return await hosting.deploy(actor, name)


@post("/applications/{name:str}/roll-back", status_code=202, summary="Serve an earlier deployment")
async def roll_back(
    name: Name,
    data: JSONBody[RollBack],
    hosting: NamedDependency[Hosting],
    actor: NamedDependency[Actor],
) -> Operation:
    """Start a roll-back."""
    return await hosting.roll_back(actor, name, data.deployment)


@post(
    "/applications/{name:str}/{verb:str}",
    status_code=202,
    summary="Restart, stop, start, put to sleep or wake",
)
async def change_running(
    name: Name,
    verb: Annotated[
        Literal["restart", "stop", "start", "sleep", "wake"],
        PathParameter(description="What to do."),
    ],
    hosting: NamedDependency[Hosting],
    actor: NamedDependency[Actor],
) -> Operation:
    """Start a change of what runs."""
    verbs = {
        "restart": hosting.restart,
        "stop": hosting.stop,
        "start": hosting.start,
        "sleep": hosting.rest,
        "wake": hosting.wake,
    }
    return await verbs[verb](actor, name)


@get("/applications/{name:str}/deployments", summary="List an application's deployments")
async def list_deployments(
    name: Name, hosting: NamedDependency[Hosting], actor: NamedDependency[Actor]
) -> Sequence[Deployment]:
    """Answer the newest fifty."""
    return await hosting.deployments(actor, name)


@get("/applications/{name:str}/releases", summary="List an application's releases")
async def list_releases(
    name: Name, hosting: NamedDependency[Hosting], actor: NamedDependency[Actor]
) -> Sequence[Release]:
    """Answer those that are kept."""
    return await hosting.releases(actor, name)


@get("/applications/{name:str}/jobs", summary="List the newest runs of scheduled commands")
async def list_job_runs(
    name: Name, hosting: NamedDependency[Hosting], actor: NamedDependency[Actor]
) -> Sequence[JobRun]:
    """Answer the newest twenty."""
    return await hosting.job_runs(actor, name)


@get("/applications/{name:str}/secrets", summary="List an application's secrets, without values")
async def list_secrets(
    name: Name, hosting: NamedDependency[Hosting], actor: NamedDependency[Actor]
) -> Sequence[SecretName]:
    """Answer the declared ones."""
    return await hosting.secrets(actor, name)


@get("/applications/{name:str}/secrets/{secret:str}", summary="Show a secret's value")
async def show_secret(
    name: Name, secret: Name, hosting: NamedDependency[Hosting], actor: NamedDependency[Actor]
) -> SecretValue:
    """Answer one value."""
    return SecretValue((await hosting.reveal_secret(actor, name, secret)).reveal())


@put("/applications/{name:str}/secrets/{secret:str}", status_code=204, summary="Set a secret")
async def set_secret(
    name: Name,
    secret: Name,
    data: JSONBody[SecretValue],
    hosting: NamedDependency[Hosting],
    actor: NamedDependency[Actor],
) -> None:
    """Keep a value."""
    await hosting.set_secret(actor, name, secret, Secret(data.value))


@get("/applications/{name:str}/logs/{log:str}", summary="Read the last lines of a log")
async def read_log(
    name: Name,
    log: LogName,
    hosting: NamedDependency[Hosting],
    actor: NamedDependency[Actor],
    lines: Annotated[int, QueryParameter(ge=1, le=5000, description="How many.")] = 200,
) -> Sequence[str]:
    """Answer lines, oldest first."""
    return await hosting.log_lines(actor, name, log, lines)


@get("/applications/{name:str}/logs/{log:str}/live", summary="Follow a log as server-sent events")
async def follow_log(
    name: Name, log: LogName, hosting: NamedDependency[Hosting], actor: NamedDependency[Actor]
) -> ServerSentEvent:
    """Answer the last lines, then each new one."""
    lines = await hosting.follow_log(actor, name, log)

    async def events() -> AsyncGenerator[str, None]:
        async for line in lines:
            yield line

    return ServerSentEvent(events())


def router() -> Router:
    """Return every route of hosting."""
    return api_router(
        "hosting",
        list_applications,
        show_application,
        deploy,
        roll_back,
        change_running,
        list_deployments,
        list_releases,
        list_job_runs,
        list_secrets,
        show_secret,
        set_secret,
        read_log,
        follow_log,
    )
