"""What runs for each application: one change at a time, started, drained, ended."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping

from beffroi.hosting import store
from beffroi.hosting.launching import HostingTools, Launcher
from beffroi.hosting.model import ApplicationRecord, Deployment, Rest, is_instance
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import ConflictError
from beffroi.territory.model import ApplicationKind

_logger = logging.getLogger(__name__)


class Instances:
    """The instances of every application, and what is known of them beyond the machine."""

    def __init__(self, database: Database, clock: Clock, tools: HostingTools) -> None:
        self._database = database
        self._clock = clock
        self._runtime = tools.runtime
        self.launcher = Launcher(tools)
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._drains: set[asyncio.Task[None]] = set()
        self._draining_units: set[str] = set()
        self._starting_again: set[str] = set()
        self._used_at_s: dict[str, float] = {}
        self._began_s = clock.monotonic_s()

    def changing(self, name: str) -> asyncio.Lock:
        """Return the lock under which an application is changed."""
        return self._locks[name]

    def busy(self, name: str) -> bool:
        """Tell whether an application is being changed."""
        return self._locks[name].locked()

    def note_use(self, name: str) -> None:
        """Note that an application is in use now: idle time counts from here."""
        self._used_at_s[name] = self._clock.monotonic_s()

    def idle_s(self, name: str) -> float:
        """Tell how long ago an application was seen in use, or the platform started."""
        return self._clock.monotonic_s() - self._used_at_s.get(name, self._began_s)

    def starts_again(self, name: str) -> bool:
        """Tell whether an application's instance runs but was not yet found healthy."""
        return name in self._starting_again

    def units(self) -> Mapping[str, list[str]]:
        """Name every application's instances alive now, but for those that drain."""
        found: dict[str, list[str]] = defaultdict(list)
        for unit in sorted(self._runtime.running_units() - self._draining_units):
            if is_instance(unit):
                found[unit.partition(".")[0]].append(unit)
        return found

    def units_of(self, name: str) -> list[str]:
        """Name an application's instances alive now, but for those that drain."""
        return self.units().get(name, [])

    def with_tasks(self) -> frozenset[str]:
        """Name the applications of which a job runs, or another short command."""
        units = self._runtime.running_units()
        return frozenset(unit.partition(".")[0] for unit in units if not is_instance(unit))

    async def record(self, deployment: Deployment) -> ApplicationRecord:
        """Return the record of a deployment's application."""
        async with self._database.transaction(EVERYTHING) as connection:
            return await store.ensure_record(
                connection, deployment.application, deployment.organisation
            )

    async def decided(self, name: str) -> tuple[ApplicationRecord | None, Deployment | None]:
        """Return what was decided about an application, and the deployment that serves it."""
        async with self._database.transaction(EVERYTHING) as connection:
            return (
                (await store.records(connection)).get(name),
                (await store.serving(connection)).get(name),
            )

    async def serving(self, name: str) -> Deployment:
        """Return the deployment that serves an application, or did when it was stopped."""
        _, found = await self.decided(name)
        if found is None:
            raise ConflictError("hosting.never_deployed", application=name)
        return found

    async def unit_needed(self, name: str) -> str:
        """Name the instance that an application needs now; none while it is stopped or asleep."""
        record, serving = await self.decided(name)
        if record is None or serving is None or record.stopped or record.rest is Rest.ASLEEP:
            return ""
        return serving.unit

    async def bring_up(self, deployment: Deployment) -> None:
        """Have a deployment's instance run, thawed or started, and lead the visitors to it."""
        if await self._runtime.thaw(deployment.unit):
            self.note_use(deployment.application)
            self.launcher.switch_traffic(deployment)
        else:
            await self.run_again(deployment)

    async def run_again(self, deployment: Deployment) -> None:
        """Start a deployment's instance again, prove it healthy, lead the visitors to it."""
        if deployment.specification.kind is not ApplicationKind.STATIC:
            record = await self.record(deployment)
            self._starting_again.add(deployment.application)
            try:
                await self.launcher.restart(deployment, record.uid_number)
            finally:
                self._starting_again.discard(deployment.application)
        self.note_use(deployment.application)
        self.launcher.switch_traffic(deployment)

    def drain_in_background(self, unit: str) -> None:
        """Let an instance finish what it answers, then end it."""
        self._draining_units.add(unit)
        task = asyncio.create_task(self.launcher.drain(unit), name=f"drain {unit}")
        self._drains.add(task)

        def forget(done: asyncio.Task[None]) -> None:
            self._drains.discard(done)
            self._draining_units.discard(unit)
            if not done.cancelled() and done.exception() is not None:
                _logger.error("BUG in drain unit=%s", unit, exc_info=done.exception())

        task.add_done_callback(forget)

    async def stop_all(self) -> None:
        """Stop every instance at once; the next start runs them again."""
        units = self._runtime.running_units()
        await asyncio.gather(*(self.launcher.stop(unit) for unit in units))

    async def close(self) -> None:
        """Wait no longer for the instances that drain; what still runs is stopped next."""
        for drain in self._drains:
            drain.cancel()
        await asyncio.gather(*self._drains, return_exceptions=True)
