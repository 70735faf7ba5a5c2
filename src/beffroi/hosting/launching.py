"""Running a deployment: prepared, started, proven healthy, switched to, drained."""

import asyncio
import logging
import os
import shutil
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from beffroi.engines.databases import ApplicationDatabases
from beffroi.engines.model import NGINX_NUMBER
from beffroi.hosting import environments
from beffroi.hosting.building import Builder
from beffroi.hosting.model import Deployment
from beffroi.hosting.output_marks import OutputMark
from beffroi.hosting.ports import (
    Ended,
    InstancePlan,
    PublicAddresses,
    PurgeDoor,
    Runtime,
    StoredPages,
    Traffic,
    Visits,
)
from beffroi.hosting.vault import DATABASE_PASSWORD, Vault
from beffroi.kernel.errors import FailedError
from beffroi.kernel.http.probing import probed_status
from beffroi.kernel.operations import Progress
from beffroi.kernel.places import Places, platform_identity
from beffroi.kernel.processes import log_files
from beffroi.kernel.processes.model import Identity, Limits
from beffroi.kernel.secrets import Secret
from beffroi.kernel.units import MIB, told_bytes
from beffroi.territory.model import Application, ApplicationKind

_logger = logging.getLogger(__name__)
_PREPARE_WITHIN_S = 600.0
_PROBE_WITHIN_S = 5.0
_PROBE_PERIOD_S = 0.05
_DRAIN_LEAST_S = 0.2
_DRAIN_MOST_S = 30.0
_DRAIN_PERIOD_S = 0.1
_STOP_WITHIN_S = 10.0
_LINES_TOLD = 15


class HostingTools(msgspec.Struct, frozen=True):
    """What every part of hosting works with.

    Attributes:
        visits: Tells who needs what; without it nothing is put to rest unless somebody asks.
    """

    places: Places
    runtime: Runtime
    traffic: Traffic
    addresses: PublicAddresses
    databases: ApplicationDatabases
    vault: Vault
    builder: Builder
    purge_door: PurgeDoor
    stored_pages: StoredPages
    visits: Visits | None = None


class Launch(msgspec.Struct, frozen=True):
    """One deployment about to run: its user and its secrets."""

    deployment: Deployment
    identity: Identity | None
    secrets: Mapping[str, Secret]

    @property
    def application(self) -> Application:
        """Return the application as deployed."""
        return self.deployment.specification


