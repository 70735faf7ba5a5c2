"""Making a release: files fetched, built in a sandbox, then never changed again."""

import asyncio
import errno
import os
import shutil
import stat
from importlib.metadata import version
from pathlib import Path

import msgspec

from beffroi.engines.doctor import FREE_LEAST_BYTES
from beffroi.hosting import environments
from beffroi.hosting.drivers.sources import driver_of
from beffroi.hosting.fingerprints import folder_inside, refuse_escaping_links, release_digest
from beffroi.hosting.model import Release
from beffroi.hosting.output_marks import OutputMark
from beffroi.hosting.ports import Ended, InstancePlan, Runtime
from beffroi.hosting.site_links import dissolve_links
from beffroi.kernel.clock import Clock
from beffroi.kernel.errors import FailedError
from beffroi.kernel.operations import Progress
from beffroi.kernel.places import Places
from beffroi.kernel.processes.model import Identity, Limits
from beffroi.kernel.units import GIB, told_bytes
from beffroi.territory.model import Application, ApplicationKind

_BUILD_LIMITS = Limits(memory_bytes=2 * GIB, cpus=2.0, processes=512)
_BUILD_WITHIN_S = 900.0
_FREE_DURING_BUILD_BYTES = FREE_LEAST_BYTES // 2
_DISK_LOOK_S = 0.1
_LINES_TOLD = 12


class Fetched(msgspec.Struct, frozen=True):
    """A source brought to this machine.

    Attributes:
        folder: Where the application's files lie.
        workspace: The temporary folder around it.
    """

    folder: Path
    workspace: Path
    origin: str
    digest: str


class BuildCommand(msgspec.Struct, frozen=True):
    """One command of a build, as people read it and as it is run."""

    told: str
    words: tuple[str, ...]


