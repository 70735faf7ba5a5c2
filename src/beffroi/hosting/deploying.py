"""Changing what serves an application; one change at a time for each."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from beffroi.hosting import store
from beffroi.hosting.fingerprints import declaration_digest
from beffroi.hosting.instances import Instances
from beffroi.hosting.launching import HostingTools
from beffroi.hosting.model import (
    ApplicationRecord,
    Deployment,
    DeploymentState,
    Rest,
    is_instance,
    obsolete_releases,
)
from beffroi.hosting.ports import Ended
from beffroi.hosting.resting import Resting
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import (
    BeffroiError,
    ConflictError,
    FailedError,
    NotFoundError,
    UnavailableError,
)
from beffroi.kernel.ids import new_id
from beffroi.kernel.log import Event, append
from beffroi.kernel.operations import Progress
from beffroi.kernel.places import platform_identity
from beffroi.kernel.rights.model import Actor
from beffroi.territory.model import Application, ApplicationKind

_logger = logging.getLogger(__name__)
_INTERRUPTED = "The platform stopped before the end."


class Deployer:
    """Builds, puts into service, rolls back, stops and starts."""

    def __init__(self, database: Database, clock: Clock, tools: HostingTools) -> None:
        self._database = database
        self._clock = clock
        self._tools = tools
        self.instances = Instances(database, clock, tools)
        self.launcher = self.instances.launcher
        self.resting = Resting(database, clock, tools, self.instances)
        self.visits = tools.visits

    async def deploy(self, actor: Actor, application: Application, progress: Progress) -> str:
        """Build the source as it is now and make it serve.

        Raises:
            FailedError: It could not be built or never became healthy; what served still does.
        """
        async with self.instances.changing(application.name):
            try:
                told = await self._deploy(actor, application, progress)
            except UnavailableError:
                raise
            except Exception:
                await self._note_handled(application)
                raise
            await self._note_handled(application)
            return told

    async def redeploy(
        self, actor: Actor, name: str, number: int | None, progress: Progress
    ) -> str:
        """Serve a deployment of the past again, or the serving one anew.

        Args:
            actor: Who asks.
            name: The application.
            number: The deployment; None for the one that serves.
            progress: The operation's.
        """
        async with self.instances.changing(name):
            wanted = self.instances.serving(name) if number is None else self.past(name, number)
            chosen = await wanted
            folder = self._tools.builder.release_folder(name, chosen.digest)
            if not folder.exists():
                raise NotFoundError("hosting.release_gone", application=name, release=chosen.digest)
            return await self._put_in_service(actor, chosen.specification, chosen.digest, progress)

    async def stop(self, name: str, progress: Progress) -> str:
        """Stop an application until somebody starts it."""
        async with self.instances.changing(name):
            await progress.step("stopping")
            deployment = await self.instances.serving(name)
            await self._set_stopped(deployment, stopped=True)
            self._tools.traffic.stop(name)
            await self._tools.stored_pages.forget(name, deployment.organisation)
            for unit in self.instances.units_of(name):
                await self.launcher.drain(unit)
            return "Stopped; its visitors are told so."

    async def start(self, name: str, progress: Progress) -> str:
        """Start a stopped application."""
        async with self.instances.changing(name):
            await progress.step("starting")
            deployment = await self.instances.serving(name)
            await self.instances.bring_up(deployment)
            await self._set_stopped(deployment, stopped=False)
            return f"Deployment {deployment.number} serves."

    async def restart_crashed(self, name: str, unit: str) -> None:
        """Start an instance again, unless another took its place since it was looked at."""
        async with self.instances.changing(name):
            if await self.instances.unit_needed(name) == unit:
                await self.instances.run_again(await self.instances.serving(name))

    async def run_job(self, deployment: Deployment, job: str) -> Ended:
        """Run a scheduled command of a deployment to its end."""
        record = await self.instances.record(deployment)
        return await self.launcher.run_job(deployment, record.uid_number, job)

    async def reap(self, name: str, unit: str) -> None:
        """End an instance, unless it came to serve since it was looked at."""
        async with self.instances.changing(name):
            if await self.instances.unit_needed(name) != unit:
                await self.launcher.stop(unit)

    async def withdraw(self, name: str) -> None:
        """Serve an application no more; its volumes, database and releases stay."""
        async with self.instances.changing(name):
            self._tools.traffic.forget(name)
            for unit in self.instances.units_of(name):
                await self.launcher.drain(unit)
            async with self._database.transaction(EVERYTHING) as connection:
                await store.delete_record(connection, name)

    async def past(self, name: str, number: int) -> Deployment:
        """Return one deployment."""
        async with self._database.transaction(EVERYTHING) as connection:
            found = await store.deployment(connection, name, number)
        if found is None:
            raise NotFoundError("hosting.deployment_unknown", application=name, number=number)
        return found

    async def settle_interrupted(self) -> None:
        """Close what a killed platform left half done."""
        async with self._database.transaction(EVERYTHING) as connection:
            await store.fail_starting(connection, _INTERRUPTED)
            await store.end_job_runs(connection, self._clock.now(), _INTERRUPTED)
            records = await store.records(connection)
            serving = await store.serving(connection)
        for unit in self._tools.runtime.launched_units():
            if not is_instance(unit):
                await self._tools.runtime.stop(unit, 0)
        for name, deployment in serving.items():
            if name in records:
                self._settle_traffic(deployment, records[name])
        await asyncio.to_thread(self._tools.builder.clear_workspaces)

    async def source_changed(self, application: Application) -> bool:
        """Tell whether an application's source is neither what serves nor what was built last.

        A stopped application and one that was rolled back thus stay as they are. What was built
        last counts once it was tried to the end: a deploy that was killed is to be done.

        Raises:
            FailedError: The source cannot be had.
        """
        async with self._database.transaction(EVERYTHING) as connection:
            found = (await store.serving(connection)).get(application.name)
            record = (await store.records(connection)).get(application.name)
            releases = await store.releases_of(connection, application.name)
            deployments = await store.deployments_of(connection, application.name)
        if found is None or record is None or record.stopped:
            return False
        tried = {one.digest for one in deployments if one.reason != _INTERRUPTED}
        known = {found.digest, *({release.digest for release in releases[:1]} & tried)}
        digest = await self._tools.builder.source_digest(application, new_id(self._clock.now()))
        return digest not in known

    async def stop_all(self) -> None:
        """Stop every instance at once; the next start runs again those that do not rest."""
        await self.instances.stop_all()

    async def close(self) -> None:
        """Wait no longer for what drains or wakes; what still runs is stopped next."""
        await self.resting.close()
        await self.instances.close()

    async def _deploy(self, actor: Actor, application: Application, progress: Progress) -> str:
        async with self._database.transaction(EVERYTHING) as connection:
            for former in await store.deployments_of(connection, application.name, limit=1):
                if former.organisation != application.organisation:
                    raise ConflictError("hosting.name_of_another", application=application.name)
            record = await store.ensure_record(
                connection, application.name, application.organisation
            )
        if record.rest is Rest.FROZEN:
            # A build may last: visitors need not wait for its end.
            with suppress(FailedError):
                await self.resting.wake_held(application.name)
        identity = platform_identity(record.uid_number)
        release = await self._tools.builder.release(application, identity, progress)
        async with self._database.transaction(EVERYTHING) as connection:
            await store.put_release(connection, release)
        at_work = not record.stopped and record.rest is not Rest.ASLEEP
        if at_work and await self._serves(application, release.digest):
            return f"Release {release.digest} serves already; nothing has changed."
        told = await self._put_in_service(actor, application, release.digest, progress)
        await self._prune(application.name)
        return told

    def _settle_traffic(self, deployment: Deployment, record: ApplicationRecord) -> None:
        """Lead visitors as was decided: the platform may have died between the two."""
        static = deployment.specification.kind is ApplicationKind.STATIC
        if record.stopped:
            self._tools.traffic.stop(deployment.application)
        elif record.rest is not Rest.AWAKE:
            self._tools.traffic.rest(deployment.application)
        elif static or deployment.unit in self.instances.units_of(deployment.application):
            self.launcher.switch_traffic(deployment)

    async def _put_in_service(
        self, actor: Actor, application: Application, digest: str, progress: Progress
    ) -> str:
        before = self.instances.units_of(application.name)
        deployment = await self._begin(actor, application, digest)
        try:
            record = await self.instances.record(deployment)
            await self.launcher.serve(deployment, record.uid_number, progress)
        except BaseException as error:
            await self._fail(deployment, _reason(error))
            raise
        # A cancellation between the commit and the switch would leave the traffic behind.
        await asyncio.shield(self._take_over(deployment, before))
        return f"Deployment {deployment.number} serves release {digest}."

    async def _take_over(self, deployment: Deployment, before: Sequence[str]) -> None:
        await self._commit_serving(deployment)
        self.instances.note_use(deployment.application)
        self.launcher.switch_traffic(deployment)
        for unit in before:
            self.instances.drain_in_background(unit)
        await self._tools.stored_pages.forget(deployment.application, deployment.organisation)

    async def _begin(self, actor: Actor, application: Application, digest: str) -> Deployment:
        async with self._database.transaction(EVERYTHING) as connection:
            await store.fail_starting(connection, _INTERRUPTED, application.name)
            return await store.insert_deployment(
                connection,
                Deployment(
                    application=application.name,
                    number=0,
                    organisation=application.organisation,
                    digest=digest,
                    specification=application,
                    state=DeploymentState.STARTING,
                    reason="",
                    created_at=self._clock.now(),
                    actor=actor.name,
                ),
            )

    async def _commit_serving(self, deployment: Deployment) -> None:
        async with self._database.transaction(EVERYTHING) as connection:
            await store.set_serving(connection, deployment)
            await store.set_stopped(connection, deployment.application, stopped=False)
            await append(connection, _event("hosting.deployment_serving", deployment))

    async def _fail(self, deployment: Deployment, reason: str) -> None:
        async with self._database.transaction(EVERYTHING) as connection:
            await store.set_state(connection, deployment, DeploymentState.FAILED, reason)
            await append(connection, _event("hosting.deployment_failed", deployment))

    async def _note_handled(self, application: Application) -> None:
        """Note the declaration once its deployment has ended: a killed one is tried again."""
        async with self._database.transaction(EVERYTHING) as connection:
            await store.set_handled(connection, application.name, declaration_digest(application))

    async def _set_stopped(self, deployment: Deployment, *, stopped: bool) -> None:
        kind = "hosting.application_stopped" if stopped else "hosting.application_started"
        async with self._database.transaction(EVERYTHING) as connection:
            await store.set_stopped(connection, deployment.application, stopped=stopped)
            await append(connection, _event(kind, deployment))

    async def _serves(self, application: Application, digest: str) -> bool:
        """Tell whether a release serves under the very same declaration."""
        async with self._database.transaction(EVERYTHING) as connection:
            found = (await store.serving(connection)).get(application.name)
        if found is None or found.digest != digest or found.specification != application:
            return False
        static = application.kind is ApplicationKind.STATIC
        return static or found.unit in self.instances.units_of(application.name)

    async def _prune(self, name: str) -> None:
        async with self._database.transaction(EVERYTHING) as connection:
            releases = await store.releases_of(connection, name)
            in_use = {
                one.application: one.digest for one in (await store.serving(connection)).values()
            }
            obsolete = obsolete_releases(releases, in_use)
            for digest in obsolete:
                await store.delete_release(connection, name, digest)
        for digest in obsolete:
            await asyncio.to_thread(self._tools.builder.forget, name, digest)


def _reason(error: BaseException) -> str:
    match error:
        case BeffroiError():
            return str(error)
        case asyncio.CancelledError():
            return _INTERRUPTED
    return "An unexpected error was logged."


def _event(kind: str, deployment: Deployment) -> Event:
    return Event(
        kind=kind,
        subject=deployment.application,
        organisation=deployment.organisation,
        body={"deployment": deployment.number, "release": deployment.digest},
    )
