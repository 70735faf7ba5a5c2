"""What people ask of hosting."""

import logging
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import msgspec

from beffroi.hosting import store
from beffroi.hosting.deploying import Deployer
from beffroi.hosting.launching import HostingTools
from beffroi.hosting.model import (
    ApplicationRecord,
    ApplicationState,
    Deployment,
    DeploymentState,
    JobRun,
    Release,
    Rest,
)
from beffroi.hosting.ports import WantedApplications
from beffroi.hosting.resting import WakeState
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import ConflictError, FailedError, NotFoundError
from beffroi.kernel.operations import Operation, Operations, Progress
from beffroi.kernel.operations.service import Work
from beffroi.kernel.processes import log_files
from beffroi.kernel.processes.model import Usage
from beffroi.kernel.rights.model import Actor, Permission
from beffroi.kernel.secrets import Secret
from beffroi.territory.model import Application, ApplicationKind

_logger = logging.getLogger(__name__)


class HostedApplication(msgspec.Struct, frozen=True):
    """An application as its people see it.

    Attributes:
        serving: The deployment that has the traffic.
        newest: The last deployment tried.
        usage: What it takes now; nothing for files and while it is stopped.
        rest_reason: Why it could not be woken last time.
    """

    name: str
    title: str
    organisation: str
    kind: ApplicationKind
    url: str
    hosts: tuple[str, ...]
    state: ApplicationState
    serving: Deployment | None
    newest: Deployment | None
    usage: Usage | None
    rest_reason: str = ""


class SecretName(msgspec.Struct, frozen=True):
    """A secret without its value; ``set_at`` is absent while it was never drawn."""

    name: str
    set_at: datetime | None


