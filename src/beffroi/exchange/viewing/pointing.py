"""Which entities lead to one: asked relationship by relationship, so far as time allows."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from beffroi.exchange.asking.question import Question, SqlFilter, Window, of_type
from beffroi.exchange.asking.reach import DataGuard, Realm, asking
from beffroi.exchange.errors import TooComplexQueryError
from beffroi.exchange.governance.granting import Grant
from beffroi.exchange.governance.seeing import either
from beffroi.exchange.model import AttributeKind, Entity, Iri
from beffroi.exchange.query.conditions import Condition
from beffroi.exchange.query.logic import Only, all_of
from beffroi.exchange.query.terms import Operator, Path, Term
from beffroi.exchange.service import Exchange
from beffroi.kernel.database import Connection, Database, fetch_tuples
from beffroi.kernel.rights.model import Actor

SHOWN: Final = 10
_LINKS_MOST: Final = 12
_WITHIN_S: Final = 2.0
"""For each relationship; one that is asked for often gets an index."""
_KINDS: Final = [AttributeKind.RELATIONSHIP.value, AttributeKind.LIST_RELATIONSHIP.value]
_LINKS: Final = """
select distinct n.type, n.attribute from exchange.type_name n
where n.tenant = %s and n.kind = any(%s) and ({seen})
order by n.attribute, n.type limit %s
"""


class Pointing(msgspec.Struct, frozen=True):
    """Entities of a type that lead somewhere by one relationship.

    Attributes:
        more: There are others.
        unfinished: Not all could be looked at in time.
    """

    type: Iri
    attribute: Iri
    entities: Sequence[Entity]
    more: bool = False
    unfinished: bool = False


class PointingViews:
    """Finds what leads to an entity."""

    def __init__(self, database: Database, exchange: Exchange, guard: DataGuard) -> None:
        self._database = database
        self._exchange = exchange
        self._guard = guard

    async def to(self, actor: Actor, tenant: str, entity_id: str) -> Sequence[Pointing]:
        """Return what leads to an entity, as far as an actor sees it; nothing of what has none."""
        realm = await self._guard.realm(actor, tenant)
        async with asking(self._database, realm.reach) as connection:
            links = await _links(connection, realm)
        found = [await self._by(actor, tenant, entity_id, link) for link in links]
        return [one for one in found if one.entities or one.unfinished]

    async def _by(
        self, actor: Actor, tenant: str, entity_id: str, link: tuple[Iri, Iri]
    ) -> Pointing:
        type_iri, attribute = link
        typed = Question(asked=of_type(type_iri), wanted=lambda entity: type_iri in entity.types)
        # Not by its text: an IRI may hold signs of the query language.
        leads = Term(Path((attribute,)), Operator.EQUAL, (entity_id,))
        condition = Condition(Only(leads), 0, frozenset((attribute,))).question()
        window = Window(offset=0, limit=SHOWN + 1, count=False)
        try:
            async with asyncio.timeout(_WITHIN_S):
                page = await self._exchange.page(actor, tenant, all_of([typed, condition]), window)
        except (TimeoutError, TooComplexQueryError):
            return Pointing(type_iri, attribute, (), unfinished=True)
        return Pointing(type_iri, attribute, page.entities[:SHOWN], more=len(page.entities) > SHOWN)


async def _links(connection: Connection, realm: Realm) -> Sequence[tuple[Iri, Iri]]:
    seen = either([_own(realm), *(_given(one) for one in realm.reach.grants)])
    parameters = (realm.tenant, _KINDS, *seen.parameters, _LINKS_MOST)
    return await fetch_tuples(connection, _LINKS.format(seen=seen.sql), parameters)


def _own(realm: Realm) -> SqlFilter:
    scope = realm.reach.scope
    return SqlFilter("%s or n.organisation = %s", (scope.everything, scope.organisation or None))


def _given(grant: Grant) -> SqlFilter:
    """Return the condition for names of others: one that takes long is told by its name alone."""
    names = None if grant.attributes is None else sorted(grant.attributes)
    return SqlFilter(
        "n.organisation = %s and n.type = any(%s) "
        "and (%s::text[] is null or n.attribute = any(%s))",
        (grant.owner, sorted(grant.types), names, names),
    )
