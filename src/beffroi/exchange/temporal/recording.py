"""Changes of history itself: told later, corrected, deleted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from beffroi.exchange import store
from beffroi.exchange.changes import number_of
from beffroi.exchange.errors import (
    AlreadyExistsError,
    BadRequestDataError,
    ResourceNotFoundError,
)
from beffroi.exchange.model import Attribute, Iri
from beffroi.exchange.representation.fragments import AttributeFragment
from beffroi.exchange.representation.making import made
from beffroi.exchange.representation.patching import patched
from beffroi.exchange.retention import rollup_store
from beffroi.exchange.retention.correcting import Touched, figures_in_step
from beffroi.exchange.store import EvolutionRow, Key
from beffroi.exchange.temporal import record_store
from beffroi.exchange.temporal.documents import Record, Recorded
from beffroi.exchange.temporal.instance_ids import InstanceKey, instance_id
from beffroi.exchange.temporal.record_store import HistoryRow, KnownOwner
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Connection, Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import Event, append
from beffroi.kernel.rights.model import Actor, Permission


class Recorder:
    """Changes what history tells; what is so now stays."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._days: set[date] = set()

    async def record(self, actor: Actor, tenant: str, record: Record) -> bool:
        """Add instances to the history of an entity, and the entity itself where it is unknown.

        Returns:
            Whether it was unknown.

        Raises:
            AlreadyExistsError: It belongs to another organisation.
            BadRequestDataError: It is unknown, and the record tells no type.
        """
        async with self._writing(actor, (tenant, record.id)) as connection:
            owner = await record_store.owner_of(connection, (tenant, record.id))
            if owner is not None and not _reaches(actor, owner):
                raise AlreadyExistsError("exchange.entity_exists", id=record.id)
            if owner is None and not record.types:
                raise BadRequestDataError("exchange.type_missing")
            await self._keep(connection, actor, tenant, record, owner)
            return owner is None

    async def add(self, actor: Actor, tenant: str, record: Record) -> None:
        """Add instances to the history of an entity that is known.

        Raises:
            ResourceNotFoundError: It is not, or not to this actor.
        """
        async with self._writing(actor, (tenant, record.id)) as connection:
            owner = await self._known(connection, actor, (tenant, record.id))
            await self._keep(connection, actor, tenant, record, owner)

    async def correct(
        self, actor: Actor, key: Key, iri: Iri, instance: InstanceKey, part: AttributeFragment
    ) -> None:
        """Put another instance in the place of one; without a value, change a part of it.

        Raises:
            ResourceNotFoundError: There is no such entity, attribute or instance.
            BadRequestDataError: The change does not fit the instance.
        """
        async with self._writing(actor, key) as connection:
            owner = await self._known(connection, actor, key)
            was = await record_store.instance_of(connection, key, actor.scope, iri, instance)
            if was is None:
                raise _instance_unknown(instance)
            now = self._clock.now()
            row = _row(key, owner.organisation, iri, _corrected(was.said, part, now), now)
            async with figures_in_step(connection, Touched(*key, [iri], [was.at, row.at])):
                await record_store.correct_instance(connection, row, actor.scope, instance)
            await _tell(connection, "corrected", key, owner, attribute=iri, before=was.said)

    async def delete_instance(
        self, actor: Actor, key: Key, iri: Iri, instance: InstanceKey
    ) -> None:
        """Delete one instance.

        Raises:
            ResourceNotFoundError: There is no such entity, attribute or instance.
        """
        async with self._writing(actor, key) as connection:
            owner = await self._known(connection, actor, key)
            was = await record_store.instance_of(connection, key, actor.scope, iri, instance)
            if was is None:
                raise _instance_unknown(instance)
            async with figures_in_step(connection, Touched(*key, [iri], [was.at])):
                await record_store.delete_instance(connection, key, actor.scope, iri, instance)
            await _tell(connection, "deleted", key, owner, attribute=iri, instances=1)

    async def delete_attribute(
        self, actor: Actor, key: Key, iri: Iri, dataset_id: str | None
    ) -> None:
        """Delete instances of an attribute.

        Args:
            actor: Who asks.
            key: Of the entity.
            iri: Which attribute.
            dataset_id: Of which data set; nothing: of all.

        Raises:
            ResourceNotFoundError: There is no such entity, or it has none of these instances.
        """
        async with self._writing(actor, key) as connection:
            owner = await self._known(connection, actor, key)
            async with figures_in_step(connection, Touched(*key, [iri])):
                count = await record_store.delete_attribute(
                    connection, key, actor.scope, iri, dataset_id
                )
                if not count:
                    raise ResourceNotFoundError("exchange.attributes_absent", entity=key[1])
            await _tell(connection, "deleted", key, owner, attribute=iri, instances=count)

    async def delete(self, actor: Actor, key: Key) -> None:
        """Delete all that history knows of an entity.

        Raises:
            ResourceNotFoundError: It knows nothing of it.
        """
        async with self._writing(actor, key) as connection:
            owner = await self._known(connection, actor, key)
            count = await record_store.delete_all(connection, key, actor.scope)
            if not count:
                raise ResourceNotFoundError("exchange.evolution_unknown", id=key[1])
            await rollup_store.forget_entity(connection, *key)
            await _tell(connection, "deleted", key, owner, rows=count)

    @asynccontextmanager
    async def _writing(self, actor: Actor, key: Key) -> AsyncIterator[Connection]:
        actor.require(Permission.WRITE_DATA, actor.organisation)
        async with self._database.transaction(EVERYTHING) as connection:
            await record_store.hold(connection, key)
            yield connection

    async def _known(self, connection: Connection, actor: Actor, key: Key) -> KnownOwner:
        owner = await record_store.owner_of(connection, key)
        if owner is None or not _reaches(actor, owner):
            raise ResourceNotFoundError("exchange.evolution_unknown", id=key[1])
        return owner

    async def _keep(
        self,
        connection: Connection,
        actor: Actor,
        tenant: str,
        record: Record,
        owner: KnownOwner | None,
    ) -> None:
        now = self._clock.now()
        known = owner or KnownOwner(actor.organisation, lives=False, types=(), scopes=())
        await self._make_ready(connection, tenant, now)
        if not known.lives:
            await store.keep_evolutions(connection, [_evolution(tenant, record, known, now)])
        rows = [
            _recorded_row((tenant, record.id), known.organisation, one, now)
            for one in record.instances
        ]
        names = sorted({one.attribute for one in record.instances})
        key = (tenant, record.id)
        if rows:
            again = await record_store.times_told_again(connection, rows)
            async with figures_in_step(connection, Touched(*key, names, again)):
                await record_store.tell(connection, rows)
        await _tell(connection, "added", key, known, attributes=names, instances=len(rows))

    async def _make_ready(self, connection: Connection, tenant: str, now: datetime) -> None:
        await store.add_tenants(connection, [tenant])
        if now.date() not in self._days and await store.keep_day(connection, now.date()):
            self._days = {now.date()}


