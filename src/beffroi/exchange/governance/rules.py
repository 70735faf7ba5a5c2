"""The treatments and policies in force, in the memory of each process that answers."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec

from beffroi.exchange.asking import store as asked_store
from beffroi.exchange.asking.reach import EVERYWHERE, Reach, Realm
from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.governance import rule_store
from beffroi.exchange.governance.declared import Showing
from beffroi.exchange.governance.granting import Grant, grant_of, today
from beffroi.exchange.governance.rule_store import HeldPolicy, HeldTreatment
from beffroi.exchange.model import LOCATION, Iri, Json
from beffroi.exchange.representation.names import attribute_iri
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Connection, Database, Scope
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.rights.model import Actor

RULES_CHANGED: Final = "exchange.rules_changed"
"""Kind of the events that tell that an organisation's rules are other than before."""


class Personal(msgspec.Struct, frozen=True):
    """That entities of a type hold personal data.

    Attributes:
        attributes: Which of theirs are personal; nothing: all.
    """

    treatment: str
    attributes: frozenset[Iri] | None

    def told(self, names: Collection[Iri]) -> frozenset[Iri]:
        """Return the personal ones among attributes."""
        return frozenset(names) if self.attributes is None else self.attributes & frozenset(names)


class _InForce(msgspec.Struct, frozen=True):
    grants: tuple[Grant, ...]
    policies: tuple[HeldPolicy, ...]
    personal: Mapping[tuple[str, Iri], Personal]


class Rules:
    """Tells what is given to whom, and what is personal."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._held: _InForce | None = None
        self._loading = asyncio.Lock()

    async def renew(self) -> None:
        """Read them again."""
        async with self._database.transaction(EVERYTHING) as connection:
            policies = await rule_store.policies(connection, None)
            treatments = await rule_store.treatments(connection, None)
            given = [grant_of(one.organisation, one.policy, None) for one in policies]
            grants = [
                await _outlined(connection, one, self._outlines_for(one.organisation, given))
                if one.policy.outline_of
                else grant
                for one, grant in zip(policies, given, strict=True)
            ]
        self._held = _InForce(tuple(grants), tuple(policies), _personal(treatments))

    async def grants_to(self, organisation: str, purpose: str) -> tuple[Grant, ...]:
        """Return what others give to an organisation for a purpose."""
        held = await self._in_force()
        day = today(self._clock.now())
        return tuple(
            one
            for one in held.grants
            if (one.owner != organisation or not organisation)
            and one.serves(organisation, purpose, day)
        )

    async def granted(self, actor: Actor) -> tuple[Grant, ...]:
        """Return what an actor is given beyond its own organisation's; operators see it all."""
        if actor.scope.everything:
            return ()
        return await self.grants_to(actor.organisation, actor.purpose)

    async def givers(self) -> frozenset[str]:
        """Return the organisations that give anything to anybody."""
        return frozenset(one.owner for one in (await self._in_force()).grants)

    async def public_policies(self) -> Sequence[HeldPolicy]:
        """Return the policies that are for everybody and still hold."""
        held = await self._in_force()
        day = today(self._clock.now())
        return [
            one
            for one in held.policies
            if one.policy.is_public and (one.policy.until is None or day <= one.policy.until)
        ]

    async def personal(self) -> Mapping[tuple[str, Iri], Personal]:
        """Return what is personal, by organisation and type."""
        return (await self._in_force()).personal

    def _outlines_for(self, owner: str, given: Sequence[Grant]) -> Reach:
        """Return where outlines are looked for: what lies in one tells of it.

        Of others' entities those count that are given to the owner under their ids, wherever they
        are or in an area of its own.
        """
        if not owner:
            return EVERYWHERE
        day = today(self._clock.now())
        return Reach(
            Scope(owner),
            tuple(
                one
                for one in given
                if one.owner != owner
                and one.showing is Showing.PLAIN
                and one.serves(owner, "", day)
            ),
        )

    async def _in_force(self) -> _InForce:
        if self._held is None:
            async with self._loading:
                if self._held is None:
                    await self.renew()
        assert self._held is not None  # noqa: S101 - renew has just read them
        return self._held


async def _outlined(connection: Connection, held: HeldPolicy, reach: Reach) -> Grant:
    realm = Realm(held.policy.tenant, reach)
    found = await asked_store.entity_by_id(connection, realm, held.policy.outline_of)
    located = () if found is None else found.entity.attributes.get(LOCATION, ())
    outline: Json = next((one.value for one in located if not one.dataset_id), None)
    return grant_of(held.organisation, held.policy, outline)


def _personal(treatments: Sequence[HeldTreatment]) -> Mapping[tuple[str, Iri], Personal]:
    found: dict[tuple[str, Iri], Personal] = {}
    for held in treatments:
        treatment = held.treatment
        if not treatment.personal:
            continue
        names = frozenset(attribute_iri(one, CORE) for one in treatment.personal_attributes)
        for one in treatment.types:
            found[held.organisation, CORE.expand(one)] = Personal(treatment.name, names or None)
    return found
