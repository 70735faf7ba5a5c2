"""What people look at in the exchange: types, entities with their history, the map."""

from collections.abc import Sequence
from typing import Final

import msgspec

from beffroi.exchange import asked_store, map_store, view_store
from beffroi.exchange.asking import Question, of_type
from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.errors import NonexistentTenantError, ResourceNotFoundError
from beffroi.exchange.map_view import Cluster, MapView
from beffroi.exchange.model import AttributeKind, Entity, Iri, Json
from beffroi.exchange.query.conditions import read_condition
from beffroi.exchange.query.logic import ANYTHING, all_of
from beffroi.exchange.reach import OWN_DATA, DataGuard, Realm, asking
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

    def __init__(self, database: Database, clock: Clock, guard: DataGuard = OWN_DATA) -> None:
        self._database = database
        self._clock = clock
        self._guard = guard

    async def holdings(self, actor: Actor, tenant: str) -> Holdings:
        """Return the types of a tenant, and the tenants that there are.

        Raises:
            NonexistentTenantError: The actor sees nothing under that tenant.
        """
        realm = await self._guard.realm(actor, tenant)
        async with asking(self._database, realm.reach) as connection:
            tenants = await view_store.tenants_seen(connection, realm.reach)
            if tenant not in tenants:
                raise NonexistentTenantError("exchange.tenant_unknown", tenant=tenant)
            return Holdings(tenants, await view_store.types_held(connection, realm))

    async def entities(
        self, actor: Actor, tenant: str, type_iri: Iri, q: str, after: int
    ) -> Listing:
        """Return entities of a type that meet a query, 30 at most.

        Raises:
            BadRequestDataError: The query cannot be read, or asks of linked entities.
        """
        typed = Question(asked=of_type(type_iri), wanted=lambda entity: type_iri in entity.types)
        condition = read_condition(q, CORE).question() if q else ANYTHING
        question = all_of([typed, condition])
        realm = await self._guard.realm(actor, tenant)
        async with asking(self._database, realm.reach) as connection:
            listing = await self._listing(connection, realm, question, after)
        read = [(one.organisation, one.entity) for one in listing.entities]
        await self._guard.note(actor, tenant, "page", read)
        return listing

    async def entity(self, actor: Actor, tenant: str, entity_id: str) -> EntityView:
        """Return an entity with the last of its history.

        Raises:
            ResourceNotFoundError: There is none of that id that the actor may see.
        """
        realm = await self._guard.realm(actor, tenant)
        async with asking(self._database, realm.reach) as connection:
            held = await asked_store.entity_by_id(connection, realm, entity_id)
            entity = None if held is None else alive(held.entity, self._clock.now())
            if held is None or entity is None:
                raise ResourceNotFoundError("exchange.entity_unknown", id=entity_id)
            names = sorted(entity.attributes)[:_NAMES_MOST]
            numeric = [name for name in names if _is_number(entity, name)]
            numbers = await view_store.latest_numbers(
                connection, realm, entity_id, numeric, _POINTS
            )
            instances = await view_store.latest_instances(
                connection, realm, entity_id, names, INSTANCES_SHOWN
            )
        await self._guard.note(actor, tenant, "page", [(held.organisation, entity)])
        return EntityView(msgspec.structs.replace(held, entity=entity), numbers, instances)

    async def map(
        self, actor: Actor, tenant: str, type_iri: Iri | None, view: MapView | None
    ) -> MapContent:
        """Return what a map shows; without a view, one of the newest entities."""
        realm = await self._guard.realm(actor, tenant)
        async with asking(self._database, realm.reach) as connection:
            if view is None:
                bounds = await map_store.latest_bounds(connection, realm, type_iri)
                view = MapView.around(bounds)
            return MapContent(
                view,
                await map_store.clusters(connection, realm, view, type_iri),
                await map_store.outlines(connection, realm, view),
            )

    async def _listing(
        self, connection: Connection, realm: Realm, question: Question, after: int
    ) -> Listing:
        """Look at 5,000 entities at most: a rare answer among many comes page by page."""
        now = self._clock.now()
        limit = PAGE + 1 if question.asked.exact else _BATCH
        found: list[HeldEntity] = []
        for _ in range(_BATCHES_MOST):
            batch = await asked_store.entities(
                connection, realm, question.asked, after=after, limit=limit
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
