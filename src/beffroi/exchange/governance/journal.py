"""Accesses to personal data, written before the answer goes out; those that meet, together."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from beffroi.exchange.asking.reach import ToldOfPersons
from beffroi.exchange.governance import journal_store
from beffroi.exchange.governance.journal_store import Access
from beffroi.exchange.governance.rules import Personal, Rules
from beffroi.exchange.model import Entity, Iri
from beffroi.kernel.database import Connection, Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import GroupCommit, Written
from beffroi.kernel.rights.model import Actor

IDS_MOST: Final = 100


class AccessJournal:
    """Notes who read what of persons; ``run`` must be running for a note to end."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self._rules = rules
        self._writer = GroupCommit(database, EVERYTHING, _write)

    async def run(self) -> None:
        """Write what is noted until cancelled."""
        await self._writer.run()

    async def note(
        self, actor: Actor, tenant: str, verb: str, read: Iterable[tuple[str, Entity]]
    ) -> None:
        """Note what of the entities is personal; return once that is committed.

        Args:
            actor: Who reads.
            tenant: Of the entities.
            verb: How they are read.
            read: Each entity, as it is told, after the organisation that it belongs to.
        """
        personal = await self._rules.personal()
        if not personal:
            return
        found = _gathered(personal, read)
        for (organisation, treatment), gathering in found.items():
            reader = _Reader(actor.name, actor.organisation, verb, actor.purpose, tenant)
            await self._writer.submit(_access(reader, organisation, treatment, gathering))

    async def note_told(self, connection: Connection, told: Iterable[ToldOfPersons]) -> None:
        """Note what notifications tell of persons, in the transaction that keeps these."""
        personal = await self._rules.personal()
        if not personal:
            return
        accesses = []
        for one in told:
            reader = _Reader(one.subscription, one.organisation, "notification", "", one.tenant)
            found = _gathered(personal, [(one.owner, one.entity)])
            accesses += [
                _access(reader, organisation, treatment, gathering)
                for (organisation, treatment), gathering in found.items()
            ]
        if accesses:
            await journal_store.keep(connection, accesses)


class _Reader(NamedTuple):
    actor: str
    organisation: str
    verb: str
    purpose: str
    tenant: str


class _Gathering:
    """What one answer tells under one treatment."""

    def __init__(self) -> None:
        self.ids: set[str] = set()
        self.types: set[Iri] = set()
        self.attributes: set[Iri] = set()

    def add(self, entity_id: str, kind: Iri, attributes: Iterable[Iri]) -> None:
        self.ids.add(entity_id)
        self.types.add(kind)
        self.attributes.update(attributes)

    @property
    def listed(self) -> tuple[str, ...]:
        return tuple(sorted(self.ids)) if len(self.ids) <= IDS_MOST else ()


def _gathered(
    personal: Mapping[tuple[str, Iri], Personal], read: Iterable[tuple[str, Entity]]
) -> Mapping[tuple[str, str], _Gathering]:
    """Gather what is personal, by organisation and treatment."""
    gathered: dict[tuple[str, str], _Gathering] = {}
    for organisation, entity in read:
        for kind in entity.types:
            found = personal.get((organisation, kind))
            told = found.told(entity.attributes) if found else None
            if found is None or not told:
                continue
            gathering = gathered.setdefault((organisation, found.treatment), _Gathering())
            gathering.add(entity.id, kind, told)
    return gathered


def _access(reader: _Reader, organisation: str, treatment: str, gathering: _Gathering) -> Access:
    return Access(
        organisation=organisation,
        actor=reader.actor,
        actor_organisation=reader.organisation,
        verb=reader.verb,
        purpose=reader.purpose,
        tenant=reader.tenant,
        treatment=treatment,
        types=tuple(sorted(gathering.types)),
        attributes=tuple(sorted(gathering.attributes)),
        entities=len(gathering.ids),
        ids=gathering.listed,
    )


async def _write(connection: Connection, accesses: Sequence[Access]) -> Written[None]:
    await journal_store.keep(connection, accesses)
    return Written([None] * len(accesses), ())
