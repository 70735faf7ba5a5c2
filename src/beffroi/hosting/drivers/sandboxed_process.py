"""Instances as bubblewrap sandboxes on this machine."""

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path

import msgspec

from beffroi.hosting.ports import Ended, InstancePlan, RuntimeCapabilities
from beffroi.kernel.errors import FailedError
from beffroi.kernel.places import Places, platform_identity
from beffroi.kernel.processes import exits, freezing
from beffroi.kernel.processes.launch import found_running, last_launched, launch, launch_of
from beffroi.kernel.processes.limits import Limiter
from beffroi.kernel.processes.model import ProcessPlan, RunningProcess, Sandbox, Usage
from beffroi.kernel.processes.stopping import kill, stop_sandboxed
from beffroi.kernel.processes.tables import age_s, descendants_of

_CONNECTED = "03"
_UNIX_SOCKETS = Path("/proc/net/unix")


class SandboxedProcessRuntime:
    """Runs each instance in namespaces of its own, under its limits.

    Instances outlive the platform: their process files tell the next one that they run.
    """

    def __init__(self, places: Places, limiter: Limiter) -> None:
        self._places = places
        self._limiter = limiter

    @property
    def capabilities(self) -> RuntimeCapabilities:
        """Tell what this user may have the kernel do on this machine."""
        return RuntimeCapabilities(
            name="sandboxed process",
            own_user=platform_identity(0) is not None,
            whole_unit_limits=self._limiter.capabilities.whole_unit,
        )

    def launch(self, plan: InstancePlan) -> None:
        """Start an instance."""
        launch(self._process_plan(plan), self._limiter)

    async def run(self, plan: InstancePlan, deadline_s: float) -> Ended:
        """Run a command to its end; kill all of it at the deadline, or when cancelled."""
        process = launch(self._process_plan(plan), self._limiter)
        timed_out = False
        try:
            # Not wait_for: on Python 3.11 it swallows a cancellation that meets the end.
            async with asyncio.timeout(deadline_s):
                status = await exits.wait_for_exit(process)
        except TimeoutError:
            timed_out = True
            status = await kill(process)
        except asyncio.CancelledError:
            await kill(process)
            self._forget(plan.unit)
            raise
        kills = self._limiter.usage(plan.unit, process.pid).memory_kills
        self._forget(plan.unit)
        return Ended(status, timed_out, kills)

    def launched_units(self) -> frozenset[str]:
        """Name the instances and commands of which something is left, alive or ended."""
        folder = self._places.process_folder("any").parent
        if not folder.is_dir():
            return frozenset()
        return frozenset(entry.name for entry in folder.iterdir() if _is_instance(entry.name))

    def running_units(self) -> frozenset[str]:
        """Name the instances alive now, from their process files."""
        return frozenset(name for name in self.launched_units() if self._found(name) is not None)

    async def wait_for_exit(self, unit: str) -> Ended:
        """Wait until an instance ends."""
        process = self._found(unit)
        if process is None:
            return Ended(None)
        status = await exits.wait_for_exit(process)
        return Ended(status, memory_kills=self._limiter.usage(unit, process.pid).memory_kills)

    async def stop(self, unit: str, within_s: float) -> None:
        """Ask an instance to end, force it after the delay, leave nothing of it.

        One that ended by itself may have left processes behind: they are ended too. A frozen
        one is let go on first: it could not hear.
        """
        process = last_launched(unit, self._places.process_folder(unit))
        if process is not None:
            if freezing.is_frozen(process, self._limiter):
                await freezing.thaw_sandboxed(process, self._limiter)
            await stop_sandboxed(process, within_s=within_s)
        self._forget(unit)

    async def freeze(self, unit: str) -> None:
        """Halt all of an instance; it keeps its memory and its connections."""
        process = self._found(unit)
        if process is None:
            return
        try:
            await freezing.freeze(process, self._limiter)
        except TimeoutError as error:
            raise FailedError("hosting.not_frozen", unit=unit) from error

    async def thaw(self, unit: str) -> bool:
        """Let a frozen instance go on; tell whether it does or had ended meanwhile."""
        process = self._found(unit)
        return process is not None and await freezing.thaw_sandboxed(process, self._limiter)

    def is_frozen(self, unit: str) -> bool:
        """Tell whether an instance is halted, whoever halted it."""
        process = self._found(unit)
        return process is not None and freezing.is_frozen(process, self._limiter)

    def usage(self, unit: str) -> Usage | None:
        """Tell what an instance takes now."""
        process = self._found(unit)
        if process is None:
            return None
        taken = self._limiter.usage(unit, process.pid)
        age = age_s(process.started_ticks)
        return msgspec.structs.replace(taken, launch=launch_of(process), age_s=age)

    def open_connections(self, unit: str, socket: Path) -> int:
        """Count the connections that the instance has accepted and not closed.

        The kernel lists an accepted connection in the network namespace of the one who
        connected, nginx, which is the machine's; what the instance holds open tells its own.
        """
        process = self._found(unit)
        if process is None:
            return 0
        held = {inode for row in descendants_of(process.pid) for inode in _sockets_of(row.pid)}
        rows = (line.split() for line in _UNIX_SOCKETS.read_text().splitlines()[1:])
        return sum(
            1 for row in rows if row[-1] == str(socket) and row[5] == _CONNECTED and row[6] in held
        )

    def _process_plan(self, plan: InstancePlan) -> ProcessPlan:
        return ProcessPlan(
            unit=plan.unit,
            command=plan.command,
            folder=self._places.process_folder(plan.unit),
            log_path=plan.log_path,
            environment=plan.environment,
            working_folder=plan.working_folder,
            sandbox=Sandbox(plan.mounts, network=plan.network, identity=plan.identity),
            limits=plan.limits,
        )

    def _found(self, unit: str) -> RunningProcess | None:
        return found_running(unit, self._places.process_folder(unit))

    def _forget(self, unit: str) -> None:
        self._limiter.release(unit)
        shutil.rmtree(self._places.process_folder(unit), ignore_errors=True)


def _sockets_of(pid: int) -> frozenset[str]:
    """Return the inodes of the sockets that a process holds open; none once it is gone."""
    held: set[str] = set()
    with suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                kind, _, inode = str(descriptor.readlink()).partition(":")
                if kind == "socket":
                    held.add(inode.strip("[]"))
    return frozenset(held)


def _is_instance(name: str) -> bool:
    """Tell an instance's unit (``application.number`` and its tasks) from an engine's."""
    return "." in name
