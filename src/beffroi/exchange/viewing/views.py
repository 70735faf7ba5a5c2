"""What people look at in the exchange: types, entities with their history, the map."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from beffroi.exchange.asking import store as asked_store
from beffroi.exchange.asking.question import Question, SqlFilter, of_type
from beffroi.exchange.asking.reach import OWN_DATA, DataGuard, Realm, asking
from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.errors import NonexistentTenantError, ResourceNotFoundError
from beffroi.exchange.map import store as map_store
from beffroi.exchange.map.view import Cluster, MapView
from beffroi.exchange.model import Attribute, AttributeKind, Entity, Iri, Json
from beffroi.exchange.query.conditions import read_condition
from beffroi.exchange.query.logic import ANYTHING, all_of
from beffroi.exchange.representation.changing import alive
from beffroi.exchange.store import HeldEntity
from beffroi.exchange.viewing import course_store, name_store
from beffroi.exchange.viewing import store as view_store
from beffroi.exchange.viewing.course import Span, Step, Window
from beffroi.exchange.viewing.figures import short, targets_of
from beffroi.exchange.viewing.held_types import TypeHeld, types_held
from beffroi.exchange.viewing.store import PastInstance
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Connection, Database
from beffroi.kernel.rights.model import Actor

PAGE: Final = 30
INSTANCES_SHOWN: Final = 50
_BATCH: Final = 500
_BATCHES_MOST: Final = 10
_NAMES_MOST: Final = 24
_COURSES_MOST: Final = 4
_LINKED_MOST: Final = 40
_NAMED_MOST: Final = 200
"""Entities of a word that are looked at, the shortest words first."""


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


class WantedCourse(msgspec.Struct, frozen=True):
    """Which part of an entity's history somebody wants to see.

    Attributes:
        before: The last moment in it; nothing: that of the last measure.
    """

    span: Span = Span.DAY
    before: datetime | None = None


class EntityView(msgspec.Struct, frozen=True):
    """An entity with what became of it.

    Attributes:
        measured: Steps of its numbers, by attribute.
        latest: When one of these was measured last; nothing: it has no numbers.
        window: Which time the steps are of; nothing: it has no numbers.
        linked: What its relationships lead to, by id, as far as the actor sees it.
    """

    held: HeldEntity
    measured: dict[Iri, list[Step]]
    latest: datetime | None
    window: Window | None
    instances: Sequence[PastInstance] = ()
    linked: Mapping[str, Entity] = {}


class MapContent(msgspec.Struct, frozen=True):
    """What a map shows.

    Attributes:
        alone: Entities that are alone in their cell, by id.
    """

    view: MapView
    clusters: Sequence[Cluster]
    outlines: Sequence[Json]
    alone: Mapping[str, Entity]


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
            return Holdings(tenants, await types_held(connection, realm))

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

    async def named(
        self, actor: Actor, tenant: str, told: str, type_iri: Iri | None = None
    ) -> Listing:
        """Return entities whose names have words that begin so, or whose ids do, 30 at most.

        Args:
            actor: Who asks; nothing is found by a name that the actor may not see.
            tenant: Whose.
            told: Words, or the beginning of an id or of its last part.
            type_iri: Of which type; nothing: of any.
        """
        realm = await self._guard.realm(actor, tenant)
        async with asking(self._database, realm.reach) as connection:
            listing = await self._named(connection, realm, told, type_iri)
        read = [(one.organisation, one.entity) for one in listing.entities]
        await self._guard.note(actor, tenant, "page", read)
        return listing

    async def entity(
        self, actor: Actor, tenant: str, entity_id: str, wanted: WantedCourse
    ) -> EntityView:
        """Return an entity with a part of its history.

        Raises:
            ResourceNotFoundError: There is none of that id that the actor may see.
        """
        realm = await self._guard.realm(actor, tenant)
        async with asking(self._database, realm.reach) as connection:
            held = await self._alive(connection, realm, entity_id)
            names = sorted(held.entity.attributes)[:_NAMES_MOST]
            instances = await view_store.latest_instances(
                connection, realm, entity_id, names, INSTANCES_SHOWN
            )
            numeric = [name for name in names if _number(held.entity, name)][:_COURSES_MOST]
            view = await self._course(connection, realm, held, numeric, wanted)
            linked = await _linked(connection, realm, held.entity)
        read = [(one.organisation, one.entity) for one in (held, *linked)]
        await self._guard.note(actor, tenant, "page", read)
        by_id = {one.entity.id: one.entity for one in linked}
        return msgspec.structs.replace(view, instances=instances, linked=by_id)

    async def one(self, actor: Actor, tenant: str, entity_id: str) -> Entity:
        """Return an entity.

        Raises:
            ResourceNotFoundError: There is none of that id that the actor may see.
        """
        realm = await self._guard.realm(actor, tenant)
        async with asking(self._database, realm.reach) as connection:
            held = await self._alive(connection, realm, entity_id)
        await self._guard.note(actor, tenant, "page", [(held.organisation, held.entity)])
        return held.entity

    async def history(
        self, actor: Actor, tenant: str, entity_id: str, name: Iri, wanted: WantedCourse
    ) -> EntityView:
        """Return an entity with the course of one of its attributes.

        Raises:
            ResourceNotFoundError: There is none of that id that the actor may see, or it has no
                such number.
        """
        realm = await self._guard.realm(actor, tenant)
        async with asking(self._database, realm.reach) as connection:
            held = await self._alive(connection, realm, entity_id)
            if name not in held.entity.attributes or not _number(held.entity, name):
                raise ResourceNotFoundError("exchange.attributes_absent", entity=entity_id)
            view = await self._course(connection, realm, held, [name], wanted)
        of_one = msgspec.structs.replace(
            held.entity, attributes={name: held.entity.attributes[name]}
        )
        await self._guard.note(actor, tenant, "history", [(held.organisation, of_one)])
        return view

    async def map(
        self, actor: Actor, tenant: str, type_iri: Iri | None, view: MapView | None
    ) -> MapContent:
        """Return what a map shows; without a view, one of the newest entities."""
        realm = await self._guard.realm(actor, tenant)
        async with asking(self._database, realm.reach) as connection:
            if view is None:
                bounds = await map_store.latest_bounds(connection, realm, type_iri)
                view = MapView.around(bounds)
            clusters = await map_store.clusters(connection, realm, view, type_iri)
            outlines = await map_store.outlines(connection, realm, view)
            ids = [one.id for one in clusters if one.entities == 1 and one.id]
            asked = SqlFilter("e.id = any(%s)", (ids,))
            held = (
                await asked_store.entities(connection, realm, asked, limit=len(ids)) if ids else ()
            )
        read = [(one.organisation, one.entity) for one in held]
        await self._guard.note(actor, tenant, "page", read)
        return MapContent(view, clusters, outlines, {one.entity.id: one.entity for one in held})

    async def _named(
        self, connection: Connection, realm: Realm, told: str, type_iri: Iri | None
    ) -> Listing:
        typed = [SqlFilter("true")] if type_iri is None else [of_type(type_iri)]
        beginnings = [told]
        if ":" not in told:
            types = [type_iri] if type_iri is not None else await _types(connection, realm)
            beginnings += [f"urn:ngsi-ld:{short(one)}:{told}" for one in types]
        by_id = await name_store.numbers_by_id(connection, realm, beginnings, PAGE)
        asked = [(by_id, [*typed])]
        words, more = await name_store.words_in(connection, told), False
        if words:
            numbers, more = await name_store.called(connection, realm, words, _NAMED_MOST)
            asked.append((numbers, [*typed, name_store.called_so(words)]))
        found: dict[int, HeldEntity] = {}
        for numbers, conditions in asked:
            which = SqlFilter(
                " and ".join(["e.number = any(%s)", *(f"({one.sql})" for one in conditions)]),
                (list(numbers), *(value for one in conditions for value in one.parameters)),
            )
            if numbers:
                held = await asked_store.entities(connection, realm, which, limit=PAGE + 1)
                found.update((one.number, one) for one in held)
        shown = [one for one in found.values() if alive(one.entity, self._clock.now())]
        return Listing(shown[:PAGE], unfinished=more or len(shown) > PAGE)

    async def _alive(self, connection: Connection, realm: Realm, entity_id: str) -> HeldEntity:
        held = await asked_store.entity_by_id(connection, realm, entity_id)
        entity = None if held is None else alive(held.entity, self._clock.now())
        if held is None or entity is None:
            raise ResourceNotFoundError("exchange.entity_unknown", id=entity_id)
        return msgspec.structs.replace(held, entity=entity)

    async def _course(
        self,
        connection: Connection,
        realm: Realm,
        held: HeldEntity,
        numeric: Sequence[Iri],
        wanted: WantedCourse,
    ) -> EntityView:
        """Look at the window that ends with the moment asked for, else with the last measure."""
        times = {name: _number(held.entity, name) for name in numeric}
        moments = (
            one.observed_at or one.modified_at or held.entity.modified_at
            for one in times.values()
            if one
        )
        latest = max((one for one in moments if one is not None), default=None)
        if latest is None:
            return EntityView(held, {}, None, None)
        window = Window.around(wanted.span, latest if wanted.before is None else wanted.before)
        measured: dict[Iri, list[Step]] = {}
        for observed in (True, False):
            names = [
                name
                for name, one in times.items()
                if one is not None and (one.observed_at is not None) is observed
            ]
            measured |= await course_store.steps_of(
                connection, realm, held.entity.id, names, window, observed=observed
            )
        return EntityView(held, measured, latest, window)

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


async def _linked(connection: Connection, realm: Realm, entity: Entity) -> Sequence[HeldEntity]:
    every = (one for instances in entity.attributes.values() for one in instances)
    ids = sorted({key for one in every for key in targets_of(one)})[:_LINKED_MOST]
    if not ids:
        return ()
    asked = SqlFilter("e.id = any(%s)", (ids,))
    return await asked_store.entities(connection, realm, asked, limit=len(ids))


async def _types(connection: Connection, realm: Realm) -> Sequence[Iri]:
    return [one.type for one in await types_held(connection, realm)]


def _number(entity: Entity, name: Iri) -> Attribute | None:
    """Return the default instance of an attribute, where it is a number."""
    found: Iterable[Attribute] = entity.attributes[name]
    for one in found:
        if one.kind is AttributeKind.PROPERTY and not one.dataset_id:
            is_number = isinstance(one.value, int | float) and not isinstance(one.value, bool)
            return one if is_number else None
    return None
