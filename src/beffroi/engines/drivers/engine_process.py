"""What the drivers of started engines share: one process, found again, watched by its log."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress

from beffroi.engines.model import EngineState, EngineStatus
from beffroi.kernel.errors import UnavailableError
from beffroi.kernel.places import Places
from beffroi.kernel.processes import log_files
from beffroi.kernel.processes.exits import wait_for_exit
from beffroi.kernel.processes.launch import found_running, is_alive, last_launched, launch
from beffroi.kernel.processes.limits.rlimits import RlimitLimiter
from beffroi.kernel.processes.model import ProcessPlan, RunningProcess
from beffroi.kernel.processes.stopping import kill, stop
from beffroi.kernel.processes.tables import children_of, descendants_of

_POLL_S = 0.02
_LINES_TOLD = 8


class EngineProcess:
    """The process of one engine, in a sandbox or not."""

    def __init__(self, name: str, places: Places, *, sandboxed: bool) -> None:
        self.name = name
        self._sandboxed = sandboxed
        self.folder = places.process_folder(name)
        self.log_path = places.logs / "engines" / f"{name}.log"

    def running(self) -> RunningProcess | None:
        """Find the process, whoever started it."""
        return found_running(self.name, self.folder)

    def main_pid(self, process: RunningProcess) -> int:
        """Return the engine's own pid, below bubblewrap when it is sandboxed."""
        if not self._sandboxed:
            return process.pid
        first = children_of(process.pid)
        inner = children_of(first[0]) if first else []
        return inner[0] if inner else process.pid

    async def start(
        self, plan: ProcessPlan, answers: Callable[[], Awaitable[bool]], within_s: float
    ) -> None:
        """Launch the plan's process and wait until it answers.

        The one before is collected first: PostgreSQL takes an ended process that nobody
        collected for one that still runs.
        """
        earlier = last_launched(self.name, self.folder)
        if earlier is not None and not is_alive(earlier):
            await wait_for_exit(earlier)
        process = self.running() or launch(plan, RlimitLimiter(self.name))
        try:
            async with asyncio.timeout(within_s):
                while not await answers():
                    if not is_alive(process):
                        raise self._did_not_start("it ended")
                    await asyncio.sleep(_POLL_S)
        except TimeoutError as error:
            raise self._did_not_start(f"no answer after {within_s:.0f} s") from error

    async def stop(self, sign: signal.Signals, within_s: float) -> None:
        """Ask the engine to end, then force it; end what a dead one left behind."""
        process = last_launched(self.name, self.folder)
        if process is None:
            return
        if not is_alive(process):
            await wait_for_exit(process)
            return
        main = self.main_pid(process)
        if main == process.pid:
            await stop(process, within_s=within_s, sign=sign)
            return
        with suppress(ProcessLookupError):
            os.kill(main, sign)
        try:
            async with asyncio.timeout(within_s):
                await wait_for_exit(process)
        except TimeoutError:
            await kill(process)

    def told(self, version: str, address: str, *, answers: bool, silences: int) -> EngineStatus:
        """Describe the engine's process."""
        process = self.running()
        if process is None:
            return EngineStatus(self.name, version, address, EngineState.STOPPED)
        rows = descendants_of(process.pid)
        return EngineStatus(
            self.name,
            version,
            address,
            EngineState.ANSWERS if answers else EngineState.SILENT,
            pid=self.main_pid(process),
            memory_bytes=sum(row.resident_bytes for row in rows),
            cpu_s=sum(row.cpu_s for row in rows),
            silences=silences,
        )

    def _did_not_start(self, reason: str) -> UnavailableError:
        lines = log_files.last_lines(self.log_path, _LINES_TOLD)
        return UnavailableError(
            "engines.did_not_start", engine=self.name, reason=reason, lines="\n".join(lines)
        )
