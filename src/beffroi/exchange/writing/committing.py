"""The one writer: decides on entities in order of arrival, and writes a group at once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Final, NamedTuple

import msgspec

from beffroi.exchange import store
from beffroi.exchange.errors import AlreadyExistsError, ExchangeError
from beffroi.exchange.geometry import bounds_of
from beffroi.exchange.model import LOCATION, AttributeKind, Entity
from beffroi.exchange.representation.changing import alive
from beffroi.exchange.store import (
    ChangeRow,
    EntityRow,
    EvolutionRow,
    FoundEntity,
    HeldEntity,
    KeptEntity,
    Key,
)
from beffroi.exchange.writing.known_names import KnownNames, Name, added_names
from beffroi.exchange.writing.name_words import (
    NAMES,
    Called,
    forget_words,
    keep_words,
    name_told,
)
from beffroi.exchange.writing.noting import Notes
from beffroi.exchange.writing.recent import RecentEntities
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Connection, Scope
from beffroi.kernel.errors import ConflictError
from beffroi.kernel.log import Written

Decide = Callable[[Entity | None], Entity | None]
Passes = Callable[[str, str, str, Entity | None, Entity], None]
"""Looks at an entity before it is written, as ``exchange.models.guard.Guard.passes`` does."""
_DAY: Final = timedelta(days=1)


class Command(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A change of one entity.

    Attributes:
        scope: Whose entities the asker may change; those it creates are its organisation's.
        decide: From the entity as it is, or nothing, to what it is to be; nothing: it is deleted.
            Raises an ``ExchangeError`` where it may not be.
        account: Who asks.
        is_judged: It has to fit the model of its type, where its owner has others refused.
    """

    tenant: str
    id: str
    scope: Scope
    decide: Decide
    account: str = ""
    is_judged: bool = True


Outcome = ExchangeError | None


class EntityWriter:
    """Writes groups of commands; what ``GroupCommit`` calls.

    Args:
        clock: Tells the day that history is written on.
        passes: Looks at what is to be written.
    """

    def __init__(self, clock: Clock, passes: Passes | None = None) -> None:
        self._clock = clock
        self._passes = passes
        self._days: set[date] = set()
        self._tenants: set[str] = {""}
        self._recent = RecentEntities()
        self._names = KnownNames()

    async def write(
        self, connection: Connection, requests: Sequence[Sequence[Command]]
    ) -> Written[Sequence[Outcome]]:
        """Carry each command out, or tell why it may not be; write what changed."""
        now = self._clock.now()
        commands = [one for request in requests for one in request]
        await self._make_ready(connection, commands, now)
        found = await self._found(connection, commands)
        group = _Group(self._recent.completed(found), now, self._passes)
        outcomes = iter([group.outcome(one) for one in commands])
        await self._keep(connection, group, found)
        return Written([tuple(islice(outcomes, len(one))) for one in requests], group.notes.events)

    async def _found(
        self, connection: Connection, commands: Sequence[Command]
    ) -> Mapping[Key, FoundEntity]:
        self._recent.begin(connection)
        keys = sorted({(one.tenant, one.id) for one in commands})
        known = self._recent.versions(keys)
        return await store.held_for_update(connection, keys, known)

    async def _keep(
        self, connection: Connection, group: "_Group", found: Mapping[Key, FoundEntity]
    ) -> None:
        rows = group.rows()
        kept: Mapping[Key, KeptEntity] = {}
        if rows.kept:
            kept = await store.keep_entities(connection, rows.kept)
            if any(one.is_new == (key in found) for key, one in kept.items()):
                # Another process made it meanwhile: it is looked at again, and whose it is.
                raise ConflictError("kernel.changed_meanwhile")
            self._recent.keep((key, group.kept(key, one)) for key, one in kept.items())
        for tenant, changed in rows.changed.items():
            keys = [(tenant, one.id) for one in changed]
            places = [found[key].place for key in keys]
            version, sizes = await store.change_entities(connection, places, changed)
            self._recent.note(version, zip(keys, map(group.decided, keys), sizes, strict=True))
        if rows.gone:
            await store.forget_entities(connection, [found[key].place for key in rows.gone])
        if ended := group.ended():
            await store.keep_evolutions(connection, ended)
        if group.notes.history:
            await store.add_history(connection, group.notes.history)
        await self._names.keep(connection, group.names(rows, self._names))
        went, came = group.renamed(rows, kept)
        await forget_words(connection, went)
        await keep_words(connection, came)

    async def _make_ready(
        self, connection: Connection, commands: Sequence[Command], now: datetime
    ) -> None:
        """Make tenants and partitions that are missing.

        They are taken as there once a second look finds them: the first may be rolled back.
        """
        tenants = {one.tenant for one in commands} - self._tenants
        if tenants and await store.add_tenants(connection, sorted(tenants)):
            self._tenants |= tenants
        days = {now.date(), (now + _DAY).date()}
        # A clock that was wrong goes back to a day that was let go meanwhile.
        self._days &= days
        for day in days - self._days:
            if await store.keep_day(connection, day):
                self._days.add(day)


class _Rows(NamedTuple):
    """What a group writes of entities: whole, in part by tenant, or that they are gone."""

    kept: list[EntityRow]
    changed: dict[str, list[ChangeRow]]
    gone: list[Key]


