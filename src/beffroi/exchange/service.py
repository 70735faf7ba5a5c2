"""What people and programs ask of the exchange's entities."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from beffroi.exchange import finding, store
from beffroi.exchange.asking import Page, Question, Window
from beffroi.exchange.committing import Command, Decide, EntityWriter, Outcome
from beffroi.exchange.errors import (
    AlreadyExistsError,
    NonexistentTenantError,
    ResourceNotFoundError,
)
from beffroi.exchange.model import Entity
from beffroi.exchange.representation.changing import Changed, alive
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Connection, Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import GroupCommit
from beffroi.kernel.rights.model import Actor, Permission

_AT_ONCE: Final = 1_000
"""Wishes of one asker that may wait for the writer: others have to find room beside them."""


class Wish(msgspec.Struct, frozen=True, eq=False):
    """A change of one entity among many.

    Attributes:
        decide: As of ``Command``.
    """

    id: str
    decide: Decide


class Exchange:
    """Entities: created, changed, deleted, found; whose commits are shared by all who write.

    ``run`` must be running for a write to end.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._writer = GroupCommit(database, EVERYTHING, EntityWriter(clock).write)

    async def run(self) -> None:
        """Commit what is asked until cancelled."""
        await self._writer.run()

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
        outcomes: list[Outcome] = []
        for start in range(0, len(wishes), _AT_ONCE):
            commands = (
                Command(tenant=tenant, id=one.id, scope=actor.scope, decide=one.decide)
                for one in wishes[start : start + _AT_ONCE]
            )
            outcomes += await asyncio.gather(*(self._writer.submit(one) for one in commands))
        return outcomes

    async def entity(self, actor: Actor, tenant: str, entity_id: str) -> Entity:
        """Return an entity.

        Raises:
            ResourceNotFoundError: There is none of that id that the actor may see.
            NonexistentTenantError: Nothing was ever kept under that tenant.
        """
        async with self._database.transaction(actor.scope) as connection:
            found = await store.entity_by_id(connection, (tenant, entity_id))
            entity = None if found is None else alive(found.entity, self._clock.now())
            if entity is None:
                await _refuse_unknown(connection, tenant)
                raise ResourceNotFoundError("exchange.entity_unknown", id=entity_id)
            return entity

    async def page(self, actor: Actor, tenant: str, question: Question, window: Window) -> Page:
        """Return some of the entities that are asked for.

        Raises:
            NonexistentTenantError: Nothing was ever kept under that tenant.
            TooComplexQueryError: Too many would have to be sorted.
        """
        async with self._database.transaction(actor.scope) as connection:
            found = await finding.page_of(connection, tenant, question, window, self._clock.now())
            if not found.entities:
                await _refuse_unknown(connection, tenant)
            return found

    async def ids(self, actor: Actor, tenant: str, question: Question) -> list[str]:
        """Return the ids of all entities that are asked for.

        Raises:
            NonexistentTenantError: Nothing was ever kept under that tenant.
        """
        async with self._database.transaction(actor.scope) as connection:
            answers = finding.answers(connection, tenant, question, self._clock.now())
            found = [one.id async for one in answers]
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
