"""Pages that follow what is written: who may see a change is told of it, and nobody else is."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec

from beffroi.exchange.asking import store as asked_store
from beffroi.exchange.asking.question import SqlFilter
from beffroi.exchange.asking.reach import EVERYWHERE, OWN_DATA, DataGuard, Realm, asking
from beffroi.exchange.geometry import middle_of
from beffroi.exchange.map.view import MapView
from beffroi.exchange.model import LOCATION, Entity, Iri
from beffroi.exchange.store import HeldEntity
from beffroi.exchange.viewing.following import FOLLOWERS_MOST, Change, Followed
from beffroi.kernel.database import Database
from beffroi.kernel.rights.model import Actor

_OF_ACTOR_MOST: Final = 12
_LASTS_S: Final = 300.0
"""A browser comes again: whoever signed out is then told nothing any more."""
_BREATH_S: Final = 20.0
_PACE_S: Final = 2.0
"""Between two tidings to one browser, which asks for its page anew at each."""
_LOOKED_AT: Final = 500
_IN_VIEW: Final = "e.longitude >= %s and e.longitude < %s and e.latitude >= %s and e.latitude < %s"


class Watched(msgspec.Struct, frozen=True):
    """What somebody looks at.

    Attributes:
        entity: An entity's id; "": a map.
        view: Which part of the Earth; nothing: all of it.
        type: Entities of which type are on it; nothing: of any.
    """

    tenant: str
    entity: str = ""
    view: MapView | None = None
    type: Iri | None = None


class LiveViews:
    """Tells browsers when to ask anew for what they show."""

    def __init__(self, database: Database, followed: Followed, guard: DataGuard = OWN_DATA) -> None:
        self._database = database
        self._followed = followed
        self._guard = guard
        self._by_actor: Counter[str] = Counter()

    def has_room(self, actor: Actor) -> bool:
        """Tell whether one more browser of an actor can be told."""
        has_room = self._followed.count < FOLLOWERS_MOST and not self._followed.is_over
        return has_room and self._by_actor[actor.name] < _OF_ACTOR_MOST

    async def run(self) -> None:
        """Read what is written while anybody looks, until cancelled."""
        await self._followed.run()

    async def tidings(self, actor: Actor, watched: Watched) -> AsyncIterator[bool]:
        """Yield that something changed, or now and then that nothing did; for five minutes.

        Args:
            actor: Who looks.
            watched: At what; an entity that the actor does not see never changes.
        """
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + _LASTS_S
        entity = (watched.tenant, watched.entity) if watched.entity else None
        with self._counted(actor), self._followed.following(entity) as following:
            yield False
            while not following.is_over and loop.time() < ends_s:
                changes, more = await following.changes(_BREATH_S)
                is_told = await self._is_told(actor, watched, changes, more)
                if is_told or not changes:
                    yield is_told
                if is_told:
                    await asyncio.sleep(_PACE_S)

    @contextmanager
    def _counted(self, actor: Actor) -> Iterator[None]:
        self._by_actor[actor.name] += 1
        try:
            yield
        finally:
            self._by_actor[actor.name] -= 1

    async def _is_told(
        self,
        actor: Actor,
        watched: Watched,
        changes: Sequence[Change],
        more: Collection[str],
    ) -> bool:
        of_tenant = [one for one in changes if one.tenant == watched.tenant]
        if not of_tenant and not more:
            return False
        realm = await self._guard.realm(actor, watched.tenant)
        if any(_owns(realm, owner) for owner in more):
            return True
        own = [one for one in of_tenant if _owns(realm, one.organisation)]
        if own and (watched.entity or await self._is_shown(realm, watched, own)):
            return True
        others = [one for one in of_tenant if not _owns(realm, one.organisation)]
        return bool(others and realm.reach.grants) and await self._is_given(realm, watched, others)

    async def _is_shown(self, realm: Realm, watched: Watched, own: Sequence[Change]) -> bool:
        """Tell whether any of one's own is on a map, or was: it is gone now, or elsewhere."""
        if any(LOCATION in one.attributes for one in own):
            return True
        view = watched.view
        if view is None:
            return True
        edges = view.edges
        sides = (edges["west"], edges["east"], edges["south"], edges["north"])
        ids = sorted({one.id for one in own})
        asked = SqlFilter(f"e.id = any(%s) and {_IN_VIEW}", (ids, *sides))
        if watched.type is not None:
            asked = SqlFilter(
                f"{asked.sql} and e.types @> array[%s]", (*asked.parameters, watched.type)
            )
        async with asking(self._database, realm.reach) as connection:
            return await asked_store.count_entities(connection, realm, asked) > 0

    async def _is_given(self, realm: Realm, watched: Watched, others: Sequence[Change]) -> bool:
        """Tell whether others let be seen what changed of theirs; how it is, decides."""
        changed: dict[str, set[Iri]] = {}
        for one in others[:_LOOKED_AT]:
            changed.setdefault(one.id, set()).update(one.attributes)
        asked = SqlFilter("e.id = any(%s)", (sorted(changed),))
        everywhere = Realm(realm.tenant, EVERYWHERE)
        async with asking(self._database, EVERYWHERE) as connection:
            found = await asked_store.entities(connection, everywhere, asked, limit=_LOOKED_AT)
        for held in found:
            told = realm.reach.told_names(held.organisation, held.entity)
            if told is not None and told.isdisjoint(changed[held.entity.id]):
                continue
            if watched.entity and not _is_under_its_id(realm, held):
                continue
            if watched.entity or (
                (told is None or LOCATION in told) and _is_on_map(watched, held.entity)
            ):
                return True
        return False


def _owns(realm: Realm, organisation: str) -> bool:
    scope = realm.reach.scope
    return scope.everything or bool(scope.organisation and scope.organisation == organisation)


def _is_under_its_id(realm: Realm, held: HeldEntity) -> bool:
    """Tell whether another's entity is seen under its own id: a pseudonym is not seen through."""
    seen = realm.reach.seen(held)
    return seen is not None and seen.id == held.entity.id


def _is_on_map(watched: Watched, entity: Entity) -> bool:
    located = entity.attributes.get(LOCATION)
    middle = middle_of(located[0].value) if located else None
    if middle is None or (watched.type is not None and watched.type not in entity.types):
        return False
    if watched.view is None:
        return True
    edges, (longitude, latitude) = watched.view.edges, middle
    return (
        edges["west"] <= longitude < edges["east"] and edges["south"] <= latitude < edges["north"]
    )
