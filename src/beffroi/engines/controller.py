"""Keeps the engines running."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from beffroi.engines.model import EngineStatus, RestartEngine, planned_restarts
from beffroi.engines.ports import Engine
from beffroi.kernel.places import Places
from beffroi.kernel.processes import log_files
from beffroi.kernel.processes.exits import wait_for_exit
from beffroi.kernel.processes.model import RunningProcess


class EngineController:
    """Observes every engine and restarts the ones that ended or fell silent."""

    def __init__(self, engines: Mapping[str, Engine], places: Places) -> None:
        self._engines = engines
        self._places = places
        self._watches: dict[int, asyncio.Task[None]] = {}
        self.on_exit: Callable[[], None] = lambda: None

    async def observe(self) -> tuple[EngineStatus, ...]:
        """Read every engine's state; start their large log files anew."""
        for path in self._places.logs.glob("engines/*.log"):
            log_files.rotate(path)
        for engine in self._engines.values():
            self._watch(engine)
        return tuple([await engine.status() for engine in self._engines.values()])

    def plan(self, snapshot: tuple[EngineStatus, ...]) -> Sequence[RestartEngine]:
        """Tell which to restart."""
        return planned_restarts(snapshot)

    async def apply(self, step: RestartEngine) -> str:
        """Restart one engine."""
        engine = self._engines[step.name]
        await engine.stop()
        await engine.start()
        return f"restarted because {step.reason}"

    async def close(self) -> None:
        """Watch no more."""
        watches = tuple(self._watches.values())
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)

    def _watch(self, engine: Engine) -> None:
        process = engine.running()
        if process is not None and process.pid not in self._watches:
            task = asyncio.create_task(self._note_exit(process), name=f"watch {engine.name}")
            self._watches[process.pid] = task

    async def _note_exit(self, process: RunningProcess) -> None:
        await wait_for_exit(process)
        del self._watches[process.pid]
        self.on_exit()
