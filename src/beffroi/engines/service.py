"""What people ask of the engines."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from beffroi.engines.doctor import Diagnosis, examine, log_diagnoses
from beffroi.engines.log_readers import LogReader, LogReaders
from beffroi.engines.model import EngineStatus
from beffroi.engines.ports import Engine
from beffroi.kernel.errors import NotFoundError
from beffroi.kernel.log.trimming import LogKeeper
from beffroi.kernel.operations import Operation, Operations, Progress
from beffroi.kernel.rights.model import Actor, Permission


class Findings(msgspec.Struct, frozen=True):
    """What was found of the machine and of the log."""

    diagnoses: Sequence[Diagnosis]
    log_readers: Sequence[LogReader]


class Engines:
    """Shows and restarts the engines, and examines the machine."""

    def __init__(
        self,
        engines: Mapping[str, Engine],
        operations: Operations,
        data: Path,
        log: LogKeeper,
        log_readers: LogReaders,
        *,
        joins: bool,
    ) -> None:
        self._engines = engines
        self._operations = operations
        self._data = data
        self._log = log
        self.log_readers = log_readers
        self._joins_database = joins

    async def statuses(self, actor: Actor) -> Sequence[EngineStatus]:
        """Read every engine's state."""
        actor.require(Permission.RUN_PLATFORM, "")
        return [await engine.status() for engine in self._engines.values()]

    async def restart(self, actor: Actor, name: str) -> Operation:
        """Restart one engine."""
        actor.require(Permission.RUN_PLATFORM, "")
        if name not in self._engines:
            raise NotFoundError(
                "engines.engine_unknown", engine=name, known=", ".join(self._engines)
            )
        engine = self._engines[name]

        async def work(progress: Progress) -> str:
            await progress.step("stopping")
            await engine.stop()
            await progress.step("starting")
            await engine.start()
            return f"{name} runs again."

        return await self._operations.launch(actor, "engines.restart", name, "", work)

    async def doctor(self, actor: Actor) -> Findings:
        """Examine the machine, and the log that followers read."""
        actor.require(Permission.RUN_PLATFORM, "")
        found = await examine(self._data, joins_database=self._joins_database)
        log = await self._log.state()
        return Findings((*found, *log_diagnoses(log)), self.log_readers.shown(log))
