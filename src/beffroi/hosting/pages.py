"""The pages of the applications: parse, call one verb, render."""

from collections.abc import Container, Sequence
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery, Parameter
from litestar.response import Redirect, Template

from beffroi.hosting.model import Deployment, DeploymentState
from beffroi.hosting.service import HostedApplication, Hosting
from beffroi.kernel.clock import Clock
from beffroi.kernel.errors import BeffroiError, InvalidInputError, NotFoundError
from beffroi.kernel.http.api import Name
from beffroi.kernel.operations import Operation
from beffroi.kernel.rights.model import Actor, Permission
from beffroi.kernel.secrets import Secret
from beffroi.territory.model import Application, ApplicationKind
from beffroi.territory.service import TerritoryService

_APPLICATIONS_SHOWN = 24
_DEPLOYMENTS_SHOWN = 10
_JOB_RUNS_SHOWN = 8
_LOG_LINES = 200
_SECRET_MAX_LENGTH = 65_536
_RATE_OVER_AT_LEAST_S = 1.0
_RATE_OVER_AT_MOST_S = 60.0


class _Sample(msgspec.Struct, frozen=True):
    at_s: float
    cpu_s: float
    rate: float | None


class ProcessorRates:
    """Tells how much of a processor an instance takes, from one look to the next."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._samples: dict[str, _Sample] = {}

    def of(self, application: HostedApplication) -> float | None:
        """Return processor threads taken since the last look; nothing at the first one."""
        if application.serving is None or application.usage is None:
            return None
        return self._rate(application.serving.unit, application.usage.cpu_s)

    def _rate(self, unit: str, cpu_s: float) -> float | None:
        now_s = self._clock.monotonic_s()
        self._samples = {
            name: sample
            for name, sample in self._samples.items()
            if now_s - sample.at_s <= _RATE_OVER_AT_MOST_S
        }
        last = self._samples.get(unit)
        if last is not None and now_s - last.at_s < _RATE_OVER_AT_LEAST_S:
            return last.rate
        rate = None if last is None else max(0.0, cpu_s - last.cpu_s) / (now_s - last.at_s)
        self._samples[unit] = _Sample(now_s, cpu_s, rate)
        return rate


class RollBackTo(msgspec.Struct, frozen=True):
    """Which deployment to go back to."""

    deployment: int


class GivenSecret(msgspec.Struct, frozen=True):
    """A secret's new value."""

    value: str = ""


class RevealedSecret(msgspec.Struct, frozen=True):
    """A secret that its page shows, this once."""

    name: str
    value: str


class ApplicationPage:
    """The page of one application, as one actor sees it."""

    def __init__(
        self,
        name: str,
        actor: Actor,
        hosting: Hosting,
        territory: TerritoryService,
        rates: ProcessorRates,
    ) -> None:
        self._name = name
        self._actor = actor
        self._hosting = hosting
        self._territory = territory
        self._rates = rates

    async def shown(
        self,
        log: str = "",
        error: BeffroiError | None = None,
        revealed: RevealedSecret | None = None,
    ) -> Template:
        """Return the page with the last lines of one log, and what a form led to."""
        application = await self._hosting.application(self._actor, self._name)
        declared = await self._declared()
        logs = _logs_of(declared)
        log = log if log in logs else logs[0]
        context = {
            "application": application,
            "declared": declared,
            "may_host": self._actor.may(Permission.HOST, application.organisation),
            "rates": self._rates,
            "logs": logs,
            "log": log,
            "lines": await self._hosting.log_lines(self._actor, self._name, log, _LOG_LINES),
            "error": error,
            "revealed": revealed,
            **await self._history(application),
        }
        return Template(
            "hosting/application.html",
            context=context,
            status_code=200 if error is None else error.status,
            headers={"Cache-Control": "no-store"} if revealed else None,
        )

    async def _history(self, application: HostedApplication) -> dict[str, Any]:
        deployments = await self._hosting.deployments(self._actor, self._name)
        releases = await self._hosting.releases(self._actor, self._name)
        kept = {release.digest: release for release in releases}
        serving = application.serving
        return {
            "deployments": deployments[:_DEPLOYMENTS_SHOWN],
            "release": kept.get(serving.digest) if serving else None,
            "returnable": _returnable(deployments, kept, serving),
            "secrets": await self._hosting.secrets(self._actor, self._name),
            "job_runs": (await self._hosting.job_runs(self._actor, self._name))[:_JOB_RUNS_SHOWN],
        }

    async def _declared(self) -> Application:
        held = await self._territory.current()
        declared = held.document.applications.get(self._name) if held else None
        if declared is None:
            raise NotFoundError("hosting.application_unknown", application=self._name)
        return declared


async def _application_page(
    name: Name,
    actor: NamedDependency[Actor],
    hosting: NamedDependency[Hosting],
    territory: NamedDependency[TerritoryService],
    rates: NamedDependency[ProcessorRates],
) -> ApplicationPage:
    return ApplicationPage(name, actor, hosting, territory, rates)


