"""Keeps the engines running."""

from collections.abc import Mapping, Sequence

from beffroi.engines.model import EngineStatus, RestartEngine, planned_restarts
from beffroi.engines.ports import Engine
from beffroi.kernel.places import Places
from beffroi.kernel.processes import log_files


class EngineController:
    """Observes every engine and restarts the ones that ended or fell silent."""

    def __init__(self, engines: Mapping[str, Engine], places: Places) -> None:
        self._engines = engines
        self._places = places

    async def observe(self) -> tuple[EngineStatus, ...]:
        """Read every engine's state; start their large log files anew."""
        for path in self._places.logs.glob("*/*.log"):
            log_files.rotate(path)
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
