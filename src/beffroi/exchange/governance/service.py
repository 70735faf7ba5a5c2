"""The verbs on treatments and policies, and on who read personal data."""

from collections.abc import Sequence
from typing import Final

import msgspec

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.governance import holdings, journal_store, rule_store
from beffroi.exchange.governance.checking import mistakes_of_policy, treatment_mistakes
from beffroi.exchange.governance.declared import Policy, Treatment
from beffroi.exchange.governance.errors import RuleRefusedError, RuleUnknownError
from beffroi.exchange.governance.holdings import OwnedType
from beffroi.exchange.governance.journal_store import HeldAccess
from beffroi.exchange.governance.retaining import keep_retentions
from beffroi.exchange.governance.rule_store import HeldPolicy, HeldTreatment, RuleKind
from beffroi.exchange.governance.rules import RULES_CHANGED, Rules
from beffroi.exchange.model import Iri
from beffroi.kernel.database import Connection, Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import Event, append
from beffroi.kernel.rights.model import Actor, Permission

JOURNAL_PAGE: Final = 200
_JOURNAL_FILE: Final = 10_000


class Register(msgspec.Struct, frozen=True):
    """An organisation's treatments, and what has none.

    Attributes:
        untold: Types that it holds entities of and that no treatment names.
        incomplete: Names of treatments that lack an owner or a purpose.
    """

    organisation: str
    treatments: Sequence[HeldTreatment]
    untold: Sequence[OwnedType]
    incomplete: tuple[str, ...]


class Governance:
    """What organisations decide on their entities."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self._database = database
        self._rules = rules

    async def register(self, actor: Actor, organisation: str | None = None) -> Register:
        """Return the register of an organisation; left out: the asker's own."""
        owner = actor.organisation if organisation is None else organisation
        actor.require(Permission.READ, owner)
        async with self._database.transaction(EVERYTHING) as connection:
            held = await rule_store.treatments(connection, owner)
            types = await holdings.owned_types(connection, owner)
        told = _types_of(held)
        return Register(
            owner,
            held,
            [one for one in types if one.type not in told],
            tuple(one.name for one in held if not (one.treatment.owner and one.treatment.purpose)),
        )

    async def policies(self, actor: Actor, organisation: str | None = None) -> list[HeldPolicy]:
        """Return the policies of an organisation; left out: the asker's own."""
        owner = actor.organisation if organisation is None else organisation
        actor.require(Permission.READ, owner)
        async with self._database.transaction(EVERYTHING) as connection:
            return await rule_store.policies(connection, owner)

    async def put(
        self, actor: Actor, rule: Treatment | Policy, organisation: str | None = None
    ) -> None:
        """Keep a treatment or a policy, in the place of the one of its name.

        Raises:
            RuleRefusedError: It contradicts itself.
        """
        owner = _decided_by(actor, organisation)
        wrong = (
            treatment_mistakes(rule) if isinstance(rule, Treatment) else mistakes_of_policy(rule)
        )
        if found := list(wrong):
            raise RuleRefusedError(rule.name, found)
        async with self._database.transaction(EVERYTHING) as connection:
            before = await rule_store.treatments(connection, owner)
            await rule_store.keep(connection, owner, "", rule, actor.name)
            await _changed(connection, owner, before)
        await self._rules.renew()

    async def remove(
        self, actor: Actor, kind: RuleKind, name: str, organisation: str | None = None
    ) -> None:
        """Forget a treatment or a policy.

        Raises:
            RuleUnknownError: There is none of that name.
        """
        owner = _decided_by(actor, organisation)
        async with self._database.transaction(EVERYTHING) as connection:
            before = await rule_store.treatments(connection, owner)
            if not await rule_store.drop(connection, owner, kind, name):
                raise RuleUnknownError("exchange.rule_unknown", name=name)
            await _changed(connection, owner, before)
        await self._rules.renew()

    async def accesses(
        self, actor: Actor, organisation: str | None = None, before: int | None = None
    ) -> list[HeldAccess]:
        """Return who read personal data of an organisation, the last first."""
        owner = _decided_by(actor, organisation)
        async with self._database.transaction(EVERYTHING) as connection:
            return await journal_store.accesses(
                connection, owner, before=before, limit=JOURNAL_PAGE
            )

    async def all_accesses(self, actor: Actor, organisation: str | None = None) -> list[HeldAccess]:
        """Return the last 10,000 accesses to personal data of an organisation."""
        owner = _decided_by(actor, organisation)
        async with self._database.transaction(EVERYTHING) as connection:
            return await journal_store.accesses(connection, owner, before=None, limit=_JOURNAL_FILE)


async def _changed(
    connection: Connection, organisation: str, before: Sequence[HeldTreatment]
) -> None:
    after = await rule_store.treatments(connection, organisation)
    await keep_retentions(connection, organisation, bare(before), bare(after))
    await tell_changed(connection, organisation)


def bare(held: Sequence[HeldTreatment]) -> list[Treatment]:
    """Return treatments without whose they are."""
    return [one.treatment for one in held]


async def tell_changed(connection: Connection, organisation: str) -> None:
    """Tell every process that an organisation's rules changed, as the last act of a commit."""
    await append(connection, Event(RULES_CHANGED, organisation, organisation))


def _decided_by(actor: Actor, organisation: str | None) -> str:
    owner = actor.organisation if organisation is None else organisation
    actor.require(Permission.HOST, owner)
    return owner


def _types_of(held: Sequence[HeldTreatment]) -> frozenset[Iri]:
    return frozenset(CORE.expand(name) for one in held for name in one.treatment.types)
