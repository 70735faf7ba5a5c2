"""Entities told as counts alone: groups by type and scope, none smaller than its policy says."""

import msgspec

from beffroi.exchange.asking.question import SqlFilter
from beffroi.exchange.asking.reach import ENTITIES, EVERYWHERE, asking
from beffroi.exchange.governance.declared import Showing
from beffroi.exchange.governance.granting import Grant
from beffroi.exchange.governance.rules import Rules
from beffroi.exchange.model import Iri
from beffroi.kernel.database import Connection, Database, fetch_tuples
from beffroi.kernel.rights.model import Actor


class CountedGroup(msgspec.Struct, frozen=True):
    """How many entities are alike.

    Attributes:
        scope: Of the group; "" where they have none.
        entities: How many; nothing where they are fewer than may be told.
    """

    owner: str
    policy: str
    type: Iri
    scope: str
    entities: int | None
    least: int


class Counts:
    """Answers what is given as counts."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self._database = database
        self._rules = rules

    async def groups(self, actor: Actor, tenant: str) -> list[CountedGroup]:
        """Return the groups that policies let an actor count.

        Of a policy's groups of one type, the next smallest is left out with a single one that is
        too small: a sum known from elsewhere would tell it.
        """
        found: list[CountedGroup] = []
        for grant in await self._rules.granted(actor):
            if grant.showing is Showing.COUNTS and grant.tenant == tenant:
                async with asking(self._database, EVERYWHERE) as connection:
                    counted = await _counted(connection, grant)
                found += suppressed(counted)
        return found


def suppressed(groups: list[CountedGroup]) -> list[CountedGroup]:
    """Take the counts out of groups that are too small, and of one more where that is one."""
    hidden: set[int] = set()
    for kind in {one.type for one in groups}:
        places = [at for at, one in enumerate(groups) if one.type == kind]
        places.sort(key=lambda at: groups[at].entities or 0)
        small = [at for at in places if (groups[at].entities or 0) < groups[at].least]
        hidden.update(places[: len(small) + 1] if len(small) == 1 else small)
    return [
        msgspec.structs.replace(one, entities=None) if at in hidden else one
        for at, one in enumerate(groups)
    ]


async def _counted(connection: Connection, grant: Grant) -> list[CountedGroup]:
    given: SqlFilter = grant.condition()
    rows = await fetch_tuples(
        connection,
        "select t.type, coalesce(e.scopes[1], ''), count(*) "  # noqa: S608 - text of ours
        f"from {ENTITIES} cross join unnest(e.types) as t(type) "
        f"where ({given.sql}) and t.type = any(%s) "
        "and (e.expires_at is null or e.expires_at > now()) group by 1, 2 order by 1, 2",
        (*given.parameters, sorted(grant.types)),
    )
    return [
        CountedGroup(grant.owner, grant.name, kind, scope, count, grant.least)
        for kind, scope, count in rows
    ]
