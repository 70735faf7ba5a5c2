"""What people and programs ask of history."""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from beffroi.exchange import store as entity_store
from beffroi.exchange.asking.question import Window
from beffroi.exchange.asking.reach import OWN_DATA, DataGuard, Realm, asking
from beffroi.exchange.errors import (
    NonexistentTenantError,
    ResourceNotFoundError,
    TooComplexQueryError,
)
from beffroi.exchange.model import SCOPE, AttributeKind, Entity, Iri
from beffroi.exchange.temporal import aggregate_store, rolled_store, store
from beffroi.exchange.temporal.conditions import stretch_of
from beffroi.exchange.temporal.judging import scopes_in_force, wanted_stretches
from beffroi.exchange.temporal.model import (
    Cut,
    Evolution,
    Evolutions,
    Figures,
    Instance,
    KnownEntity,
    Selection,
    Stretch,
    TemporalQuestion,
    TimeProperty,
    Times,
)
from beffroi.exchange.temporal.paging import cut_of, fitting
from beffroi.kernel.database import Connection, Database
from beffroi.kernel.rights.model import Actor

_BATCH: Final = 100
_JUDGED_MOST: Final = 100_000


class History:
    """Answers what was so.

    Args:
        database: Where from.
        most: How many instances, or figures, one answer holds.
        guard: Of what is read.
    """

    def __init__(
        self, database: Database, *, most: int = 10_000, guard: DataGuard = OWN_DATA
    ) -> None:
        self._database = database
        self._most = most
        self._guard = guard

    async def evolution(
        self, actor: Actor, tenant: str, entity_id: str, selection: Selection
    ) -> Evolutions:
        """Return what became of an entity.

        Raises:
            ResourceNotFoundError: There was none of that id that the actor may see, or it never
                had one of the attributes asked for.
            NonexistentTenantError: Nothing was ever kept under that tenant.
            TooComplexQueryError: More instances have the same time than an answer holds.
        """
        realm = await self._guard.realm(actor, tenant)
        async with asking(self._database, realm.reach) as connection:
            known = await store.known_entity(connection, realm, entity_id)
            if known is None:
                await _refuse_unknown(connection, tenant)
                raise ResourceNotFoundError("exchange.evolution_unknown", id=entity_id)
            stretch = stretch_of(entity_id, selection.times)
            page = _Page([known], [stretch])
            answer = await _evolutions(connection, realm, page, selection, self._most)
            names = selection.having or frozenset()
            one = answer.found[0]
            shown = {row.attribute for row in one.instances or one.figures}
            if names and names.isdisjoint(shown):
                await _refuse_absent(connection, realm, entity_id, names)
        await self._guard.note(actor, tenant, "history", _read(answer))
        return answer

    async def evolutions(
        self,
        actor: Actor,
        tenant: str,
        question: TemporalQuestion,
        selection: Selection,
        window: Window,
    ) -> Evolutions:
        """Return what became of some of the entities that are asked for.

        Raises:
            NonexistentTenantError: Nothing was ever kept under that tenant.
            TooComplexQueryError: Too many instances would have to be looked at, or have the same
                time.
        """
        realm = await self._guard.realm(actor, tenant)
        async with asking(self._database, realm.reach) as connection:
            search = _Search(connection, realm, question, selection)
            page = await search.page(window)
            if not page.known:
                await _refuse_unknown(connection, tenant)
                return Evolutions(found=(), count=page.count)
            answer = await _evolutions(connection, realm, page, selection, self._most)
        await self._guard.note(actor, tenant, "history", _read(answer))
        return replace(answer, count=page.count, more=page.more, found=page.joined(answer))


def _read(answer: Evolutions) -> Iterator[tuple[str, Entity]]:
    """Yield what an answer tells of, each entity with names of attributes and nothing else."""
    for one in answer.found:
        told = {row.attribute for row in one.instances} | {row.attribute for row in one.figures}
        known = one.entity
        entity = Entity(id=known.id, types=known.types, attributes=dict.fromkeys(told, ()))
        yield known.organisation, entity


class _Page:
    """Entities that were found, and when they are meant."""

    def __init__(self, known: Sequence[KnownEntity], stretches: Sequence[Stretch]) -> None:
        self.known = list(known)
        self.stretches = list(stretches)
        self.in_force: dict[str, list[Instance]] = {}
        self.count: int | None = None
        self.more = False

    def joined(self, answer: Evolutions) -> tuple[Evolution, ...]:
        """Join the scopes that were set before the time asked for."""
        if not self.in_force:
            return answer.found
        return tuple(
            replace(one, instances=(*self.in_force.get(one.entity.id, ()), *one.instances))
            for one in answer.found
        )


