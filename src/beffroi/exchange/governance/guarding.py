"""What policies give and what the register calls personal, at each read of entities."""

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from beffroi.exchange.asking.reach import Reach, Realm, ToldOfPersons, reach_of
from beffroi.exchange.governance.declared import EVERYBODY, Showing
from beffroi.exchange.governance.granting import Grant
from beffroi.exchange.governance.journal import AccessJournal
from beffroi.exchange.governance.rules import Rules
from beffroi.exchange.model import Entity
from beffroi.kernel.database import Connection, Scope
from beffroi.kernel.rights.model import Actor, Role
from beffroi.kernel.secrets import SealingKey

PUBLIC: Final = Actor(EVERYBODY, Role.MEMBER)
"""Whoever asks without an account."""


class PolicyGuard:
    """Reaches by the policies in force; reads of personal data are journalled."""

    def __init__(self, rules: Rules, journal: AccessJournal, key: SealingKey) -> None:
        self._rules = rules
        self._journal = journal
        self._key = key

    async def realm(self, actor: Actor, tenant: str) -> Realm:
        """Return what an account reaches of a tenant, with what others give it."""
        grants = await self._rules.granted(actor)
        own = reach_of(actor)
        if not grants:
            return Realm(tenant, own)
        return Realm(tenant, Reach(own.scope, self._reached(grants, actor.organisation, tenant)))

    async def subscribed(self, scope: Scope, tenant: str) -> Reach:
        """Return what a subscription reaches: it names no purpose."""
        if scope.everything:
            return Reach(scope)
        grants = await self._rules.grants_to(scope.organisation, "")
        return Reach(scope, self._reached(grants, scope.organisation, tenant))

    async def note(
        self, actor: Actor, tenant: str, verb: str, read: Iterable[tuple[str, Entity]]
    ) -> None:
        """Note what is read of persons; return once that is kept."""
        await self._journal.note(actor, tenant, verb, read)

    async def renew(self) -> None:
        """Read anew what is given: another process may have changed it a moment ago."""
        await self._rules.renew()

    async def givers(self) -> frozenset[str]:
        """Return the organisations that give anything to anybody."""
        return await self._rules.givers()

    async def note_told(self, connection: Connection, told: Iterable[ToldOfPersons]) -> None:
        """Note what is told of persons by notifications, in the commit that keeps these."""
        await self._journal.note_told(connection, told)

    async def stranger(self) -> Actor | None:
        """Return whoever asks without an account, where anything is for everybody."""
        return PUBLIC if await self._rules.public_policies() else None

    def _reached(
        self, grants: Iterable[Grant], organisation: str, tenant: str
    ) -> tuple[Grant, ...]:
        return tuple(
            replace(one, key=self._pseudonym_key(organisation))
            if one.showing is Showing.PSEUDONYMS
            else one
            for one in grants
            if one.tenant == tenant and one.showing is not Showing.COUNTS
        )

    def _pseudonym_key(self, organisation: str) -> bytes:
        recipient = organisation or EVERYBODY
        secret = self._key.derived(f"exchange pseudonyms for {recipient}")
        return bytes.fromhex(secret.reveal())
