"""The filler, as an engine that the platform starts, watches and stops."""

import signal
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

import beffroi
from beffroi.delivery.filler.settings import DATABASE_VARIABLE, FillerSettings, encoded
from beffroi.engines.drivers.engine_process import EngineProcess
from beffroi.engines.model import FILLER_NUMBER, NGINX_NUMBER, EngineStatus
from beffroi.kernel.http.probing import probed_status
from beffroi.kernel.places import Places, hand_over, platform_identity
from beffroi.kernel.processes.model import (
    Identity,
    Mount,
    ProcessPlan,
    RunningProcess,
    Sandbox,
)
from beffroi.kernel.secrets import Secret

_START_WITHIN_S: Final = 30.0
_STOP_WITHIN_S: Final = 15.0
_ANSWER_WITHIN_S: Final = 2.0


class FillerEngine:
    """Runs the filler as a user of its own, in nginx's group, where the platform is root's."""

    name = "filler"

    def __init__(
        self, places: Places, database_url: Secret, database_folder: str, bytes_most: int
    ) -> None:
        """Prepare.

        Args:
            places: The platform's folders.
            database_url: How PostgreSQL is reached.
            database_folder: Where its socket lies; empty when it is reached by TCP.
            bytes_most: Room for the stored pages of all sites.
        """
        self._places = places
        self._database_url = database_url
        self._database_folder = database_folder
        self._bytes_most = bytes_most
        self._identity = filler_identity()
        self._process = EngineProcess(self.name, places, sandboxed=self._identity is not None)
        self._folder = places.engines / self.name
        self._silences = 0

    async def start(self) -> None:
        """Run it, unless it runs."""
        self._make_folders()
        if self._process.running() is None:
            await self._process.start(self._plan(), self._answers, _START_WITHIN_S)

    async def stop(self) -> None:
        """Let it finish the fills under way."""
        await self._process.stop(signal.SIGTERM, _STOP_WITHIN_S)

    def running(self) -> RunningProcess | None:
        """Find its process, whoever started it."""
        return self._process.running()

    async def status(self) -> EngineStatus:
        """Read its process and ask it."""
        answers = await self._answers()
        self._silences = 0 if answers else self._silences + 1
        return self._process.told(version("beffroi"), "", answers=answers, silences=self._silences)

    async def _answers(self) -> bool:
        # Not httpx: it would read the machine's certificates anew each time, 26 ms of CPU.
        status = await probed_status(
            self._places.filler_socket,
            "/",
            "filler",
            within_s=_ANSWER_WITHIN_S,
            headers={"X-Beffroi-Door": "platform"},
        )
        return status is not None and 200 <= status < 300

    def _make_folders(self) -> None:
        hand_over(self._folder, self._identity)
        hand_over(self._places.filler_socket.parent, self._identity, 0o755)
        hand_over(self._places.store, self._identity, 0o755)
        settings = self._folder / "settings.json"
        settings.write_bytes(encoded(self._settings()))
        settings.chmod(0o644)

    def _settings(self) -> FillerSettings:
        places = self._places
        return FillerSettings(
            store=places.store,
            sites=places.filler_socket.parent / "sites.json",
            socket=places.filler_socket,
            direct_socket=places.nginx_sockets / "direct.sock",
            wake_socket=places.wake_socket,
            access_log=places.logs / "nginx" / "access.log",
            bytes_most=self._bytes_most,
        )

    def _plan(self) -> ProcessPlan:
        sandbox = None
        if self._identity is not None:
            sandbox = Sandbox(mounts=self._mounts(), network=True, identity=self._identity)
        return ProcessPlan(
            unit=self.name,
            command=(
                sys.executable,
                "-m",
                "beffroi.delivery.filler.process",
                str(self._folder / "settings.json"),
            ),
            folder=self._process.folder,
            log_path=self._process.log_path,
            environment={
                "PATH": "/usr/bin:/bin",
                "PYTHONDONTWRITEBYTECODE": "1",
                DATABASE_VARIABLE: self._database_url.reveal(),
            },
            sandbox=sandbox,
        )

    def _mounts(self) -> tuple[Mount, ...]:
        places = self._places
        writable = (places.store, places.filler_socket.parent)
        source = Path(beffroi.__file__).parents[1]
        shown = {
            self._folder,
            places.nginx_sockets,
            places.wake_socket.parent,
            places.logs / "nginx",
            Path(sys.prefix),
            source,
            *((Path(self._database_folder),) if self._database_folder else ()),
        }
        for folder in shown:
            folder.mkdir(parents=True, exist_ok=True)
        return (
            *(Mount(folder, folder) for folder in sorted(shown)),
            *(Mount(folder, folder, writable=True) for folder in writable),
        )


def filler_identity() -> Identity | None:
    """Return the filler's user, of nginx's group; nothing where all runs as one user."""
    own, group = platform_identity(FILLER_NUMBER), platform_identity(NGINX_NUMBER)
    if own is None or group is None:
        return None
    return Identity(own.uid, group.gid)
