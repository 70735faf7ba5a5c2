"""What people ask of capacity."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final

from beffroi.capacity import store
from beffroi.capacity.inventories.loaded import Remarks
from beffroi.capacity.model import Decision
from beffroi.capacity.planned_savings import PlanWithSavings, planned_with_savings
from beffroi.capacity.ports import Planner
from beffroi.capacity.store import KeptPlan, PlanSummary
from beffroi.capacity.uploaded_files import read_uploaded, refuse_file_count
from beffroi.capacity.wanted_plan import WantedPlan
from beffroi.capacity.worker_steps import with_steps
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database
from beffroi.kernel.errors import NotFoundError
from beffroi.kernel.ids import new_id
from beffroi.kernel.log import Event, append
from beffroi.kernel.operations import Operation, Operations, Progress
from beffroi.kernel.rights.model import Actor, Permission

_PAGE: Final = 50
_TITLE_MOST: Final = 120


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

        return await self.make_when_read(actor, wanted.title, given)

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
        refuse_file_count(files)

        async def read() -> WantedPlan:
            return WantedPlan.of(title, await read_uploaded(self._planner.read, files))

        return await self.make_when_read(actor, title, read)

    async def make_when_read(
        self, actor: Actor, title: str, read: Callable[[], Awaitable[WantedPlan]]
    ) -> Operation:
        """Plan in the background for what is then read, under this title."""
        actor.require(Permission.RUN_PLATFORM, "")
        named = title.strip()[:_TITLE_MOST] or f"{self._clock.now():%Y-%m-%d %H:%M}"

        async def work(progress: Progress) -> str:
            await progress.step("Reads the inventory.")
            wanted = await read()
            made = await with_steps(progress, partial(planned_with_savings, self._planner, wanted))
            kept = await self._keep(actor, named, made, wanted.remarks)
            return (
                f"{kept.hosts_after} hosts instead of {kept.hosts_before}; "
                f"the bound is {made.plan.proof.bound.hosts}."
            )

        return await self._operations.launch(actor, "capacity.plan", named, "", work)

    async def _keep(
        self, actor: Actor, title: str, made: PlanWithSavings, remarks: Remarks
    ) -> PlanSummary:
        now, plan = self._clock.now(), made.plan
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
        kept = KeptPlan(summary, plan, made.savings, remarks)
        async with self._database.transaction(actor.scope) as connection:
            await store.keep_plan(connection, kept)
            event = Event("capacity.plan_made", summary.id, "", {"title": title})
            await append(connection, event)
        return summary
