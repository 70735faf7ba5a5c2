"""Moves what runs towards what is declared and decided."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from beffroi.hosting import store
from beffroi.hosting.deploying import Deployer
from beffroi.hosting.fingerprints import declaration_digest
from beffroi.hosting.model import (
    Act,
    Deployment,
    Hosted,
    HostingStep,
    pause_before_restart_s,
    planned_steps,
)
from beffroi.hosting.ports import Runtime, WantedApplications
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import FailedError
from beffroi.kernel.operations import Operations, OperationState, Progress
from beffroi.kernel.rights.model import PLATFORM

_logger = logging.getLogger(__name__)
_PROBE_PERIOD_S = 25.0
_SILENCES_BEFORE_RESTART = 3
_CRASHES_KEPT = 20


class HostingController:
    """Deploys what is new or changed, restarts what crashed, ends what nobody needs."""

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
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._crashes: dict[str, list[float]] = defaultdict(list)
        self._silences: dict[str, int] = {}
        self._probed_at_s = clock.monotonic_s()
        self.on_exit: Callable[[], None] = lambda: None

    async def observe(self) -> tuple[Hosted, ...]:
        """Read the declarations, the records and the machine; start large logs anew."""
        self._deployer.launcher.rotate_logs()
        wanted = await self._wanted.applications()
        async with self._database.transaction(EVERYTHING) as connection:
            records = await store.records(connection)
            serving = await store.serving(connection)
        running = self._deployer.units()
        units = {name: running.get(name, []) for name in {*wanted, *records, *running}}
        alive = [one for name, one in serving.items() if one.unit in units.get(name, ())]
        self._watch([one.unit for one in alive])
        await self._probe(alive)
        return tuple(
            Hosted(
                application=name,
                wanted=wanted.get(name),
                wanted_digest=declaration_digest(wanted[name]) if name in wanted else "",
                record=records.get(name),
                serving=serving.get(name),
                running_units=frozenset(units[name]),
                may_restart=self._may_restart(name),
                silent=_is_silent(serving.get(name), self._silences),
                busy=self._deployer.busy(name),
            )
            for name in sorted(units)
        )

    def plan(self, snapshot: tuple[Hosted, ...]) -> Sequence[HostingStep]:
        """Tell the steps."""
        return planned_steps(snapshot)

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
