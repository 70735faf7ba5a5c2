"""Putting to rest what nobody uses, and waking it.

To rest: the visitors are led aside, what is open comes to its end, the decision is committed, and
then the instance is frozen or stopped. To wake: the instance goes on or is started, the visitors
are led to it, and that is committed. Whatever dies in between, a visitor led aside has the
application woken, and one led to the instance finds it running.
"""

import asyncio
import logging
from collections import defaultdict
from enum import StrEnum

import msgspec

from beffroi.hosting import store
from beffroi.hosting.environments import SOCKET
from beffroi.hosting.instances import Instances
from beffroi.hosting.launching import HostingTools
from beffroi.hosting.model import ApplicationRecord, Deployment, Rest, pause_before_restart_s
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError, ConflictError, FailedError, UnavailableError
from beffroi.kernel.log import Event, append
from beffroi.territory.model import ApplicationKind

_logger = logging.getLogger(__name__)
# A request that nginx led to the instance just before has arrived by then.
_ARRIVES_WITHIN_S = 0.2
_LEAVE_WITHIN_S = 2.0
_LOOK_PERIOD_S = 0.05
_LOOKS_WITHOUT_VISITOR = 2
_FAILURES_KEPT = 20


class WakeState(StrEnum):
    """What came of a wake."""

    AWAKE = "awake"
    STOPPED = "stopped"
    FAILED = "failed"


