"""Moves what runs towards what is declared and decided."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from beffroi.hosting import store
from beffroi.hosting.deploying import Deployer
from beffroi.hosting.environments import SOCKET
from beffroi.hosting.fingerprints import declaration_digest
from beffroi.hosting.model import (
    Act,
    Deployment,
    Hosted,
    HostingStep,
    Observed,
    pause_before_restart_s,
    planned_steps,
)
from beffroi.hosting.ports import Runtime, WantedApplications
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import ConflictError, FailedError
from beffroi.kernel.operations import Operations, OperationState, Progress
from beffroi.kernel.processes.memory import memory_reading
from beffroi.kernel.processes.model import MemoryReading
from beffroi.kernel.rights.model import PLATFORM
from beffroi.territory.model import Application, Hibernation

_logger = logging.getLogger(__name__)
_PROBE_PERIOD_S = 25.0
_SILENCES_BEFORE_RESTART = 3
_CRASHES_KEPT = 20
_LOOKED_AT_AFTER_S = 30.0


class HostingController:
    """Deploys what is new or changed, restarts what crashed, ends or rests what nobody needs."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        operations: Operations,
        wanted: WantedApplications,
        runtime: Runtime,
        deployer: Deployer,
    ) -> None:
        self._database = database
        self._clock = clock
        self._operations = operations
        self._wanted = wanted
        self._runtime = runtime
        self._deployer = deployer
        self._instances = deployer.instances
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._crashes: dict[str, list[float]] = defaultdict(list)
        self._silences: dict[str, int] = {}
        self._probed_at_s = clock.monotonic_s()
        self.on_exit: Callable[[], None] = lambda: None
        self.read_memory: Callable[[], MemoryReading] = memory_reading

    async def observe(self) -> Observed:
        """Read the declarations, the records and the machine; start large logs anew."""
        self._deployer.launcher.rotate_logs()
        wanted = await self._wanted.applications()
        async with self._database.transaction(EVERYTHING) as connection:
            records = await store.records(connection)
            serving = await store.serving(connection)
        running = self._instances.units()
        units = {name: running.get(name, []) for name in {*wanted, *records, *running}}
        alive = [one for name, one in serving.items() if one.unit in units.get(name, ())]
        frozen = frozenset(one.unit for one in alive if self._runtime.is_frozen(one.unit))
        self._watch([one.unit for one in alive])
        # Before the health checks: their connections are no visitors'.
        idle_s = await self._idle_s(alive, wanted)
        await self._probe([one for one in alive if one.unit not in frozen])
        return Observed(
            tuple(
                Hosted(
                    application=name,
                    wanted=wanted.get(name),
                    wanted_digest=declaration_digest(wanted[name]) if name in wanted else "",
                    record=records.get(name),
                    serving=serving.get(name),
                    running_units=frozenset(units[name]),
                    may_restart=self._may_restart(name),
                    silent=_is_silent(serving.get(name), self._silences),
                    busy=self._instances.busy(name),
                    frozen=name in serving and serving[name].unit in frozen,
                    idle_s=idle_s.get(name, 0.0),
                )
                for name in sorted(units)
            ),
            self.read_memory(),
        )

    def plan(self, snapshot: Observed) -> Sequence[HostingStep]:
        """Tell the steps."""
        return planned_steps(snapshot.applications, snapshot.memory)

    async def apply(self, step: HostingStep) -> str:
        """Take one step."""
        match step.act:
            case Act.DEPLOY:
                return await self._deploy(step.application)
            case Act.RESTART:
                self._silences.pop(step.unit, None)
                await self._deployer.restart_crashed(step.application, step.unit)
                return f"instance {step.unit} was started again"
            case Act.REAP:
                await self._deployer.reap(step.application, step.unit)
                return f"instance {step.unit} was ended: nothing needs it"
            case Act.WITHDRAW:
                await self._deployer.withdraw(step.application)
                return "withdrawn: the territory no longer names it"
            case Act.WAKE | Act.FREEZE | Act.SLEEP:
                return await self._rest(step)

    async def close(self) -> None:
        """Watch no more."""
        watches = tuple(self._watches.values())
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)

    async def _deploy(self, name: str) -> str:
        application = (await self._wanted.applications())[name]

        async def work(progress: Progress) -> str:
            return await self._deployer.deploy(PLATFORM, application, progress)

        ended = await self._operations.carry_out(
            PLATFORM, "hosting.deploy", name, application.organisation, work
        )
        if ended.state is OperationState.FAILED:
            raise FailedError("hosting.deploy_failed", application=name, operation=ended.id)
        return ended.outcome

    async def _rest(self, step: HostingStep) -> str:
        """Put to rest; what came into use since it was looked at is left as it is."""
        resting = self._deployer.resting
        if step.act is Act.WAKE:
            await resting.wake(step.application)
            return "woken: it was left half at rest"
        verb = resting.freeze if step.act is Act.FREEZE else resting.sleep
        try:
            return await verb(step.application)
        except ConflictError as error:
            return f"not put to rest: {error.message()}"

    async def _idle_s(
        self, alive: Sequence[Deployment], wanted: Mapping[str, Application]
    ) -> Mapping[str, float]:
        """Tell how long each running application has been idle; none where nobody tells visits."""
        visits = self._deployer.visits
        if visits is None:
            return {}
        last = await visits.last_visits()
        for name in self._instances.with_tasks():
            self._instances.note_use(name)
        return {
            one.application: self._idle_of(
                one, last.get(one.application), wanted[one.application].hibernation
            )
            for one in alive
            if one.application in wanted
        }

    def _idle_of(
        self, deployment: Deployment, visited_at: datetime | None, rules: Hibernation
    ) -> float:
        """Tell how long one application has been idle; look at it closely when that counts."""
        name = deployment.application
        if self._instances.busy(name):
            self._instances.note_use(name)
        idle_s = self._instances.idle_s(name)
        if visited_at is not None:
            idle_s = min(idle_s, max(0.0, (self._clock.now() - visited_at).total_seconds()))
        if idle_s < min(_LOOKED_AT_AFTER_S, rules.freeze_after_s or _LOOKED_AT_AFTER_S):
            return idle_s
        if self._runtime.open_connections(deployment.unit, SOCKET):
            self._instances.note_use(name)
            return 0.0
        return idle_s

    async def _probe(self, serving: Sequence[Deployment]) -> None:
        """Ask each running instance for its health page, every half minute at most."""
        now = self._clock.monotonic_s()
        if now - self._probed_at_s < _PROBE_PERIOD_S:
            return
        self._probed_at_s = now
        answers = await asyncio.gather(*map(self._deployer.launcher.is_healthy, serving))
        self._silences = {
            one.unit: 0 if healthy else self._silences.get(one.unit, 0) + 1
            for one, healthy in zip(serving, answers, strict=True)
        }

    def _watch(self, units: Sequence[str]) -> None:
        for unit in units:
            if unit not in self._watches:
                task = asyncio.create_task(self._note_exit(unit), name=f"watch {unit}")
                self._watches[unit] = task

    async def _note_exit(self, unit: str) -> None:
        ended = await self._runtime.wait_for_exit(unit)
        del self._watches[unit]
        if not self._deployer.launcher.was_stopped(unit):
            crashes = self._crashes[unit.partition(".")[0]]
            crashes.append(self._clock.monotonic_s())
            del crashes[:-_CRASHES_KEPT]
        _logger.info(
            "hosting unit=%s state=ended status=%s memory_kills=%s",
            unit,
            "unknown" if ended.status is None else ended.status,
            ended.memory_kills,
        )
        self.on_exit()

    def _may_restart(self, name: str) -> bool:
        now = self._clock.monotonic_s()
        ages = [now - at for at in self._crashes[name]]
        if not ages:
            return True
        pause_s = pause_before_restart_s(ages)
        if ages[-1] < pause_s:
            asyncio.get_running_loop().call_later(pause_s - ages[-1], self.on_exit)
            return False
        return True


def _is_silent(serving: Deployment | None, silences: Mapping[str, int]) -> bool:
    unit = "" if serving is None else serving.unit
    return silences.get(unit, 0) >= _SILENCES_BEFORE_RESTART