SecretForm = Annotated[GivenSecret, Body(media_type=RequestEncodingType.URL_ENCODED)]
RollBackForm = Annotated[RollBackTo, Body(media_type=RequestEncodingType.URL_ENCODED)]
Verb = Annotated[Literal["deploy", "restart", "stop", "start", "sleep", "wake"], Parameter()]


@get("/")
async def list_applications(
    hosting: NamedDependency[Hosting],
    actor: NamedDependency[Actor],
    rates: NamedDependency[ProcessorRates],
    after: FromQuery[str] = "",
) -> Template:
    """Show the applications that follow the last one seen, in the order of their owners."""
    ordered = sorted(await hosting.applications(actor), key=_place)
    found = [one for one in ordered if _place(one) > after]
    shown = found[:_APPLICATIONS_SHOWN]
    context = {
        "applications": shown,
        "rates": rates,
        "after": after,
        "next": _place(shown[-1]) if len(found) > len(shown) else None,
    }
    return Template("hosting/applications.html", context=context)


@get("/{name:str}")
async def show_application(
    one: NamedDependency[ApplicationPage], log: FromQuery[str] = ""
) -> Template:
    """Show one application."""
    return await one.shown(log)


@get("/{name:str}/state")
async def show_state(
    name: Name,
    hosting: NamedDependency[Hosting],
    actor: NamedDependency[Actor],
    rates: NamedDependency[ProcessorRates],
) -> Template:
    """Answer the part of the page that refreshes itself."""
    context = {"application": await hosting.application(actor, name), "rates": rates}
    return Template("hosting/state.html", context=context)


@post("/{name:str}/{verb:str}")
async def change_running(
    name: Name, verb: Verb, hosting: NamedDependency[Hosting], actor: NamedDependency[Actor]
) -> Redirect:
    """Do what a button asks, and lead to how it goes."""
    verbs = {
        "deploy": hosting.deploy,
        "restart": hosting.restart,
        "stop": hosting.stop,
        "start": hosting.start,
        "sleep": hosting.rest,
        "wake": hosting.wake,
    }
    return _followed(await verbs[verb](actor, name))


@post("/{name:str}/roll-back")
async def roll_back(
    name: Name, data: RollBackForm, hosting: NamedDependency[Hosting], actor: NamedDependency[Actor]
) -> Redirect:
    """Serve an earlier deployment again, and lead to how it goes."""
    return _followed(await hosting.roll_back(actor, name, data.deployment))


@post("/{name:str}/secrets/{secret:str}", status_code=200)
async def set_secret(
    name: Name,
    secret: Name,
    data: SecretForm,
    hosting: NamedDependency[Hosting],
    actor: NamedDependency[Actor],
    one: NamedDependency[ApplicationPage],
) -> Response[bytes] | Redirect:
    """Give a secret another value."""
    if not 0 < len(data.value) <= _SECRET_MAX_LENGTH:
        refusal = InvalidInputError("hosting.secret_empty", secret=secret)
        return await one.shown(error=refusal)
    await hosting.set_secret(actor, name, secret, Secret(data.value))
    return Redirect(f"/applications/{name}#secrets", status_code=303)


@post("/{name:str}/secrets/{secret:str}/reveal", status_code=200)
async def reveal_secret(
    name: Name,
    secret: Name,
    hosting: NamedDependency[Hosting],
    actor: NamedDependency[Actor],
    one: NamedDependency[ApplicationPage],
) -> Template:
    """Show one secret's value, on this page alone."""
    value = await hosting.reveal_secret(actor, name, secret)
    return await one.shown(revealed=RevealedSecret(secret, value.reveal()))


def router() -> Router:
    """Return the pages of the applications."""
    return Router(
        path="/applications",
        route_handlers=[
            list_applications,
            show_application,
            show_state,
            change_running,
            roll_back,
            set_secret,
            reveal_secret,
        ],
        dependencies={"one": Provide(_application_page)},
    )


def _followed(operation: Operation) -> Redirect:
    return Redirect(f"/operations/{operation.id}", status_code=303)


def _place(application: HostedApplication) -> str:
    """Return what the list is ordered by; a cursor once it is in an address."""
    return f"{application.organisation}/{application.name}"


def _logs_of(application: Application) -> tuple[str, ...]:
    if application.kind is ApplicationKind.STATIC:
        return ("build",)
    return ("application", "build", "prepare", *(f"job-{name}" for name in application.jobs))


def _returnable(
    deployments: Sequence[Deployment], kept: Container[str], serving: Deployment | None
) -> frozenset[int]:
    """Tell which deployments can serve again: good ones whose release is kept, not today's."""
    return frozenset(
        deployment.number
        for deployment in deployments
        if deployment.state is DeploymentState.RETIRED
        and deployment.digest in kept
        and (serving is None or deployment.digest != serving.digest)
    )
