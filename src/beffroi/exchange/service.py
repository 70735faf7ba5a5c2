"""What people and programs ask of the exchange's entities."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from beffroi.exchange import store
from beffroi.exchange.asking import finding
from beffroi.exchange.asking import store as asked_store
from beffroi.exchange.asking.indexes import AskedIndexes
from beffroi.exchange.asking.question import Page, Question, Window
from beffroi.exchange.asking.reach import OWN_DATA, DataGuard, Realm, asking, reach_of
from beffroi.exchange.errors import (
    AlreadyExistsError,
    NonexistentTenantError,
    ResourceNotFoundError,
)
from beffroi.exchange.map.grid import MapGrid
from beffroi.exchange.model import Entity
from beffroi.exchange.representation.changing import Changed, alive
from beffroi.exchange.writing.committing import Command, Decide, EntityWriter, Outcome, Passes
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Connection, Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import UnavailableError
from beffroi.kernel.log import GroupCommit
from beffroi.kernel.rights.model import Actor, Permission

_AT_ONCE: Final = 1_000
"""Wishes of one asker that may wait for the writer: others have to find room beside them."""


class Wish(msgspec.Struct, frozen=True, eq=False):
    """A change of one entity among many.

    Attributes:
        decide: As of ``Command``.
        is_judged: As of ``Command``.
    """

    id: str
    decide: Decide
    is_judged: bool = True


class Exchange:
    """Entities: created, changed, deleted, found; whose commits are shared by all who write.

    ``run`` must be running for a write to end.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        passes: Passes | None = None,
        guard: DataGuard = OWN_DATA,
    ) -> None:
        self._database = database
        self._clock = clock
        self._guard = guard
        self._indexes = AskedIndexes(database)
        self._map_grid = MapGrid(database)
        self._writer = GroupCommit(
            database, EVERYTHING, EntityWriter(clock, passes).write, size=len
        )

    async def run(self) -> None:
        """Commit what is asked until cancelled; keep up what questions and maps need."""
        beside = [asyncio.create_task(one.run()) for one in (self._indexes, self._map_grid)]
        try:
            await self._writer.run()
        finally:
            for task in beside:
                task.cancel()

    async def create(self, actor: Actor, tenant: str, entity: Entity) -> None:
        """Add an entity.

        Raises:
            AlreadyExistsError: There is one of its id.
        """

        def decide(held: Entity | None) -> Entity:
            if held is not None:
                raise AlreadyExistsError("exchange.entity_exists", id=entity.id)
            return entity

        await self._done(actor, tenant, Wish(entity.id, decide))

    async def change(
        self, actor: Actor, tenant: str, entity_id: str, change: Callable[[Entity], Changed]
    ) -> Changed:
        """Change an entity by what the request says.

        Args:
            actor: Who asks.
            tenant: Whose entity.
            entity_id: Which.
            change: Made of what is there when its turn comes; may be called again.

        Raises:
            ResourceNotFoundError: There is none of that id.
            BadRequestDataError: The change does not fit what is there.
        """
        made: list[Changed] = []

        def decide(held: Entity | None) -> Entity:
            if held is None:
                raise ResourceNotFoundError("exchange.entity_unknown", id=entity_id)
            made.append(change(held))
            return made[-1].entity

        await self._done(actor, tenant, Wish(entity_id, decide))
        return made[-1]

    async def delete(
        self, actor: Actor, tenant: str, entity_id: str, refuse: Callable[[Entity], None]
    ) -> None:
        """Delete an entity; its history stays.

        Args:
            actor: Who asks.
            tenant: Whose entity.
            entity_id: Which.
            refuse: Raises where it may not be, as it is when its turn comes.

        Raises:
            ResourceNotFoundError: There is none of that id.
        """
        await self._done(actor, tenant, deletion(entity_id, refuse))

    async def carry_out(
        self, actor: Actor, tenant: str, wishes: Sequence[Wish]
    ) -> Sequence[Outcome]:
        """Carry wishes out in their order, each by itself; return what became of each."""
        actor.require(Permission.WRITE_DATA, actor.organisation)
        scope, account = actor.scope, actor.name
        outcomes: list[Outcome] = []
        for start in range(0, len(wishes), _AT_ONCE):
            commands = [
                Command(
                    tenant=tenant,
                    id=one.id,
                    scope=scope,
                    decide=one.decide,
                    account=account,
                    is_judged=one.is_judged,
                )
                for one in wishes[start : start + _AT_ONCE]
            ]
            outcomes += await self._committed(commands)
        return outcomes

    async def _committed(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        """Commit commands together; where that fails, each alone, so that one fails no other.

        What is no outcome of one of them is raised once all of them have ended.
        """
        try:
            return await self._writer.submit(commands)
        except UnavailableError:
            raise
        except Exception:
            if len(commands) == 1:
                raise
        alone = await asyncio.gather(
            *(self._writer.submit([one]) for one in commands), return_exceptions=True
        )
        outcomes: list[Outcome] = []
        for one in alone:
            if isinstance(one, BaseException):
                raise one
            outcomes += one
        return outcomes

    async def entity(self, actor: Actor, tenant: str, entity_id: str) -> Entity:
        """Return an entity.

        Raises:
            ResourceNotFoundError: There is none of that id that the actor may see.
            NonexistentTenantError: Nothing was ever kept under that tenant.
        """
        realm = await self._guard.realm(actor, tenant)
        async with asking(self._database, realm.reach) as connection:
            held = await asked_store.entity_by_id(connection, realm, entity_id)
            entity = None if held is None else alive(held.entity, self._clock.now())
            if held is None or entity is None:
                await _refuse_unknown(connection, tenant)
                raise ResourceNotFoundError("exchange.entity_unknown", id=entity_id)
        await self._guard.note(actor, tenant, "retrieve", [(held.organisation, entity)])
        return entity

    async def page(self, actor: Actor, tenant: str, question: Question, window: Window) -> Page:
        """Return some of the entities that are asked for.

        Raises:
            NonexistentTenantError: Nothing was ever kept under that tenant.
            TooComplexQueryError: Too many would have to be sorted, or the answer took too long.
        """
        realm, now = await self._guard.realm(actor, tenant), self._clock.now()
        async with asking(self._database, realm.reach) as connection:
            async with self._indexes.timed(connection, realm, question) as narrowed:
                found = await finding.page_of(connection, realm, narrowed, window, now)
            if not found.entities:
                await _refuse_unknown(connection, tenant)
        read = zip(found.owners, found.entities, strict=True)
        await self._guard.note(actor, tenant, "query", read)
        return found

    async def ids(
        self, actor: Actor, tenant: str, question: Question, *, own: bool = False
    ) -> list[str]:
        """Return the ids of all entities that are asked for.

        Args:
            actor: Who asks.
            tenant: Whose entities.
            question: Which ones.
            own: Only of those that the actor may change.

        Raises:
            NonexistentTenantError: Nothing was ever kept under that tenant.
            TooComplexQueryError: The answer took too long.
        """
        realm = Realm(tenant, reach_of(actor)) if own else await self._guard.realm(actor, tenant)
        now = self._clock.now()
        async with asking(self._database, realm.reach) as connection:
            async with self._indexes.timed(connection, realm, question) as narrowed:
                found = await finding.ids(connection, realm, narrowed, now)
            if not found:
                await _refuse_unknown(connection, tenant)
            return found

    async def _done(self, actor: Actor, tenant: str, wish: Wish) -> None:
        (outcome,) = await self.carry_out(actor, tenant, [wish])
        if outcome is not None:
            raise outcome


def deletion(entity_id: str, refuse: Callable[[Entity], None] = lambda _: None) -> Wish:
    """Return the wish that an entity be gone."""

    def decide(held: Entity | None) -> None:
        if held is None:
            raise ResourceNotFoundError("exchange.entity_unknown", id=entity_id)
        refuse(held)

    return Wish(entity_id, decide)


async def _refuse_unknown(connection: Connection, tenant: str) -> None:
    if not await store.tenant_exists(connection, tenant):
        raise NonexistentTenantError("exchange.tenant_unknown", tenant=tenant)