class Hosting:
    """Deploys, rolls back, restarts, stops, starts and shows applications."""

    def __init__(
        self,
        database: Database,
        operations: Operations,
        wanted: WantedApplications,
        tools: HostingTools,
        deployer: Deployer,
    ) -> None:
        self._database = database
        self._operations = operations
        self._wanted = wanted
        self._tools = tools
        self._deployer = deployer

    async def applications(self, actor: Actor) -> Sequence[HostedApplication]:
        """List the applications that the actor may see."""
        async with self._database.transaction(actor.scope) as connection:
            serving = await store.serving(connection)
            newest = await store.newest_deployments(connection)
            records = await store.records(connection)
        return [
            self._shown(one, serving.get(one.name), newest.get(one.name), records.get(one.name))
            for one in (await self._wanted.applications()).values()
            if actor.may(Permission.READ, one.organisation)
        ]

    async def application(self, actor: Actor, name: str) -> HostedApplication:
        """Show one application."""
        await self._declared(actor, name, Permission.READ)
        return next(one for one in await self.applications(actor) if one.name == name)

    async def deploy(self, actor: Actor, name: str) -> Operation:
        """Deploy an application's source as it is now, in the background."""
        application = await self._declared(actor, name, Permission.HOST)

        async def work(progress: Progress) -> str:
            return await self._deployer.deploy(actor, application, progress)

        return await self._launch(actor, "hosting.deploy", application, work)

    async def deploy_if_changed(self, actor: Actor, application: Application) -> bool:
        """Deploy when the source no longer is what the serving release was built from."""
        try:
            changed = await self._deployer.source_changed(application)
        except FailedError as error:
            _logger.warning("hosting application=%s %s", application.name, error)
            return False
        if changed:
            await self.deploy(actor, application.name)
        return changed

    async def roll_back(self, actor: Actor, name: str, number: int | None = None) -> Operation:
        """Serve an earlier deployment again; by default the last good one before this one.

        It stays until the next deployment or change of the declaration.
        """
        application = await self._declared(actor, name, Permission.HOST)
        chosen = number if number is not None else await self._number_before(name)

        async def work(progress: Progress) -> str:
            return await self._deployer.redeploy(actor, name, chosen, progress)

        return await self._launch(actor, "hosting.roll_back", application, work)

    async def restart(self, actor: Actor, name: str) -> Operation:
        """Start the serving release anew, with today's secrets, without a gap."""
        application = await self._declared(actor, name, Permission.HOST)

        async def work(progress: Progress) -> str:
            return await self._deployer.redeploy(actor, name, None, progress)

        return await self._launch(actor, "hosting.restart", application, work)

    async def stop(self, actor: Actor, name: str) -> Operation:
        """Stop an application until somebody starts it."""
        application = await self._declared(actor, name, Permission.HOST)

        async def work(progress: Progress) -> str:
            return await self._deployer.stop(name, progress)

        return await self._launch(actor, "hosting.stop", application, work)

    async def start(self, actor: Actor, name: str) -> Operation:
        """Start a stopped application."""
        application = await self._declared(actor, name, Permission.HOST)

        async def work(progress: Progress) -> str:
            return await self._deployer.start(name, progress)

        return await self._launch(actor, "hosting.start", application, work)

    async def rest(self, actor: Actor, name: str) -> Operation:
        """Put an application to sleep until somebody needs it."""
        application = await self._declared(actor, name, Permission.HOST)

        async def work(progress: Progress) -> str:
            await progress.step("waiting for its visitors to leave")
            await self._deployer.resting.sleep(name)
            return "Asleep; its next visitor wakes it."

        return await self._launch(actor, "hosting.sleep", application, work)

    async def wake(self, actor: Actor, name: str) -> Operation:
        """Wake an application that was put to rest."""
        application = await self._declared(actor, name, Permission.HOST)

        async def work(progress: Progress) -> str:
            await progress.step("waking")
            woken = await self._deployer.resting.wake(name)
            if woken.state is WakeState.STOPPED:
                raise ConflictError("hosting.stopped_already", application=name)
            return f"Awake after {woken.seconds:.2f} s."

        return await self._launch(actor, "hosting.wake", application, work)

    async def secrets(self, actor: Actor, name: str) -> Sequence[SecretName]:
        """List an application's secrets, without their values."""
        application = await self._declared(actor, name, Permission.READ)
        kept = {one.name: one.set_at for one in await self._tools.vault.names(actor.scope, name)}
        return [SecretName(secret, kept.get(secret)) for secret in application.secrets]

    async def set_secret(self, actor: Actor, name: str, secret: str, value: Secret) -> None:
        """Give a declared secret another value; a restart puts it into use."""
        application = await self._with_secret(actor, name, secret)
        await self._tools.vault.put(application, secret, value)

    async def reveal_secret(self, actor: Actor, name: str, secret: str) -> Secret:
        """Show one secret's value to who may host the application."""
        application = await self._with_secret(actor, name, secret)
        return (await self._tools.vault.ensure(application))[secret]

    async def deployments(self, actor: Actor, name: str) -> Sequence[Deployment]:
        """List an application's deployments, newest first."""
        await self._declared(actor, name, Permission.READ)
        async with self._database.transaction(actor.scope) as connection:
            return await store.deployments_of(connection, name)

    async def releases(self, actor: Actor, name: str) -> Sequence[Release]:
        """List an application's releases, newest first."""
        await self._declared(actor, name, Permission.READ)
        async with self._database.transaction(actor.scope) as connection:
            return await store.releases_of(connection, name)

    async def job_runs(self, actor: Actor, name: str) -> Sequence[JobRun]:
        """List the newest runs of an application's scheduled commands."""
        await self._declared(actor, name, Permission.READ)
        async with self._database.transaction(actor.scope) as connection:
            return await store.job_runs(connection, name)

    async def log_lines(self, actor: Actor, name: str, log: str, count: int) -> Sequence[str]:
        """Return the last lines of one of an application's logs."""
        await self._declared(actor, name, Permission.READ)
        return log_files.last_lines(self._deployer.launcher.log_path(name, f"{log}.log"), count)

    async def follow_log(self, actor: Actor, name: str, log: str) -> AsyncIterator[str]:
        """Return an endless reading of a log: its last lines, then each new one."""
        await self._declared(actor, name, Permission.READ)
        return log_files.follow(self._deployer.launcher.log_path(name, f"{log}.log"))

    async def _launch(
        self, actor: Actor, verb: str, application: Application, work: Work
    ) -> Operation:
        return await self._operations.launch(
            actor, verb, application.name, application.organisation, work
        )

    async def _declared(self, actor: Actor, name: str, permission: Permission) -> Application:
        """Return a declared application that the actor may act on.

        One of another organisation is as unknown as one that does not exist.
        """
        application = (await self._wanted.applications()).get(name)
        if application is None or not actor.may(Permission.READ, application.organisation):
            raise NotFoundError("hosting.application_unknown", application=name)
        actor.require(permission, application.organisation)
        return application

    async def _with_secret(self, actor: Actor, name: str, secret: str) -> Application:
        application = await self._declared(actor, name, Permission.HOST)
        if secret not in application.secrets:
            raise NotFoundError("hosting.secret_unknown", application=name, secret=secret)
        return application

    async def _number_before(self, name: str) -> int:
        """Find the newest deployment that served and whose release differs from today's."""
        current = await self._deployer.instances.serving(name)
        async with self._database.transaction(EVERYTHING) as connection:
            for deployment in await store.deployments_of(connection, name):
                served = deployment.state is DeploymentState.RETIRED
                if served and deployment.digest != current.digest:
                    return deployment.number
        raise ConflictError("hosting.nothing_before", application=name)

    def _shown(
        self,
        application: Application,
        serving: Deployment | None,
        newest: Deployment | None,
        record: ApplicationRecord | None,
    ) -> HostedApplication:
        usage = self._tools.runtime.usage(serving.unit) if serving else None
        runs = usage is not None and not self._deployer.instances.starts_again(application.name)
        return HostedApplication(
            name=application.name,
            title=application.title,
            organisation=application.organisation,
            kind=application.kind,
            url=self._tools.addresses.url_of(application),
            hosts=application.hosts,
            state=_state(serving, newest, record, runs=runs),
            serving=serving,
            newest=newest,
            usage=usage,
            rest_reason="" if record is None else record.rest_reason,
        )


def _state(
    serving: Deployment | None,
    newest: Deployment | None,
    record: ApplicationRecord | None,
    *,
    runs: bool,
) -> ApplicationState:
    if record is not None and record.stopped:
        return ApplicationState.STOPPED
    if record is not None and record.rest is not Rest.AWAKE:
        frozen = record.rest is Rest.FROZEN and runs
        return ApplicationState.FROZEN if frozen else ApplicationState.ASLEEP
    if serving is not None:
        static = serving.specification.kind is ApplicationKind.STATIC
        return ApplicationState.SERVING if static or runs else ApplicationState.STARTING
    if newest is not None and newest.state is DeploymentState.FAILED:
        return ApplicationState.FAILED
    return ApplicationState.STARTING