class _Group:
    """The entities that a group of commands touches, as found and as decided so far."""

    def __init__(
        self, held: Mapping[Key, HeldEntity], now: datetime, passes: Passes | None
    ) -> None:
        self._held = held
        self._now = now
        self._passes = passes
        self._decided: dict[Key, tuple[str, Entity | None]] = {
            key: (one.organisation, one.entity) for key, one in held.items()
        }
        self.notes = Notes(now)

    def outcome(self, command: Command) -> Outcome:
        """Decide one; what was not allowed changes nothing."""
        key = (command.tenant, command.id)
        owner, before = self._decided.get(key, ("", None))
        before = before and alive(before, self._now)
        if before is None:
            owner = ""
        reached = before if _reaches(command.scope, owner) else None
        if before is None:
            owner = command.scope.organisation
        try:
            after = command.decide(reached)
            if reached is None and before is not None:
                return AlreadyExistsError("exchange.entity_exists", id=command.id)
            if after is not None and self._passes is not None and command.is_judged:
                self._passes(command.tenant, owner, command.account, before, after)
        except ExchangeError as error:
            return error
        self._decided[key] = (owner, after)
        self.notes.note(key, owner, before, after)
        return None

    def rows(self) -> _Rows:
        """Return what has to be written of the entities."""
        rows = _Rows([], {}, [])
        for key, (owner, entity) in self._decided.items():
            held = self._held.get(key)
            if entity is None:
                if held is not None:
                    rows.gone.append(key)
            elif held is None or held.organisation != owner or _differs(held.entity, entity):
                rows.kept.append(_row(key[0], owner, entity))
            elif held.entity is not entity:
                rows.changed.setdefault(key[0], []).append(_change_row(held.entity, entity))
        return rows

    def names(self, rows: _Rows, known: KnownNames) -> Iterator[Name]:
        """Yield what attributes entities have that they had not before."""
        for one in rows.kept:
            yield from known.unknown_of(one.tenant, one.organisation, one.types, one.document)
        for tenant, changed in rows.changed.items():
            for change in changed:
                held = self._held[tenant, change.id]
                yield from added_names(tenant, held.organisation, held.entity, change.changed)

    def renamed(
        self, rows: _Rows, kept: Mapping[Key, KeptEntity]
    ) -> tuple[list[Called], list[Called]]:
        """Return the names that entities lost, and those that they got."""
        keys = [*kept, *rows.gone]
        for tenant, changed in rows.changed.items():
            keys.extend(
                (tenant, one.id)
                for one in changed
                if not NAMES.isdisjoint((*one.changed, *one.gone))
            )
        went, came = [], []
        for key in keys:
            held, (owner, entity) = self._held.get(key), self._decided[key]
            before = "" if held is None else name_told(held.entity.attributes)
            after = "" if entity is None else name_told(entity.attributes)
            number = kept[key].number if held is None else held.number
            earlier = owner if held is None else held.organisation
            if (before, earlier) != (after, owner):
                if before:
                    went.append(Called(key[0], earlier, number, before))
                if after:
                    came.append(Called(key[0], owner, number, after, is_new=held is None))
        return went, came

    def decided(self, key: Key) -> HeldEntity:
        """Return what became of an entity that was there and is still."""
        owner, entity = self._decided[key]
        return HeldEntity(owner, self._held[key].number, entity or self._held[key].entity)

    def kept(self, key: Key, kept: KeptEntity) -> FoundEntity:
        """Return an entity that was written whole, as the next one finds it."""
        owner, entity = self._decided[key]
        held = None if entity is None else HeldEntity(owner, kept.number, entity)
        return FoundEntity(kept.version, kept.size, held)

    def ended(self) -> list[EvolutionRow]:
        """Return what history has to know of the entities that are deleted at the end."""
        gone = [key for key, (_, entity) in self._decided.items() if entity is None]
        return [row for key in gone if (row := self.notes.ended(key)) is not None]


def _differs(held: Entity, entity: Entity) -> bool:
    """Tell whether more changed than attributes, or the one that says where it is."""
    return (
        held.types != entity.types
        or held.scopes != entity.scopes
        or held.created_at != entity.created_at
        or held.expires_at != entity.expires_at
        or held.attributes.get(LOCATION) is not entity.attributes.get(LOCATION)
    )


def _change_row(held: Entity, entity: Entity) -> ChangeRow:
    old, new = held.attributes, entity.attributes
    return ChangeRow(
        id=entity.id,
        changed={name: one for name, one in new.items() if old.get(name) is not one},
        gone=() if old.keys() <= new.keys() else tuple(old.keys() - new.keys()),
        modified_at=entity.modified_at,
    )


def _reaches(scope: Scope, organisation: str) -> bool:
    return scope.everything or scope.organisation == organisation


def _row(tenant: str, organisation: str, entity: Entity) -> EntityRow:
    return EntityRow(
        tenant=tenant,
        organisation=organisation,
        id=entity.id,
        types=entity.types,
        scopes=entity.scopes,
        document=entity.attributes,
        bounds=_bounds(entity),
        created_at=entity.created_at,
        modified_at=entity.modified_at,
        expires_at=entity.expires_at,
    )


def _bounds(entity: Entity) -> str | None:
    for one in entity.attributes.get(LOCATION, ()):
        if not one.dataset_id and one.kind is AttributeKind.GEO_PROPERTY:
            return bounds_of(one.value)
    return None
