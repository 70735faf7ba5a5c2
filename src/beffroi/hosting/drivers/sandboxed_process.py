"""Instances as bubblewrap sandboxes on this machine."""

import asyncio
from pathlib import Path
from typing import ClassVar

from beffroi.hosting.ports import Ended, InstancePlan, RuntimeCapabilities
from beffroi.kernel.places import Places
from beffroi.kernel.processes import exits
from beffroi.kernel.processes.launch import found_running, launch
from beffroi.kernel.processes.limits import Limiter
from beffroi.kernel.processes.model import ProcessPlan, RunningProcess, Sandbox, Usage
from beffroi.kernel.processes.stopping import kill, stop_sandboxed
from beffroi.kernel.processes.tables import children_of

_CONNECTED = "03"


class SandboxedProcessRuntime:
    """Runs each instance in namespaces of its own, under its limits.

    Instances outlive the platform: their process files tell the next one that they run.
    """

    capabilities: ClassVar[RuntimeCapabilities] = RuntimeCapabilities(
        name="sandboxed process", own_user=True, whole_unit_limits=True
    )

    def __init__(self, places: Places, limiter: Limiter) -> None:
        self._places = places
        self._limiter = limiter

    def launch(self, plan: InstancePlan) -> None:
        """Start an instance."""
        launch(self._process_plan(plan), self._limiter)

    async def run(self, plan: InstancePlan, deadline_s: float) -> Ended:
        """Run a command to its end; kill all of it at the deadline, or when cancelled."""
        process = launch(self._process_plan(plan), self._limiter)
        timed_out = False
        try:
            status = await asyncio.wait_for(exits.wait_for_exit(process), deadline_s)
        except TimeoutError:
            timed_out = True
            status = await kill(process)
        except asyncio.CancelledError:
            await kill(process)
            self._limiter.release(plan.unit)
            raise
        kills = self._limiter.usage(plan.unit, process.pid).memory_kills
        self._forget(plan.unit)
        return Ended(status, timed_out, kills)

    def running_units(self) -> frozenset[str]:
        """Name the instances alive now, from their process files."""
        folder = self._places.process_folder("any").parent
        if not folder.is_dir():
            return frozenset()
        names = (entry.name for entry in folder.iterdir() if _is_instance(entry.name))
        return frozenset(name for name in names if self._found(name) is not None)

    async def wait_for_exit(self, unit: str) -> Ended:
        """Wait until an instance ends."""
        process = self._found(unit)
        if process is None:
            return Ended(None)
        status = await exits.wait_for_exit(process)
        return Ended(status, memory_kills=self._limiter.usage(unit, process.pid).memory_kills)

    async def stop(self, unit: str, within_s: float) -> None:
        """Ask an instance to end, force it after the delay, leave nothing of it."""
        process = self._found(unit)
        if process is not None:
            await stop_sandboxed(process, within_s=within_s)
        self._forget(unit)

    def usage(self, unit: str) -> Usage | None:
        """Tell what an instance takes now."""
        process = self._found(unit)
        return None if process is None else self._limiter.usage(unit, process.pid)

    def open_connections(self, unit: str, socket: Path) -> int:
        """Count the accepted connections in the instance's own table of unix sockets."""
        process = self._found(unit)
        inside = [] if process is None else children_of(process.pid)
        if not inside:
            return 0
        table = Path(f"/proc/{inside[0]}/net/unix")
        rows = (line.split() for line in table.read_text().splitlines()[1:])
        return sum(1 for row in rows if row[-1] == str(socket) and row[5] == _CONNECTED)

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
        folder = self._places.process_folder(unit)
        for name in ("pid", "passwd", "group"):
            (folder / name).unlink(missing_ok=True)
        if folder.is_dir():
            folder.rmdir()


def _is_instance(name: str) -> bool:
    """Tell an instance's unit (``application.number`` and its tasks) from an engine's."""
    return "." in name