class _Search:
    """Finds the entities of one question."""

    def __init__(
        self,
        connection: Connection,
        realm: Realm,
        question: TemporalQuestion,
        selection: Selection,
    ) -> None:
        self._connection = connection
        self._realm = realm
        self._question = question
        self._selection = selection

    async def page(self, window: Window) -> _Page:
        """Return a window of the entities asked for."""
        question = self._question
        page = _Page([], [])
        seen, end = 0, window.offset + window.limit
        judged = question.judges_values or question.judges_scopes or not question.asked.exact
        beyond: str | None = None
        while seen <= end or window.count:
            batch = await self._batch(beyond, _BATCH if judged else end + 1)
            meant = await self._judged(batch) if judged else self._all(batch)
            for known, stretches, in_force in meant:
                if window.offset <= seen < end:
                    page.known.append(known)
                    page.stretches.extend(stretches)
                    if in_force:
                        page.in_force[known.id] = in_force
                seen += 1
            if not judged or len(batch) < _BATCH:
                break
            beyond = batch[-1].id
        page.more = seen > end
        if window.count:
            page.count = seen if judged else await self._counted()
        return page

    async def _batch(self, beyond: str | None, limit: int) -> Sequence[KnownEntity]:
        return await store.known_entities(
            self._connection,
            self._realm,
            self._question,
            self._selection,
            beyond=beyond,
            limit=limit,
        )

    async def _counted(self) -> int:
        return await store.count_entities(
            self._connection, self._realm, self._question.asked, self._selection
        )

    def _all(
        self, batch: Sequence[KnownEntity]
    ) -> list[tuple[KnownEntity, list[Stretch], list[Instance]]]:
        return [(one, [stretch_of(one.id, self._selection.times)], []) for one in batch]

    async def _judged(
        self, batch: Sequence[KnownEntity]
    ) -> list[tuple[KnownEntity, list[Stretch], list[Instance]]]:
        times, question = self._selection.times, self._question
        instances: dict[str, list[Instance]] = {}
        scopes: dict[str, list[Instance]] = {}
        if question.judges_values:
            instances = await self._instances(batch, Selection(times=times))
        if question.judges_scopes:
            until = Times(property=times.property, high=times.high, audit=True)
            if times.property is TimeProperty.DELETED_AT:
                until = replace(until, property=TimeProperty.CREATED_AT)
            scopes = await self._instances(
                batch, Selection(times=until, attributes=frozenset({SCOPE}))
            )
        found = []
        for known in batch:
            own = scopes.get(known.id, [])
            stretches = wanted_stretches(question, known, instances.get(known.id, []), own, times)
            if stretches:
                found.append((known, stretches, scopes_in_force(own, stretches)))
        return found

    async def _instances(
        self, batch: Sequence[KnownEntity], selection: Selection
    ) -> dict[str, list[Instance]]:
        rows = await store.instances(
            self._connection,
            self._realm,
            [stretch_of(one.id, selection.times) for one in batch],
            selection,
            limit=_JUDGED_MOST + 1,
        )
        if len(rows) > _JUDGED_MOST:
            raise TooComplexQueryError("exchange.too_many_to_judge", most=_JUDGED_MOST)
        found: dict[str, list[Instance]] = {}
        for row in rows:
            found.setdefault(row.entity, []).append(row)
        return found


async def _evolutions(
    connection: Connection,
    realm: Realm,
    page: _Page,
    selection: Selection,
    most: int,
) -> Evolutions:
    if selection.aggregation is not None:
        asked = (connection, realm, page.stretches, selection, selection.aggregation)
        figures = await rolled_store.figures(*asked, limit=most + 1)
        if figures is None:
            figures = await aggregate_store.figures(*asked, limit=most + 1)
        return _aggregated(page.known, figures, selection, most)
    rows = await store.instances(connection, realm, page.stretches, selection, limit=most + 1)
    kept, beyond = fitting(rows, lambda one: one.at, most)
    cut = None
    if beyond:
        present = {(one.entity, one.attribute) for one in kept}
        emptied: dict[str, dict[Iri, AttributeKind]] = {}
        for entity, name, kind in await store.attribute_kinds(
            connection, realm, page.stretches, selection
        ):
            if (entity, name) not in present:
                emptied.setdefault(entity, {})[name] = kind
        cut = replace(cut_of([one.at for one in kept], selection), emptied=emptied)
    by_entity: dict[str, list[Instance]] = {}
    for one in _lasting(kept, selection):
        by_entity.setdefault(one.entity, []).append(one)
    found = tuple(
        Evolution(entity=one, instances=tuple(by_entity.get(one.id, ()))) for one in page.known
    )
    return Evolutions(found=found, cut=cut)


def _aggregated(
    known: Sequence[KnownEntity], rows: Sequence[Figures], selection: Selection, most: int
) -> Evolutions:
    kept, beyond = fitting(rows, lambda one: one.start, most)
    cut: Cut | None = cut_of([one.start for one in kept], selection) if beyond else None
    by_entity: dict[str, list[Figures]] = {}
    for one in sorted(kept, key=lambda row: row.start):
        by_entity.setdefault(one.entity, []).append(one)
    found = tuple(Evolution(entity=one, figures=tuple(by_entity.get(one.id, ()))) for one in known)
    return Evolutions(found=found, cut=cut)


def _lasting(rows: Sequence[Instance], selection: Selection) -> Sequence[Instance]:
    """Return instances in the order of their times, no more of an attribute than asked for."""
    if selection.last is None:
        return rows
    counts: dict[tuple[str, Iri], int] = {}
    found = []
    for one in rows:
        key = (one.entity, one.attribute)
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= selection.last:
            found.append(one)
    return found[::-1]


async def _refuse_absent(
    connection: Connection, realm: Realm, entity_id: str, names: frozenset[Iri]
) -> None:
    if not await store.has_attributes(connection, realm, entity_id, sorted(names)):
        raise ResourceNotFoundError("exchange.attributes_absent", entity=entity_id)


async def _refuse_unknown(connection: Connection, tenant: str) -> None:
    if not await entity_store.tenant_exists(connection, tenant):
        raise NonexistentTenantError("exchange.tenant_unknown", tenant=tenant)
