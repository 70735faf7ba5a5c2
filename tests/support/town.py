"""A small territory hosted by the real ``beffroi up``, for end-to-end tests."""

import asyncio
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import msgspec
import yaml

from beffroi.app.ownership import Control, read_control
from beffroi.kernel.places import Places
from beffroi.kernel.processes.launch import PID_FILE
from beffroi.kernel.processes.tables import children_of
from tests.support.town_processes import end_all, processes_of
from tests.support.waiting import eventually, scaled

_ROOT = Path(__file__).parents[2]
_PROGRAM = str(Path(sys.executable).with_name("beffroi"))
_SAYS_READY = "Ready."
Territory = dict[str, Any]


class CommandEnd(msgspec.Struct, frozen=True):
    """How a command of the command line ended."""

    status: int
    output: str
    errors: str

    def json(self) -> Any:
        return msgspec.json.decode(self.output)


class Town:
    """One data folder, one territory file, and the platform that runs them."""

    def __init__(self, file: Path | None = None) -> None:
        """Make an empty town, or one of a territory file that lies elsewhere."""
        self.folder = Path(tempfile.mkdtemp(prefix="bt-", dir="/tmp"))
        self.places = Places.of(self.folder / "data")
        self.territory: Territory = {}
        self.file = file or self.folder / "territory.yaml"
        self.https_port = free_port()
        self.environment = {
            **{name: value for name, value in os.environ.items() if "BEFFROI_" not in name},
            "BEFFROI_DATA": str(self.places.data),
            "BEFFROI_LANGUAGE": "en",
        }
        self._ports = {
            "BEFFROI_HTTP_PORT": str(free_port()),
            "BEFFROI_HTTPS_PORT": str(self.https_port),
        }
        self._up: subprocess.Popen[bytes] | None = None
        self._visitor: httpx.AsyncClient | None = None
        self._control_before: Control | None = None

    def declare(self, territory: Territory, sources: Mapping[str, Path]) -> None:
        """Write the territory; ``sources`` are copied so that a test may change them."""
        self.territory = territory
        for name, source in sources.items():
            shutil.copytree(source, self.source(name))
        self.write()

    def source(self, name: str) -> Path:
        """Return the folder from which an application is deployed."""
        return self.folder / "sources" / name

    def write(self) -> None:
        """Write the territory file anew."""
        self.file.write_text(yaml.safe_dump(self.territory, sort_keys=False))

    @property
    def pid(self) -> int:
        """Return the pid of ``beffroi up``."""
        assert self._up is not None
        return self._up.pid

    @property
    def said(self) -> str:
        """Return everything that ``beffroi up`` printed."""
        return (self.folder / "up.log").read_text()

    async def up(self, within_s: float = 40, *, file: bool = True) -> None:
        """Start the platform and wait until each application is settled."""
        await self.begin(file=file)
        assert await comes_true(self._is_ready, within_s)

    async def begin(self, within_s: float = 30, *, file: bool = True) -> None:
        """Start the platform and wait until its console answers."""
        self.launch(file=file)
        assert await comes_true(self.answers, within_s)
        await self.visitor()

    def launch(self, *, file: bool = True) -> None:
        """Start the platform, with its territory file or without, and wait for nothing."""
        assert self._up is None or self._up.poll() is not None, "it runs already"
        self._control_before = read_control(self.places.data)
        given = [str(self.file)] if file else []
        with (self.folder / "up.log").open("wb") as log:
            self._up = subprocess.Popen(
                [_PROGRAM, "up", *given, "--data", str(self.places.data)],
                cwd=_ROOT,
                env={**self.environment, **self._ports},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def runs(self) -> bool:
        """Tell whether ``beffroi up`` runs."""
        return self._up is not None and self._up.poll() is None

    async def answers(self) -> bool:
        """Tell whether the API answers to this start of the platform."""
        assert self._up is not None
        if self._up.poll() is not None:
            raise RuntimeError(f"beffroi up ended with {self._up.returncode}:\n{self.said}")
        if read_control(self.places.data) == self._control_before:
            return False
        with suppress(httpx.TransportError):
            return (await self.api("GET", "/api/me")).is_success
        return False

    async def stop(self, within_s: float = 30) -> int:
        """Press Ctrl-C; return the exit status."""
        os.kill(self.pid, signal.SIGINT)
        return await self.ended(within_s)

    async def ended(self, within_s: float = 30) -> int:
        """Wait for the end of ``beffroi up``; return its exit status."""
        assert self._up is not None
        return await asyncio.to_thread(self._up.wait, scaled(within_s))

    async def kill(self) -> None:
        """End the platform's own process as when it crashes; what it started runs on."""
        os.kill(self.pid, signal.SIGKILL)
        await self.ended(10)

    async def close(self, *, keep_logs: bool) -> None:
        """End everything and remove it, the logs apart where they are wanted."""
        if self._visitor is not None:
            await self._visitor.aclose()
        if self._up is not None and self._up.poll() is None:
            await self.kill()
        await end_all(self.places)
        shutil.rmtree(self.places.runtime, ignore_errors=True)
        if not keep_logs:
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        for entry in self.places.data.iterdir():
            if entry.name != "logs":
                shutil.rmtree(entry, ignore_errors=True)
        print(f"\nThe logs of the town are kept in {self.folder}")  # noqa: T201 - for the person

    def log(self, name: str = "beffroi.log") -> str:
        """Return a log of the data folder; nothing before its first line."""
        path = self.places.logs / name
        return path.read_text() if path.exists() else ""

    def defects(self) -> list[str]:
        """Return what no test may leave behind: lines of level ERROR, tracebacks."""
        found = [line for line in self.log().splitlines() if " ERROR " in line or "BUG" in line]
        if (self.folder / "up.log").exists() and "Traceback" in self.said:
            found.append(self.said)
        return found

    async def api(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Ask the API as the operator of this machine."""
        control = read_control(self.places.data)
        if control is None:
            raise FileNotFoundError("control.json")
        transport = httpx.AsyncHTTPTransport(uds=control.socket)
        headers = {"Authorization": f"Bearer {control.token}", "Accept-Language": "en"}
        async with httpx.AsyncClient(
            base_url="http://platform", transport=transport, headers=headers, timeout=scaled(30)
        ) as client:
            return await client.request(method, path, json=body)

    async def told(self, path: str) -> Any:
        """Return what the API answers to a question."""
        answer = await self.api("GET", path)
        answer.raise_for_status()
        return answer.json()

    async def ordered(self, path: str, body: object = None, within_s: float = 40) -> Any:
        """Ask for an operation and return it once it has ended, well or not."""
        answer = await self.api("POST", path, body)
        assert answer.status_code == 202, answer.text
        operation = answer.json()["id"]

        async def ended() -> Any:
            found = await self.told(f"/api/operations/{operation}")
            return found if found["state"] != "running" else None

        return await eventually(ended, within_s)

    async def deploy(self, name: str, within_s: float = 40) -> Any:
        """Deploy an application's source as it is now; return the ended operation."""
        return await self.ordered(f"/api/applications/{name}/deploy", within_s=within_s)

    async def apply(self) -> httpx.Response:
        """Write the territory and apply it."""
        self.write()
        return await self.api("POST", "/api/territory", {"file": str(self.file)})

    async def get(self, host: str, path: str = "/", **headers: str) -> httpx.Response:
        """Visit a page over HTTPS, trusting the platform's own authority alone."""
        return await self.visit("GET", host, path, headers=headers)

    async def visit(
        self, method: str, host: str, path: str = "/", **options: Any
    ) -> httpx.Response:
        """Visit a page by any method."""
        visitor = await self.visitor()
        visitor.cookies.clear()
        headers = {"Host": self.authority(host), **options.pop("headers", {})}
        return await visitor.request(
            method, path, headers=headers, extensions={"sni_hostname": host}, **options
        )

    def authority(self, host: str) -> str:
        """Return a host with the port that visitors use."""
        return f"{host}:{self.https_port}"

    async def visitor(self) -> httpx.AsyncClient:
        """Return a client that resolves every name to this machine."""
        if self._visitor is None:
            self._visitor = httpx.AsyncClient(
                base_url=f"https://127.0.0.1:{self.https_port}",
                verify=await self.trust(),
                timeout=scaled(20),
                trust_env=False,
            )
        return self._visitor

    async def trust(self) -> ssl.SSLContext:
        """Trust the platform's authority and nobody else."""
        certificate = (await self.api("GET", "/api/authority")).text
        return ssl.create_default_context(cadata=certificate)

    async def cli(self, *arguments: str, given: str = "", **more: str) -> CommandEnd:
        """Run a command; ``given`` is its standard input, ``more`` goes to its environment."""
        process = await asyncio.create_subprocess_exec(
            _PROGRAM,
            *arguments,
            cwd=_ROOT,
            env={**self.environment, **more},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(scaled(30)):
                output, errors = await process.communicate(given.encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return CommandEnd(process.returncode or 0, output.decode(), errors.decode())

    def has_another(self, unit: str, pid: int) -> bool:
        """Tell whether a process has taken the place of a unit's former one."""
        with suppress(FileNotFoundError):
            return self.unit_pid(unit) != pid
        return False

    def unit_pid(self, unit: str) -> int:
        """Return the pid that the platform noted for an engine or an instance."""
        written = (self.places.process_folder(unit) / PID_FILE).read_text()
        return int(written.split()[1])

    def main_pid(self, unit: str) -> int:
        """Return the pid of a unit's own first process, which may be below bubblewrap."""
        pid = self.unit_pid(unit)
        if Path("/proc", str(pid), "comm").read_text() != "bwrap\n":
            return pid
        return children_of(children_of(pid)[0])[0]

    def units(self) -> list[str]:
        """Name every unit that has a process file."""
        folder = self.places.process_folder("any").parent
        return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []

    def pids(self) -> set[int]:
        """Return the pids of every process of the town."""
        return {row.pid for row in processes_of(self.places)}

    async def _is_ready(self) -> bool:
        await self.answers()
        return _SAYS_READY in self.said


async def comes_true(check: Callable[[], Awaitable[bool]], within_s: float = 5.0) -> bool:
    """Wait until a question to the town is answered yes."""
    return await eventually(check, within_s)


def free_port() -> int:
    """Find a TCP port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
    return port


def lines_with(text: str, *words: str) -> Sequence[str]:
    """Return the lines that hold all the words."""
    return [line for line in text.splitlines() if all(word in line for word in words)]
