"""What people look at in the exchange: types, entities with their history, the map."""

from collections.abc import Sequence
from typing import Final

import msgspec

from beffroi.exchange import map_store, store, view_store
from beffroi.exchange.asking import Question, SqlFilter
from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.errors import NonexistentTenantError, ResourceNotFoundError
from beffroi.exchange.map_view import Cluster, MapView
from beffroi.exchange.model import AttributeKind, Entity, Iri, Json
from beffroi.exchange.query.conditions import read_condition
from beffroi.exchange.query.logic import ANYTHING, all_of
from beffroi.exchange.representation.changing import alive
from beffroi.exchange.store import HeldEntity
from beffroi.exchange.view_store import PastInstance, Point, TypeHeld
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Connection, Database
from beffroi.kernel.rights.model import Actor

PAGE: Final = 30
INSTANCES_SHOWN: Final = 50
_BATCH: Final = 500
_BATCHES_MOST: Final = 10
_POINTS: Final = 120
_NAMES_MOST: Final = 24


class Holdings(msgspec.Struct, frozen=True):
    """What the exchange holds under a tenant."""

    tenants: Sequence[str]
    types: Sequence[TypeHeld]


class Listing(msgspec.Struct, frozen=True):
    """Some entities in the order of creation.

    Attributes:
        beyond: The number to go on from; nothing at the end.
        unfinished: Others were not looked at yet, whether they are wanted or not.
    """

    entities: Sequence[HeldEntity]
    beyond: int | None = None
    unfinished: bool = False


class EntityView(msgspec.Struct, frozen=True):
    """An entity with what became of it."""

    held: HeldEntity
    numbers: dict[Iri, list[Point]]
    instances: Sequence[PastInstance]


class MapContent(msgspec.Struct, frozen=True):
    """What a map shows."""

    view: MapView
    clusters: Sequence[Cluster]
    outlines: Sequence[Json]


class Views:
    """Reads for the console what an actor may see."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def holdings(self, actor: Actor, tenant: str) -> Holdings:
        """Return the types of a tenant, and the tenants that there are.

        Raises:
            NonexistentTenantError: The actor sees nothing under that tenant.
        """
        async with self._database.transaction(actor.scope) as connection:
            tenants = await view_store.tenants_seen(connection)
            if tenant not in tenants:
                raise NonexistentTenantError("exchange.tenant_unknown", tenant=tenant)
            return Holdings(tenants, await view_store.types_held(connection, tenant))

    async def entities(
        self, actor: Actor, tenant: str, type_iri: Iri, q: str, after: int
    ) -> Listing:
        """Return entities of a type that meet a query, 30 at most.

        Raises:
            BadRequestDataError: The query cannot be read, or asks of linked entities.
        """
        of_type = Question(
            asked=SqlFilter("e.types @> array[%s::text]", (type_iri,)),
            wanted=lambda entity: type_iri in entity.types,
        )
        condition = read_condition(q, CORE).question() if q else ANYTHING
        question = all_of([of_type, condition])
        async with self._database.transaction(actor.scope) as connection:
            return await self._listing(connection, tenant, question, after)

    async def entity(self, actor: Actor, tenant: str, entity_id: str) -> EntityView:
        """Return an entity with the last of its history.

        Raises:
            ResourceNotFoundError: There is none of that id that the actor may see.
        """
        async with self._database.transaction(actor.scope) as connection:
            held = await store.entity_by_id(connection, (tenant, entity_id))
            entity = None if held is None else alive(held.entity, self._clock.now())
            if held is None or entity is None:
                raise ResourceNotFoundError("exchange.entity_unknown", id=entity_id)
            names = sorted(entity.attributes)[:_NAMES_MOST]
            numeric = [name for name in names if _is_number(entity, name)]
            numbers = await view_store.latest_numbers(
                connection, tenant, entity_id, numeric, _POINTS
            )
            instances = await view_store.latest_instances(
                connection, tenant, entity_id, names, INSTANCES_SHOWN
            )
            return EntityView(msgspec.structs.replace(held, entity=entity), numbers, instances)

    async def map(
        self, actor: Actor, tenant: str, type_iri: Iri | None, view: MapView | None
    ) -> MapContent:
        """Return what a map shows; without a view, one of the newest entities."""
        async with self._database.transaction(actor.scope) as connection:
            if view is None:
                bounds = await map_store.latest_bounds(connection, tenant, type_iri)
                view = MapView.around(bounds)
            return MapContent(
                view,
                await map_store.clusters(connection, tenant, view, type_iri),
                await map_store.outlines(connection, tenant, view),
            )

    async def _listing(
        self, connection: Connection, tenant: str, question: Question, after: int
    ) -> Listing:
        """Look at 5,000 entities at most: a rare answer among many comes page by page."""
        now = self._clock.now()
        limit = PAGE + 1 if question.asked.exact else _BATCH
        found: list[HeldEntity] = []
        for _ in range(_BATCHES_MOST):
            batch = await store.entities(
                connection, tenant, question.asked, after=after, limit=limit
            )
            for one in batch:
                entity = alive(one.entity, now)
                if entity is None or not question.wanted(entity):
                    continue
                if len(found) == PAGE:
                    return Listing(found, found[-1].number)
                found.append(msgspec.structs.replace(one, entity=entity))
            if len(batch) < limit:
                return Listing(found)
            after = batch[-1].number
        return Listing(found, after, unfinished=True)


def _is_number(entity: Entity, name: Iri) -> bool:
    return any(
        one.kind is AttributeKind.PROPERTY
        and not one.dataset_id
        and isinstance(one.value, int | float)
        and not isinstance(one.value, bool)
        for one in entity.attributes[name]
    )