class Woken(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of a wake; ``reason`` where it failed."""

    state: WakeState
    seconds: float = 0.0
    reason: str = ""


class Resting:
    """Puts applications to rest and wakes them, each once however many ask."""

    def __init__(
        self, database: Database, clock: Clock, tools: HostingTools, instances: Instances
    ) -> None:
        self._database = database
        self._clock = clock
        self._tools = tools
        self._instances = instances
        self._wakes: dict[str, asyncio.Task[WakeState]] = {}
        self._failures: dict[str, list[float]] = defaultdict(list)

    async def freeze(self, name: str) -> str:
        """Halt an application until somebody needs it.

        Raises:
            ConflictError: It is in use, stopped, or runs nothing.
        """
        async with self._instances.changing(name):
            record, deployment = await self._running(name)
            if record.rest is not Rest.AWAKE:
                return f"instance {deployment.unit} rests already"
            await self._lead_aside(deployment)
            await self._commit(deployment, Rest.FROZEN)
            try:
                await self._tools.runtime.freeze(deployment.unit)
            except FailedError:
                self._instances.launcher.switch_traffic(deployment)
                await self._commit(deployment, Rest.AWAKE)
                raise
        return f"instance {deployment.unit} was frozen until somebody needs it"

    async def sleep(self, name: str) -> str:
        """Stop an application until somebody needs it.

        Raises:
            ConflictError: It is in use, stopped, or runs nothing.
        """
        async with self._instances.changing(name):
            record, deployment = await self._running(name)
            if record.rest is Rest.ASLEEP:
                return f"instance {deployment.unit} sleeps already"
            await self._lead_aside(deployment)
            await self._commit(deployment, Rest.ASLEEP)
            for unit in self._instances.units_of(name):
                await self._instances.launcher.stop(unit)
        return f"instance {deployment.unit} was put to sleep until somebody needs it"

    async def wake(self, name: str) -> Woken:
        """Wake an application; whoever asks meanwhile is told the same.

        It goes on when the asker leaves.

        Raises:
            ConflictError: It was never deployed.
            FailedError: It does not start; it stays asleep.
        """
        began_s = self._clock.monotonic_s()
        task = self._wakes.get(name)
        if task is None:
            task = asyncio.create_task(self._wake(name), name=f"wake {name}")
            self._wakes[name] = task
            task.add_done_callback(lambda _: self._wakes.pop(name))
        state = await asyncio.shield(task)
        return Woken(state, round(self._clock.monotonic_s() - began_s, 4))

    async def wake_held(self, name: str) -> WakeState:
        """Wake an application that the caller is changing."""
        record, deployment = await self._instances.decided(name)
        if record is None or deployment is None:
            raise ConflictError("hosting.never_deployed", application=name)
        if record.stopped:
            return WakeState.STOPPED
        self._require_pause(record)
        try:
            await self._instances.bring_up(deployment)
        except UnavailableError:
            raise
        except BeffroiError as error:
            await self._note_failure(record, deployment, error)
            raise
        self._failures.pop(name, None)
        if record.rest is not Rest.AWAKE:
            await self._commit(deployment, Rest.AWAKE)
        return WakeState.AWAKE

    async def close(self) -> None:
        """Give up the wakes under way."""
        tasks = tuple(self._wakes.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _wake(self, name: str) -> WakeState:
        async with self._instances.changing(name):
            return await self.wake_held(name)

    async def _running(self, name: str) -> tuple[ApplicationRecord, Deployment]:
        """Return what was decided about an application of which something runs, or rests."""
        record, deployment = await self._instances.decided(name)
        if record is None or deployment is None:
            raise ConflictError("hosting.never_deployed", application=name)
        if record.stopped:
            raise ConflictError("hosting.stopped_already", application=name)
        if deployment.specification.kind is ApplicationKind.STATIC:
            raise ConflictError("hosting.nothing_to_rest", application=name)
        return record, deployment

    async def _lead_aside(self, deployment: Deployment) -> None:
        """Lead the visitors aside and wait until none is left; else lead them back."""
        name, unit = deployment.application, deployment.unit
        if name in self._instances.with_tasks():
            self._instances.note_use(name)
            raise ConflictError("hosting.job_runs", application=name)
        self._tools.traffic.rest(name)
        if unit not in self._instances.units_of(name) or self._tools.runtime.is_frozen(unit):
            return
        try:
            async with asyncio.timeout(_LEAVE_WITHIN_S):
                await self._wait_until_left(name, unit)
        except BaseException as error:
            self._instances.launcher.switch_traffic(deployment)
            self._instances.note_use(name)
            if isinstance(error, TimeoutError):
                raise ConflictError("hosting.in_use", application=name) from error
            raise

    async def _wait_until_left(self, name: str, unit: str) -> None:
        """Wait until no connection is open, twice in a row: an instance accepts one by one."""
        await asyncio.sleep(_ARRIVES_WITHIN_S)
        looks = 0
        while looks < _LOOKS_WITHOUT_VISITOR:
            if name in self._wakes:
                raise ConflictError("hosting.in_use", application=name)
            visited = self._tools.runtime.open_connections(unit, SOCKET) > 0
            looks = 0 if visited else looks + 1
            await asyncio.sleep(_LOOK_PERIOD_S)

    async def _commit(self, deployment: Deployment, rest: Rest, reason: str = "") -> None:
        async with self._database.transaction(EVERYTHING) as connection:
            await store.set_rest(connection, deployment.application, rest, reason)
            await append(
                connection,
                Event(
                    kind=f"hosting.application_{rest}",
                    subject=deployment.application,
                    organisation=deployment.organisation,
                    body={"deployment": deployment.number, "reason": reason},
                ),
            )

    def _require_pause(self, record: ApplicationRecord) -> None:
        """Refuse to start again at once what failed to start again and again."""
        now = self._clock.monotonic_s()
        ages = [now - at for at in self._failures[record.application]]
        if ages and ages[-1] < pause_before_restart_s(ages):
            raise FailedError(
                "hosting.wake_pauses",
                application=record.application,
                pause_s=round(pause_before_restart_s(ages) - ages[-1]) + 1,
                reason=record.rest_reason,
            )

    async def _note_failure(
        self, record: ApplicationRecord, deployment: Deployment, error: BeffroiError
    ) -> None:
        failures = self._failures[record.application]
        failures.append(self._clock.monotonic_s())
        del failures[:-_FAILURES_KEPT]
        if record.rest is not Rest.AWAKE:
            await self._commit(deployment, Rest.ASLEEP, str(error))
        _logger.warning("hosting subject=%s state=not-woken %s", record.application, error)
