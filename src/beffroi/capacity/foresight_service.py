"""What people ask of the years ahead of a plan that is kept."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import msgspec

from beffroi.capacity import foresight_store
from beffroi.capacity.foresight_terms import (
    KeptForesight,
    Start,
    WantedChange,
    WantedForesight,
    foresight_request,
    started,
)
from beffroi.capacity.growth import Foresight, WhatIf, changed
from beffroi.capacity.model import Inventory
from beffroi.capacity.newcomers import joining
from beffroi.capacity.outcomes import told_what_if
from beffroi.capacity.ports import Planner
from beffroi.capacity.service import CapacityService
from beffroi.capacity.store import KeptPlan
from beffroi.capacity.uploaded_files import read_uploaded, refuse_file_count
from beffroi.capacity.wanted_plan import WantedPlan
from beffroi.capacity.worker_steps import with_steps
from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database
from beffroi.kernel.errors import NotFoundError
from beffroi.kernel.log import Event, append
from beffroi.kernel.operations import Operation, Operations, Progress
from beffroi.kernel.rights.model import Actor, Permission


class Ahead(msgspec.Struct, frozen=True):
    """A plan, and what was foreseen of it last, if anything."""

    kept: KeptPlan
    foresight: KeptForesight | None


class ForesightService:
    """Looks ahead, and plans anew for what may happen: for those who run the platform."""

    def __init__(
        self,
        database: Database,
        operations: Operations,
        planner: Planner,
        capacity: CapacityService,
        clock: Clock,
    ) -> None:
        self._database = database
        self._operations = operations
        self._planner = planner
        self._capacity = capacity
        self._clock = clock

    async def ahead(self, actor: Actor, plan_id: str, start: Start) -> Ahead:
        """Return a plan with its foresight.

        Raises:
            NotFoundError: There is no such plan.
        """
        kept = await self._capacity.plan(actor, plan_id)
        return Ahead(kept, await self._newest(actor, plan_id, start))

    async def foresight(self, actor: Actor, plan_id: str, start: Start) -> KeptForesight:
        """Return what was foreseen of a plan.

        Raises:
            NotFoundError: Nothing was.
        """
        actor.require(Permission.RUN_PLATFORM, "")
        found = await self._newest(actor, plan_id, start)
        if found is None:
            raise NotFoundError("capacity.foresight_missing", plan=plan_id)
        return found

    async def foresee(self, actor: Actor, plan_id: str, wanted: WantedForesight) -> Operation:
        """Look ahead in the background, and keep what is found."""
        kept = await self._capacity.plan(actor, plan_id)
        request = foresight_request(kept.plan, wanted)

        async def work(progress: Progress) -> str:
            found = await with_steps(progress, partial(self._planner.foresee, request))
            await self._keep(actor, plan_id, wanted, found)
            return _told_outcome(found)

        title = kept.summary.title
        return await self._operations.launch(actor, "capacity.foresee", title, "", work)

    async def what_if(
        self, actor: Actor, plan_id: str, wanted: WantedChange, language: Language
    ) -> Operation:
        """Plan anew for a change, in the background; the title tells it.

        Raises:
            InvalidInputError: The host or the site is unknown, or the site is the last.
        """
        kept = await self._capacity.plan(actor, plan_id)
        inventory = changed(started(kept.plan, wanted.start), wanted.what_if)
        title = _title_of(kept, told_what_if(wanted.what_if, language), language)
        return await self._capacity.make(actor, WantedPlan(title, inventory))

    async def joins(
        self,
        actor: Actor,
        plan_id: str,
        start: Start,
        files: Mapping[str, bytes],
        language: Language,
    ) -> Operation:
        """Plan anew with the workloads of a person's files, in the background.

        Raises:
            InvalidInputError: There is no file, or too many.
        """
        kept = await self._capacity.plan(actor, plan_id)
        refuse_file_count(files)
        change = sentence(language, "capacity.what_ifs.files_join", names=", ".join(sorted(files)))
        title = _title_of(kept, change, language)
        read = self._with_those_of(started(kept.plan, start), files, title)
        return await self._capacity.make_when_read(actor, title, read)

    def _with_those_of(
        self, inventory: Inventory, files: Mapping[str, bytes], title: str
    ) -> Callable[[], Awaitable[WantedPlan]]:
        async def read() -> WantedPlan:
            theirs = await read_uploaded(self._planner.read_newcomers, files)
            newcomers: WhatIf = joining(theirs.inventory, inventory)
            return WantedPlan(title, changed(inventory, newcomers))

        return read

    async def _newest(self, actor: Actor, plan_id: str, start: Start) -> KeptForesight | None:
        async with self._database.transaction(actor.scope) as connection:
            return await foresight_store.foresight_of(connection, plan_id, start)

    async def _keep(
        self, actor: Actor, plan_id: str, wanted: WantedForesight, found: Foresight
    ) -> None:
        kept = KeptForesight(
            plan_id=plan_id,
            actor=actor.name,
            made_at=self._clock.now(),
            wanted=wanted,
            found=found,
        )
        event = Event("capacity.foreseen", plan_id, "", {"start": wanted.start.value})
        async with self._database.transaction(actor.scope) as connection:
            await foresight_store.keep_foresight(connection, kept)
            await append(connection, event)


def _title_of(kept: KeptPlan, change: str, language: Language) -> str:
    title = kept.summary.title
    return sentence(language, "capacity.what_ifs.title", plan=title, change=change)


def _told_outcome(found: Foresight) -> str:
    room, months = found.room, found.runway.full_after_months
    until = "all months fit" if months is None else f"the last month that fits is month {months}"
    return f"Room for {room.with_moves} more standard workloads; {until}."