def _reaches(actor: Actor, owner: KnownOwner) -> bool:
    return actor.scope.everything or actor.organisation == owner.organisation


def _corrected(was: Attribute, part: AttributeFragment, now: datetime) -> Attribute:
    if part.value is UNSET:
        return patched(was, part, now)
    return replace(made(part, was, now), dataset_id=was.dataset_id)


def _instance_unknown(instance: InstanceKey) -> ResourceNotFoundError:
    name = instance_id(instance.day, instance.number)
    return ResourceNotFoundError("exchange.instance_unknown", instance=name)


def _evolution(tenant: str, record: Record, known: KnownOwner, now: datetime) -> EvolutionRow:
    return EvolutionRow(
        tenant=tenant,
        organisation=known.organisation,
        id=record.id,
        types=tuple(dict.fromkeys((*known.types, *record.types))),
        scopes=known.scopes if record.scopes is None else record.scopes,
        created_at=now,
        modified_at=now,
        deleted_at=None,
    )


def _recorded_row(key: Key, organisation: str, one: Recorded, now: datetime) -> HistoryRow:
    return _row(key, organisation, one.attribute, one.instance, now, ended=one.ended)


def _row(
    key: Key,
    organisation: str,
    attribute: Iri,
    instance: Attribute,
    now: datetime,
    *,
    ended: bool = False,
) -> HistoryRow:
    return HistoryRow(
        tenant=key[0],
        entity=key[1],
        organisation=organisation,
        at=instance.observed_at or now,
        written_at=now,
        ended=ended,
        value=None if ended else number_of(instance),
        attribute=attribute,
        dataset_id=instance.dataset_id,
        instance=instance,
    )


async def _tell(
    connection: Connection,
    what: str,
    key: Key,
    owner: KnownOwner,
    **told: Any,  # noqa: ANN401
) -> None:
    body = {"tenant": key[0], **told}
    await append(connection, Event(f"exchange.history_{what}", key[1], owner.organisation, body))
