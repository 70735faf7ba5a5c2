"""Servers started for a bench, each pinned to a core, all of them stopped at the end."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.waiting import eventually

from beffroi.kernel.processes.tables import descendants_of
from bench.accelerator.packages import PeersMissingError, install

SERVER_CORE = 0
CLIENT_CORE = 1
_STOP_S = 10.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Servers:
    """A temporary folder and the processes that live in it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="bench-", dir="/tmp"))
        self.folder.chmod(0o755)
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the servers, the latest first, and remove the folder."""
        for process in reversed(self._processes):
            _end(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def make_folder(self, name: str, owner: str | None = None) -> Path:
        """Make a folder of a server, of another user where that one writes in it."""
        folder = self.folder / name
        folder.mkdir()
        if owner is not None and os.getuid() == 0:
            shutil.chown(folder, owner, owner)
        return folder

    async def start(
        self,
        name: str,
        command: Iterable[str],
        is_ready: Callable[[], bool],
        *,
        user: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> int:
        """Start a server on its core and wait until it answers; it dies with the bench.

        Returns:
            The pid of its first process.
        """
        identity = () if user is None else (f"--reuid={user}", f"--regid={user}", "--clear-groups")
        prefix = ("setpriv", "--pdeathsig=TERM", *identity, *pinning(SERVER_CORE))
        log_path = self.folder / f"{name}.log"
        process = self._launch((*prefix, *command), log_path, environment or {})
        try:
            await eventually(lambda: process.poll() is not None or is_ready(), 60)
        except AssertionError as error:
            raise PeersMissingError(f"{name} is not ready:\n{log_path.read_text()}") from error
        if process.poll() is not None:
            raise PeersMissingError(f"{name} ended:\n{log_path.read_text()}")
        return process.pid

    def _launch(
        self, command: Sequence[str], log_path: Path, environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._processes.append(process)
        return process


def pinning(core: int) -> tuple[str, ...]:
    """Return the words before a command that keep it on a core, where there are two."""
    return ("taskset", "--cpu-list", str(core)) if (os.cpu_count() or 1) > 1 else ()


def pin_running(pids: Iterable[int], core: int) -> None:
    """Keep running processes, with all their threads, on a core."""
    if (os.cpu_count() or 1) < 2:
        return
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            for task in (Path("/proc") / str(pid) / "task").iterdir():
                with suppress(ProcessLookupError):
                    os.sched_setaffinity(int(task.name), {core})


def free_port() -> int:
    """Find a TCP port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
    return port


def listens(address: int | Path) -> bool:
    """Tell whether something accepts connections on a port of loopback or on a socket."""
    family = socket.AF_INET if isinstance(address, int) else socket.AF_UNIX
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        target = ("127.0.0.1", address) if isinstance(address, int) else str(address)
        return probe.connect_ex(target) == 0


def exact_cpu_s(roots: Iterable[int]) -> float:
    """Return the CPU time of processes and of all below them, to the microsecond.

    What threads and children that ended have used is missing: for short watches.
    """
    spent_ns = 0
    for pid in _below(roots):
        with suppress(FileNotFoundError, ProcessLookupError):
            for task in (Path("/proc") / str(pid) / "task").iterdir():
                spent_ns += int((task / "schedstat").read_text().split()[0])
    return spent_ns / 1e9


def ticks_cpu_s(roots: Iterable[int]) -> float:
    """Return utime + stime of processes and of all below them, ended ones included.

    Threads and children that ended count: the kernel adds them to the process. Resolution 10 ms.
    """
    ticks = 0
    for pid in _below(roots):
        with suppress(FileNotFoundError, ProcessLookupError):
            text = (Path("/proc") / str(pid) / "stat").read_text()
            ticks += sum(map(int, text[text.rindex(")") + 2 :].split()[11:15]))
    return ticks / _TICKS_PER_S


def _below(roots: Iterable[int]) -> set[int]:
    return {row.pid for root in roots for row in descendants_of(root)}


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask a server to end, then end whatever is left of it."""
    rows = descendants_of(process.pid)
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_S)
    for row in rows:
        with suppress(ProcessLookupError):
            if Path("/proc", str(row.pid), "stat").exists():
                os.kill(row.pid, signal.SIGKILL)
    process.wait()


async def cancelled_by_termination() -> None:
    """Have a SIGTERM to the bench end it as Ctrl-C does, its servers stopped."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


async def become_client(packages: Iterable[str]) -> None:
    """Have the peers installed and stay on the clients' core, until a SIGTERM."""
    await cancelled_by_termination()
    await install(packages)
    pin_running((os.getpid(),), CLIENT_CORE)