class Launcher:
    """Starts, checks, switches, drains and stops instances."""

    def __init__(self, tools: HostingTools) -> None:
        self._tools = tools
        self._stopped: set[str] = set()

    async def serve(self, deployment: Deployment, uid_number: int, progress: Progress) -> None:
        """Prepare a deployment and make it serve; the one before still has the traffic.

        Raises:
            FailedError: A command fails or it never becomes healthy; nothing of it is left.
        """
        if deployment.specification.kind is ApplicationKind.STATIC:
            return
        launch = await self._launch_of(deployment, uid_number)
        try:
            for command in launch.application.prepare:
                await progress.step(command)
                await self._prepare(launch, command)
            await progress.step("starting")
            await self.start(launch)
        except BaseException:
            await self.stop(deployment.unit, within_s=0)
            raise

    async def restart(self, deployment: Deployment, uid_number: int) -> None:
        """Start the serving deployment's instance again."""
        await self._tools.runtime.stop(deployment.unit, _STOP_WITHIN_S)
        launch = await self._launch_of(deployment, uid_number)
        try:
            await self.start(launch)
        except BaseException:
            await self._tools.runtime.stop(deployment.unit, 0)
            raise

    async def start(self, launch: Launch) -> None:
        """Launch an instance and wait until it is healthy."""
        folder = environments.socket_folder(self._tools.places, launch.deployment.unit)
        environments.writable_folder(folder, launch.identity, platform_identity(NGINX_NUMBER))
        socket = folder / "http.sock"
        _clear(socket)
        self._stopped.discard(launch.deployment.unit)
        plan = self._plan(launch, launch.deployment.unit, "application.log")
        command = environments.serve_command(launch.application)
        output = OutputMark.at_end_of(plan.log_path)
        self._tools.runtime.launch(msgspec.structs.replace(plan, command=command))
        await self._wait_until_healthy(launch, socket, output)

    def switch_traffic(self, deployment: Deployment) -> None:
        """Send the visitors to a deployment, from now on."""
        if deployment.specification.kind is ApplicationKind.STATIC:
            folder = self._tools.builder.release_folder(deployment.application, deployment.digest)
        else:
            folder = environments.socket_folder(self._tools.places, deployment.unit).parent
        self._tools.traffic.point(deployment.application, folder)

    async def drain(self, unit: str) -> None:
        """Let an instance finish what it answers, then stop it."""
        await asyncio.sleep(_DRAIN_LEAST_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_MOST_S):
                while self._tools.runtime.open_connections(unit, environments.SOCKET):  # noqa: ASYNC110 - the kernel's table tells nobody
                    await asyncio.sleep(_DRAIN_PERIOD_S)
        await self.stop(unit)

    async def stop(self, unit: str, within_s: float = _STOP_WITHIN_S) -> None:
        """Stop an instance and remove its socket."""
        self._stopped.add(unit)
        await self._tools.runtime.stop(unit, within_s)
        _clear(environments.socket_folder(self._tools.places, unit).parent)

    def was_stopped(self, unit: str) -> bool:
        """Tell, once, whether an instance that ended was stopped on purpose."""
        stopped = unit in self._stopped
        self._stopped.discard(unit)
        return stopped

    async def run_job(self, deployment: Deployment, uid_number: int, name: str) -> Ended:
        """Run a scheduled command of a deployment to its end."""
        launch = await self._launch_of(deployment, uid_number)
        job = launch.application.jobs[name]
        plan = self._plan(launch, f"{deployment.unit}.{name}", f"job-{name}.log")
        command = environments.words(job.command)
        return await self._tools.runtime.run(
            msgspec.structs.replace(plan, command=command), job.deadline_s
        )

    async def is_healthy(self, deployment: Deployment) -> bool:
        """Ask a running instance for its health page once."""
        socket = environments.socket_folder(self._tools.places, deployment.unit) / "http.sock"
        application = deployment.specification
        status = await probed_status(
            socket, application.health.path, application.hosts[0], within_s=_PROBE_WITHIN_S
        )
        return status is not None and 200 <= status < 400

    def rotate_logs(self) -> None:
        """Start anew the logs that have grown large."""
        for path in (self._tools.places.logs / "applications").glob("*/*.log"):
            log_files.rotate(path)

    def log_path(self, application: str, name: str) -> Path:
        """Return where an application's output of one kind is appended."""
        return self._tools.places.logs / "applications" / application / name

    async def _launch_of(self, deployment: Deployment, uid_number: int) -> Launch:
        application = deployment.specification
        secrets = await self._tools.vault.ensure(application)
        identity = platform_identity(uid_number)
        if application.database:
            await self._tools.databases.ensure(application.name, secrets[DATABASE_PASSWORD])
        for volume in application.volumes:
            folder = self._tools.places.volumes / application.name / volume
            await asyncio.to_thread(environments.volume_folder, folder, identity)
        return Launch(deployment, identity, secrets)

    async def _prepare(self, launch: Launch, command: str) -> None:
        plan = self._plan(launch, f"{launch.deployment.unit}.prepare", "prepare.log")
        words = environments.words(command)
        output = OutputMark.at_end_of(plan.log_path)
        ended = await self._tools.runtime.run(
            msgspec.structs.replace(plan, command=words), _PREPARE_WITHIN_S
        )
        if ended.status != 0:
            raise _failure(launch.application, f"«{command}»", ended, output)

    async def _wait_until_healthy(self, launch: Launch, socket: Path, output: OutputMark) -> None:
        """Ask for the health page until it answers 200-399."""
        unit, health = launch.deployment.unit, launch.application.health
        exit_of_unit = asyncio.create_task(self._tools.runtime.wait_for_exit(unit))
        status: int | None = None
        try:
            async with asyncio.timeout(health.within_s):
                while not exit_of_unit.done():
                    status = await probed_status(
                        socket, health.path, launch.application.hosts[0], within_s=_PROBE_WITHIN_S
                    )
                    _open_to_nginx(socket)
                    if status is not None and 200 <= status < 400:
                        return
                    await asyncio.sleep(_PROBE_PERIOD_S)
            raise _failure(launch.application, "it", exit_of_unit.result(), output)
        except TimeoutError as error:
            raise FailedError(
                "hosting.never_healthy",
                application=launch.application.name,
                path=health.path,
                within_s=health.within_s,
                status="no answer" if status is None else status,
                lines=_told(output),
            ) from error
        finally:
            exit_of_unit.cancel()

    def _plan(self, launch: Launch, unit: str, log_name: str) -> InstancePlan:
        tools, application = self._tools, launch.application
        release = tools.builder.release_folder(application.name, launch.deployment.digest) / "app"
        listen = environments.socket_folder(tools.places, unit)
        database_folder = tools.databases.socket_folder if application.database else ""
        mounts = (
            *environments.run_mounts(application, tools.places, release, database_folder),
            tools.purge_door.mount(),
        )
        if unit == launch.deployment.unit:
            mounts = (*mounts, environments.socket_mount(listen))
        return InstancePlan(
            unit=unit,
            command=(),
            environment={
                **tools.purge_door.environment(application.name),
                **environments.run_environment(
                    application, launch.secrets, tools.addresses.url_of(application)
                ),
            },
            mounts=mounts,
            identity=launch.identity,
            limits=Limits(
                memory_bytes=application.limits.memory_mib * MIB,
                cpus=application.limits.cpus,
                processes=application.limits.processes,
            ),
            network=application.network,
            log_path=self.log_path(application.name, log_name),
        )


def _clear(path: Path) -> None:
    """Remove what lies in a folder of the application's, which may be anything."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _open_to_nginx(socket: Path) -> None:
    """Let nginx connect, once the socket is there.

    The folder is the application's: a link in the socket's place must open no other file.
    """
    with suppress(FileNotFoundError, OSError):
        descriptor = os.open(socket, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                Path(f"/proc/self/fd/{descriptor}").chmod(0o666)
        finally:
            os.close(descriptor)


def _failure(application: Application, what: str, ended: Ended, output: OutputMark) -> FailedError:
    name, lines = application.name, _told(output)
    if ended.memory_kills:
        limit = told_bytes(application.limits.memory_mib * MIB)
        return FailedError(
            "hosting.out_of_memory", application=name, what=what, limit=limit, lines=lines
        )
    if ended.timed_out:
        status = "out of time"
    else:
        status = "unknown" if ended.status is None else str(ended.status)
    return FailedError("hosting.ended", application=name, what=what, status=status, lines=lines)


def _told(output: OutputMark) -> str:
    return "\n".join(output.last_lines(_LINES_TOLD))
