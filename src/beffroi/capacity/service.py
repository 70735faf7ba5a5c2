"""What people ask of capacity."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from beffroi.capacity import store
from beffroi.capacity.model import Decision, Inventory, Plan
from beffroi.capacity.ports import Planner
from beffroi.capacity.savings import savings_of_plan
from beffroi.capacity.savings_terms import Savings
from beffroi.capacity.store import KeptPlan, PlanSummary
from beffroi.capacity.wanted_plan import WantedPlan
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database
from beffroi.kernel.errors import InvalidInputError, NotFoundError
from beffroi.kernel.ids import new_id
from beffroi.kernel.log import Event, append
from beffroi.kernel.operations import Operation, Operations, Progress
from beffroi.kernel.processes import workers
from beffroi.kernel.rights.model import Actor, Permission

_PAGE: Final = 50
_FILES_MOST: Final = 20
_TITLE_MOST: Final = 120
# Such a file names the others, which stand beside it.
_PLAN_FILES: Final = frozenset({".yaml", ".yml"})


class CapacityService:
    """Makes plans, keeps them, shows them: for those who run the platform."""

    def __init__(
        self, database: Database, operations: Operations, planner: Planner, clock: Clock
    ) -> None:
        self._database = database
        self._operations = operations
        self._planner = planner
        self._clock = clock

    async def plans(self, actor: Actor, before_id: str | None = None) -> Sequence[PlanSummary]:
        """List the newest plans, 50 at most."""
        actor.require(Permission.RUN_PLATFORM, "")
        async with self._database.transaction(actor.scope) as connection:
            return await store.newest_plans(connection, before_id, _PAGE)

    async def plan(self, actor: Actor, plan_id: str) -> KeptPlan:
        """Return one plan.

        Raises:
            NotFoundError: There is none of that id.
        """
        actor.require(Permission.RUN_PLATFORM, "")
        async with self._database.transaction(actor.scope) as connection:
            found = await store.plan_by_id(connection, plan_id)
        if found is None:
            raise NotFoundError("capacity.plan_unknown", plan=plan_id)
        return found

    async def forget(self, actor: Actor, plan_id: str) -> Operation:
        """Delete a plan."""
        kept = await self.plan(actor, plan_id)

        async def work(_: Progress) -> str:
            async with self._database.transaction(actor.scope) as connection:
                await store.forget_plan(connection, plan_id)
            return f"Forgot the plan of {kept.summary.made_at:%Y-%m-%d %H:%M}."

        return await self._operations.carry_out(
            actor, "capacity.forget", kept.summary.title, "", work
        )

    async def make(self, actor: Actor, wanted: WantedPlan) -> Operation:
        """Plan for an inventory, in the background."""

        async def given() -> WantedPlan:
            return wanted

        return await self._launch(actor, wanted.title, given)

    async def make_of_files(
        self, actor: Actor, title: str, files: Mapping[str, bytes]
    ) -> Operation:
        """Plan for an inventory in a person's files, in the background.

        Args:
            actor: Who asks.
            title: What people call the plan.
            files: Contents by file name.

        Raises:
            InvalidInputError: There is no file, or more than 20.
        """
        if not 1 <= len(files) <= _FILES_MOST:
            raise InvalidInputError("capacity.files_count", count=len(files), most=_FILES_MOST)

        async def read() -> WantedPlan:
            with TemporaryDirectory(prefix="beffroi-plan-") as folder:
                paths = [Path(folder) / Path(name).name for name in files]
                for path, content in zip(paths, files.values(), strict=True):
                    await asyncio.to_thread(path.write_bytes, content)
                declared = [path for path in paths if path.suffix in _PLAN_FILES]
                loaded = await self._planner.read(declared or paths)
                return WantedPlan(title, loaded.inventory, loaded.savings)

        return await self._launch(actor, title, read)

    async def _launch(
        self, actor: Actor, title: str, read: Callable[[], Awaitable[WantedPlan]]
    ) -> Operation:
        actor.require(Permission.RUN_PLATFORM, "")
        named = title.strip()[:_TITLE_MOST] or f"{self._clock.now():%Y-%m-%d %H:%M}"

        async def work(progress: Progress) -> str:
            await progress.step("Reads the inventory.")
            wanted = await read()
            plan = await self._planned(wanted.inventory, progress)
            savings = (
                await asyncio.to_thread(savings_of_plan, plan, wanted.savings)
                if wanted.savings
                else None
            )
            kept = await self._keep(actor, named, plan, savings)
            return (
                f"{kept.hosts_after} hosts instead of {kept.hosts_before}; "
                f"the bound is {plan.proof.bound.hosts}."
            )

        return await self._operations.launch(actor, "capacity.plan", named, "", work)

    async def _planned(self, inventory: Inventory, progress: Progress) -> Plan:
        """Plan, telling the newest step of the worker as the operation's."""
        newest: asyncio.Queue[workers.Progress] = asyncio.Queue()

        async def tell() -> None:
            while True:
                told = await newest.get()
                while not newest.empty():
                    told = newest.get_nowait()
                await progress.step(f"{told.share:.0%}: {told.doing}")

        telling = asyncio.create_task(tell())
        try:
            return await self._planner.plan(inventory, newest.put_nowait)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def _keep(
        self, actor: Actor, title: str, plan: Plan, savings: Savings | None
    ) -> PlanSummary:
        now = self._clock.now()
        summary = PlanSummary(
            id=new_id(now),
            title=title,
            actor=actor.name,
            made_at=now,
            hosts_before=sum(one.decision is not Decision.BUY for one in plan.hosts),
            hosts_after=len(plan.used_hosts),
            gap=plan.proof.gap,
            holds=plan.proof.holds,
        )
        made = Event("capacity.plan_made", summary.id, "", {"title": title})
        async with self._database.transaction(actor.scope) as connection:
            await store.keep_plan(connection, KeptPlan(summary, plan, savings))
            await append(connection, made)
        return summary
