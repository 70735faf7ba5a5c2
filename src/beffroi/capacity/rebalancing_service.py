"""What people ask of rebalancing."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final

from beffroi.capacity import rebalancing_store
from beffroi.capacity.ports import Planner, Rebalancer
from beffroi.capacity.rebalanced import Rebalancing, WantedRebalancing
from beffroi.capacity.rebalancing_store import KeptRebalancing, RebalancingSummary
from beffroi.capacity.rebalancing_told import overloaded
from beffroi.capacity.uploaded_files import read_uploaded, refuse_file_count
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


class RebalancingService:
    """Finds better placements, keeps them, shows them: for those who run the platform.

    Args:
        database: Where they are kept.
        operations: In which they are made.
        planner: Reads a person's files.
        rebalancer: Looks for better placements.
        clock: Tells when one was made.
    """

    def __init__(
        self,
        database: Database,
        operations: Operations,
        planner: Planner,
        rebalancer: Rebalancer,
        clock: Clock,
    ) -> None:
        self._database = database
        self._operations = operations
        self._planner = planner
        self._rebalancer = rebalancer
        self._clock = clock

    async def rebalancings(
        self, actor: Actor, before_id: str | None = None
    ) -> Sequence[RebalancingSummary]:
        """List the newest, 50 at most."""
        actor.require(Permission.RUN_PLATFORM, "")
        async with self._database.transaction(actor.scope) as connection:
            return await rebalancing_store.newest_rebalancings(connection, before_id, _PAGE)

    async def rebalancing(self, actor: Actor, rebalancing_id: str) -> KeptRebalancing:
        """Return one.

        Raises:
            NotFoundError: There is none of that id.
        """
        actor.require(Permission.RUN_PLATFORM, "")
        async with self._database.transaction(actor.scope) as connection:
            found = await rebalancing_store.rebalancing_by_id(connection, rebalancing_id)
        if found is None:
            raise NotFoundError("capacity.rebalancing_unknown", rebalancing=rebalancing_id)
        return found

    async def make(self, actor: Actor, wanted: WantedRebalancing) -> Operation:
        """Rebalance an inventory, in the background."""

        async def given() -> WantedRebalancing:
            return wanted

        return await self._launch(actor, wanted.title, given)

    async def make_of_files(
        self, actor: Actor, title: str, files: Mapping[str, bytes], most_moves: int | None
    ) -> Operation:
        """Rebalance an inventory in a person's files, in the background.

        Args:
            actor: Who asks.
            title: What people call the rebalancing.
            files: Contents by file name.
            most_moves: As ``WantedRebalancing``.

        Raises:
            InvalidInputError: There is no file, or more than 20.
        """
        refuse_file_count(files)

        async def read() -> WantedRebalancing:
            loaded = await read_uploaded(self._planner.read, files)
            return WantedRebalancing(inventory=loaded.inventory, most_moves=most_moves)

        return await self._launch(actor, title, read)

    async def _launch(
        self, actor: Actor, title: str, read: Callable[[], Awaitable[WantedRebalancing]]
    ) -> Operation:
        actor.require(Permission.RUN_PLATFORM, "")
        named = title.strip()[:_TITLE_MOST] or f"{self._clock.now():%Y-%m-%d %H:%M}"

        async def work(progress: Progress) -> str:
            await progress.step("Reads the inventory.")
            wanted = await read()
            found = await with_steps(
                progress, partial(self._rebalancer.rebalance, wanted.inventory, wanted.most_moves)
            )
            await self._keep(actor, named, found)
            return (
                f"{len(found.moves)} moves; fuller than they may be: "
                f"{overloaded(found.hosts, after=False)} hosts before, "
                f"{overloaded(found.hosts, after=True)} after."
            )

        return await self._operations.launch(actor, "capacity.rebalance", named, "", work)

    async def _keep(self, actor: Actor, title: str, found: Rebalancing) -> None:
        now = self._clock.now()
        summary = RebalancingSummary(
            id=new_id(now),
            title=title,
            actor=actor.name,
            made_at=now,
            moves=len(found.moves),
            overload_before=found.before.load,
            overload_after=found.after.load,
            holds=found.holds,
        )
        made = Event("capacity.rebalancing_made", summary.id, "", {"title": title})
        async with self._database.transaction(actor.scope) as connection:
            await rebalancing_store.keep_rebalancing(connection, KeptRebalancing(summary, found))
            await append(connection, made)
