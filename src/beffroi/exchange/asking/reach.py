"""Which rows an asker reaches: the one place that says so for questions over many entities.

PostgreSQL uses no index for operators that are not leakproof behind row-level security. Questions
therefore read ``exchange.entity_asked``, past the policies of ``exchange.entity``, and carry this
condition instead; so do those of history and of deleted entities, which ``asking`` opens. Whatever
does not ask through here is held by row-level security.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from typing import Final, Protocol

import msgspec

from beffroi.exchange.asking.question import SqlFilter
from beffroi.exchange.errors import TooComplexQueryError
from beffroi.exchange.governance import seeing
from beffroi.exchange.governance.granting import Grant, mark_of
from beffroi.exchange.model import Entity, Iri
from beffroi.exchange.store import HeldEntity
from beffroi.kernel.database import Connection, Database, Scope, execute
from beffroi.kernel.database.failures import StatementStopped
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.rights.model import Actor

ENTITIES: Final = "exchange.entity_asked e"
"""What questions read in the place of ``exchange.entity e``."""

QUESTION_S: Final = 10.0
"""How long a question may take; what takes longer holds a connection that others need."""

_ALL: Final = SqlFilter("true")
_OPEN: Final = """
select set_config('beffroi.asks', 'on', true), set_config('statement_timeout', %s, true)
"""


class Reach(msgspec.Struct, frozen=True):
    """What an asker may see.

    Attributes:
        scope: Whose rows are the asker's own.
        grants: What other organisations let the asker see beyond that.
    """

    scope: Scope
    grants: tuple[Grant, ...] = ()

    def rows(self) -> tuple[SqlFilter, SqlFilter]:
        """Return what to read as ``e``, less what may not be seen, and the condition on it."""
        rows = seeing.seen_rows(self._own("e"), self.grants, ENTITIES)
        return (SqlFilter(ENTITIES), self.condition()) if rows is None else (rows, _ALL)

    def condition(self) -> SqlFilter:
        """Return the condition on ``exchange.entity e`` for those seen under their ids."""
        return seeing.plain_condition(self._own("e"), self.grants)

    def evolution_condition(self) -> SqlFilter:
        """Return the condition on ``exchange.evolution e``."""
        return seeing.evolution_condition(self._own("e"), self.grants)

    def history_condition(self) -> SqlFilter:
        """Return the condition on ``exchange.history h``."""
        return seeing.history_condition(self._own("h"), self.grants, ENTITIES)

    def seen(self, held: HeldEntity) -> Entity | None:
        """Return a whole entity less what may not be seen of it, or nothing."""
        scope = self.scope
        if scope.everything or (scope.organisation and scope.organisation == held.organisation):
            return held.entity
        return seeing.seen_entity(self.grants, held.organisation, held.entity)

    def told_names(self, owner: str, entity: Entity) -> frozenset[Iri] | None:
        """Return the attributes of another's entity whose changes may be told; nothing: all."""
        return seeing.told_names(self.grants, owner, entity)

    def given_by(self, owner: str, entity: Entity) -> tuple[str, ...]:
        """Return the marks of the grants by which another's whole entity is seen."""
        return tuple(sorted(map(mark_of, seeing.showing(self.grants, owner, entity))))

    def marks(self, owners: Collection[str] | None = None) -> frozenset[str]:
        """Return the marks of the grants; of some owners, or of all."""
        return frozenset(
            mark_of(one) for one in self.grants if owners is None or one.owner in owners
        )

    def _own(self, table: str) -> SqlFilter:
        if self.scope.everything:
            return _ALL
        if not self.scope.organisation:
            return seeing.NOTHING
        return SqlFilter(f"{table}.organisation = %s", (self.scope.organisation,))


class Realm(msgspec.Struct, frozen=True):
    """Whose entities a question is about: those of a tenant, as far as the asker reaches."""

    tenant: str
    reach: Reach


EVERYWHERE: Final = Reach(EVERYTHING)
"""What the platform itself reaches."""


def reach_of(actor: Actor) -> Reach:
    """Return what an account reaches of its own."""
    return Reach(actor.scope)


class ToldOfPersons(msgspec.Struct, frozen=True):
    """A notification that may tell of a person.

    Attributes:
        subscription: Its id.
        organisation: Whose subscription.
        owner: To whom the entity belongs.
    """

    subscription: str
    organisation: str
    tenant: str
    owner: str
    entity: Entity


class DataGuard(Protocol):
    """Tells what askers reach, and takes note of what they read."""

    async def realm(self, actor: Actor, tenant: str) -> Realm:
        """Return what an account reaches of a tenant, with what others give it."""
        ...

    async def note(
        self, actor: Actor, tenant: str, verb: str, read: Iterable[tuple[str, Entity]]
    ) -> None:
        """Note what is read of persons; return once that is kept.

        Args:
            actor: Who reads.
            tenant: Of the entities.
            verb: How they are read.
            read: Each entity, as it is told, after the organisation that it belongs to.
        """
        ...

    async def renew(self) -> None:
        """Read anew what is given: another process may have changed it a moment ago."""
        ...

    async def givers(self) -> frozenset[str]:
        """Return the organisations that give anything to anybody."""
        ...

    async def subscribed(self, scope: Scope, tenant: str) -> Reach:
        """Return what a subscription reaches of a tenant: it names no purpose."""
        ...

    async def note_told(self, connection: Connection, told: Iterable[ToldOfPersons]) -> None:
        """Note what is told of persons by notifications, in the commit that keeps these."""
        ...


class OwnDataGuard:
    """Where nobody gives anything to anybody, and nothing is personal."""

    async def realm(self, actor: Actor, tenant: str) -> Realm:
        """Return what is an account's own of a tenant."""
        return Realm(tenant, reach_of(actor))

    async def note(
        self, actor: Actor, tenant: str, verb: str, read: Iterable[tuple[str, Entity]]
    ) -> None:
        """Let it be."""

    async def renew(self) -> None:
        """Let it be."""

    async def givers(self) -> frozenset[str]:
        """Return nobody."""
        return frozenset()

    async def subscribed(self, scope: Scope, tenant: str) -> Reach:  # noqa: ARG002
        """Return a subscriber's own."""
        return Reach(scope)

    async def note_told(self, connection: Connection, told: Iterable[ToldOfPersons]) -> None:
        """Let it be."""


OWN_DATA: Final[DataGuard] = OwnDataGuard()


@asynccontextmanager
async def asking(
    database: Database, reach: Reach, within_s: float = QUESTION_S
) -> AsyncIterator[Connection]:
    """Open a transaction for questions, which carry the conditions of the reach.

    Raises:
        TooComplexQueryError: The answer took longer than it may.
    """
    milliseconds = str(round(within_s * 1000))
    try:
        async with asyncio.timeout(within_s), database.transaction(reach.scope) as connection:
            try:
                await execute(connection, _OPEN, (milliseconds,))
                yield connection
            except StatementStopped as error:
                raise _too_long(within_s) from error
    except TimeoutError as error:
        raise _too_long(within_s) from error


def _too_long(within_s: float) -> TooComplexQueryError:
    return TooComplexQueryError("exchange.asked_out_of_time", seconds=within_s)