class Builder:
    """Makes releases."""

    def __init__(self, places: Places, runtime: Runtime, clock: Clock) -> None:
        self._places = places
        self._runtime = runtime
        self._clock = clock

    def release_folder(self, application: str, digest: str) -> Path:
        """Return where a release lies; its files are under ``app`` or ``www``."""
        return self._places.releases / application / digest

    async def release(
        self, application: Application, identity: Identity | None, progress: Progress
    ) -> Release:
        """Return the release of an application's source as it is now, built if need be.

        Raises:
            FailedError: The source cannot be had, or a command of the build fails.
        """
        workspace = self._places.builds / f"{application.name}-{progress.operation_id}"
        self._refuse_full_disk()
        try:
            await progress.step("fetching the source")
            fetched = await self._fetch(application, workspace)
            target = self.release_folder(application.name, fetched.digest)
            if not target.exists():
                await self._build(application, fetched, identity, progress)
                await asyncio.to_thread(_finish, application, fetched, target)
        except OSError as error:
            if not _tells_of_full_disk(error):
                raise
            raise FailedError("hosting.disk_full", application=application.name) from error
        finally:
            await asyncio.to_thread(shutil.rmtree, workspace, ignore_errors=True)
        return Release(
            application=application.name,
            digest=fetched.digest,
            organisation=application.organisation,
            origin=fetched.origin,
            size_bytes=await asyncio.to_thread(_size_bytes, target),
            built_at=self._clock.now(),
        )

    async def source_digest(self, application: Application, operation_id: str) -> str:
        """Tell which release the source as it is now would give, without building it."""
        workspace = self._places.builds / f"{application.name}-{operation_id}"
        try:
            return (await self._fetch(application, workspace)).digest
        finally:
            await asyncio.to_thread(shutil.rmtree, workspace, ignore_errors=True)

    def forget(self, application: str, digest: str) -> None:
        """Remove a release."""
        shutil.rmtree(self.release_folder(application, digest), ignore_errors=True)

    def clear_workspaces(self) -> None:
        """Remove what interrupted builds left."""
        shutil.rmtree(self._places.builds, ignore_errors=True)

    def _refuse_full_disk(self) -> None:
        self._places.builds.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self._places.builds).free
        if free < FREE_LEAST_BYTES:
            raise FailedError(
                "hosting.disk_low", free=told_bytes(free), least=told_bytes(FREE_LEAST_BYTES)
            )

    async def _fetch(self, application: Application, workspace: Path) -> Fetched:
        workspace.mkdir(parents=True)
        folder = workspace / "app"
        origin = await driver_of(application.source).fetch(application.source, folder)
        if application.source.subfolder:
            folder = folder_inside(folder, application.source.subfolder)
            if not folder.is_dir():
                raise FailedError("hosting.source_missing", source=application.source.subfolder)
        await asyncio.to_thread(refuse_escaping_links, folder)
        digest = await asyncio.to_thread(release_digest, folder, application)
        return Fetched(folder, workspace, origin, digest)

    async def _build(
        self,
        application: Application,
        fetched: Fetched,
        identity: Identity | None,
        progress: Progress,
    ) -> None:
        packaging = environments.packaging_commands(application, version("granian"))
        commands = [
            *(BuildCommand(" ".join(words[1:3]), words) for words in packaging),
            *(BuildCommand(told, environments.words(told)) for told in application.build),
        ]
        if not commands:
            return
        cache = self._places.data / "packages" / application.name
        cache.mkdir(parents=True, exist_ok=True)
        if identity is not None:
            await asyncio.to_thread(environments.give_to, fetched.folder, identity)
            await asyncio.to_thread(environments.give_to, cache, identity)
        for command in commands:
            await progress.step(command.told)
            await self._run_build_command(application, fetched, identity, command, cache)

    async def _run_build_command(
        self,
        application: Application,
        fetched: Fetched,
        identity: Identity | None,
        command: BuildCommand,
        cache: Path,
    ) -> None:
        log_path = self._places.logs / "applications" / application.name / "build.log"
        plan = InstancePlan(
            unit=f"{application.name}.build",
            command=command.words,
            environment=environments.build_environment(),
            mounts=environments.build_mounts(fetched.folder, cache),
            identity=identity,
            limits=_BUILD_LIMITS,
            network=True,
            log_path=log_path,
        )
        output = OutputMark.at_end_of(log_path)
        ended = await self._run_while_space_lasts(application, plan)
        if ended.status != 0:
            raise FailedError(
                "hosting.build_failed",
                application=application.name,
                command=command.told,
                status="out of time" if ended.timed_out else ended.status,
                lines="\n".join(output.last_lines(_LINES_TOLD)),
            )

    async def _run_while_space_lasts(self, application: Application, plan: InstancePlan) -> Ended:
        """Run a command, but end it before it takes the last of the disk from PostgreSQL."""
        running = asyncio.create_task(self._runtime.run(plan, _BUILD_WITHIN_S))
        try:
            while not (await asyncio.wait({running}, timeout=_DISK_LOOK_S))[0]:
                if shutil.disk_usage(self._places.builds).free < _FREE_DURING_BUILD_BYTES:
                    raise FailedError("hosting.disk_full", application=application.name)
            return running.result()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def _tells_of_full_disk(error: OSError) -> bool:
    """Look into the text too: shutil.copytree gathers its errors as texts."""
    return error.errno == errno.ENOSPC or os.strerror(errno.ENOSPC) in str(error)


def _finish(application: Application, fetched: Fetched, target: Path) -> None:
    """Make a built folder read-only and give it its name, in one rename."""
    finished = fetched.workspace / "release"
    finished.mkdir()
    if application.kind is ApplicationKind.STATIC:
        public = folder_inside(fetched.folder, application.public)
        if not public.is_dir():
            raise FailedError(
                "hosting.public_missing", application=application.name, public=application.public
            )
        refuse_escaping_links(public)
        dissolve_links(public)
        public.rename(finished / "www")
    else:
        fetched.folder.rename(finished / "app")
    _make_read_only(finished)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.parent.chmod(0o755)
    finished.rename(target)


def _make_read_only(folder: Path) -> None:
    for parent, _, files in os.walk(folder):
        Path(parent).chmod(0o755)
        for name in files:
            path = Path(parent, name)
            if not path.is_symlink():
                path.chmod(0o555 if path.stat().st_mode & stat.S_IXUSR else 0o444)


def _size_bytes(folder: Path) -> int:
    return sum(
        Path(parent, name).lstat().st_size for parent, _, files in os.walk(folder) for name in files
    )
