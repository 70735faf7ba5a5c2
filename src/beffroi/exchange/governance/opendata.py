"""Open data: what policies give to everybody, as data sets with files of their entities."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec

from beffroi.exchange.asking import inventory
from beffroi.exchange.asking import store as asked_store
from beffroi.exchange.asking.question import SqlFilter
from beffroi.exchange.asking.reach import Realm, asking
from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.governance import opendata_store
from beffroi.exchange.governance.declared import Policy, Showing
from beffroi.exchange.governance.errors import RuleUnknownError
from beffroi.exchange.governance.guarding import PUBLIC, PolicyGuard
from beffroi.exchange.governance.opendata_store import Extent
from beffroi.exchange.governance.rules import Rules
from beffroi.exchange.model import Entity, Iri
from beffroi.exchange.representation.changing import alive
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database

_BATCH: Final = 500
PLATFORM_OWNER: Final = "_"
"""What stands in addresses for the platform itself, which has no name of its own."""


class DataSet(msgspec.Struct, frozen=True):
    """A type of entities that a policy gives to everybody.

    Attributes:
        owner: The organisation that gives it.
        name: In its address, under that of its policy.
    """

    owner: str
    policy: Policy
    type: Iri
    name: str

    @property
    def path(self) -> str:
        """Return the address of its files, without what tells them apart."""
        return f"/open/{self.owner or PLATFORM_OWNER}/{self.policy.name}/{self.name}"


class DescribedDataSet(msgspec.Struct, frozen=True):
    """A data set, and what it covers now."""

    data_set: DataSet
    extent: Extent


class OpenData:
    """Reads for everybody."""

    def __init__(
        self, database: Database, rules: Rules, guard: PolicyGuard, public_url: str, clock: Clock
    ) -> None:
        self._database = database
        self._rules = rules
        self._guard = guard
        self._clock = clock
        self.public_url = public_url

    async def data_sets(self) -> Sequence[DataSet]:
        """Return what is open, by organisation and policy."""
        return [
            DataSet(held.organisation, held.policy, CORE.expand(name), _slug(CORE.expand(name)))
            for held in await self._rules.public_policies()
            if held.policy.showing is not Showing.COUNTS and not held.policy.purposes
            for name in held.policy.types
        ]

    async def described(self) -> Sequence[DescribedDataSet]:
        """Return what is open, with what it covers."""
        found = []
        for one in await self.data_sets():
            realm = await self._realm(one)
            async with asking(self._database, realm.reach) as connection:
                extent = await opendata_store.extent_of(connection, realm, one.type)
            found.append(DescribedDataSet(one, extent))
        return found

    async def data_set(self, owner: str, policy: str, name: str) -> DataSet:
        """Return one.

        Raises:
            RuleUnknownError: Nothing of that name is open.
        """
        for one in await self.data_sets():
            if (one.owner or PLATFORM_OWNER, one.policy.name, one.name) == (owner, policy, name):
                return one
        raise RuleUnknownError("exchange.rule_unknown", name=f"{owner}/{policy}/{name}")

    async def columns(self, data_set: DataSet) -> list[Iri]:
        """Return the attributes that are shown of a data set, by name."""
        realm = await self._realm(data_set)
        async with asking(self._database, realm.reach) as connection:
            uses = await inventory.type_uses(connection, realm, data_set.type, None)
        return [one.attribute for one in uses if one.attribute]

    async def entities(self, data_set: DataSet) -> AsyncIterator[Entity]:
        """Yield the entities of a data set as they are now, in the order of creation."""
        asked = SqlFilter("e.types @> array[%s::text]", (data_set.type,))
        realm, after, now = await self._realm(data_set), 0, self._clock.now()
        while True:
            async with asking(self._database, realm.reach) as connection:
                held = await asked_store.entities(
                    connection, realm, asked, after=after, limit=_BATCH
                )
            shown = [entity for one in held if (entity := alive(one.entity, now))]
            read = [(data_set.owner, one) for one in shown]
            await self._guard.note(PUBLIC, data_set.policy.tenant, "export", read)
            for one in shown:
                yield one
            if len(held) < _BATCH:
                return
            after = held[-1].number

    async def _realm(self, data_set: DataSet) -> Realm:
        """Reach what this policy gives, and nothing that another gives besides."""
        realm = await self._guard.realm(PUBLIC, data_set.policy.tenant)
        owner, name = data_set.owner, data_set.policy.name
        grants = tuple(one for one in realm.reach.grants if (one.owner, one.name) == (owner, name))
        return Realm(realm.tenant, msgspec.structs.replace(realm.reach, grants=grants))


def _slug(iri: Iri) -> str:
    short = iri.rstrip("/#").replace("#", "/").rpartition("/")[2]
    return "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in short) or "type"
