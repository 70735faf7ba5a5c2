"""What treatments say of how long history is kept, carried over to those who let it go."""

from collections.abc import Iterable, Mapping

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.governance.declared import Treatment
from beffroi.exchange.model import Iri
from beffroi.exchange.retention import store
from beffroi.exchange.retention.model import Retention
from beffroi.kernel.database import Connection


async def keep_retentions(
    connection: Connection,
    organisation: str,
    before: Iterable[Treatment],
    after: Iterable[Treatment],
) -> None:
    """Declare the retentions of an organisation's treatments; those that ended are withdrawn.

    Where several treatments name a type, the shortest holds.
    """
    was, is_now = _days(before), _days(after)
    for kind in was.keys() - is_now.keys():
        await store.remove(connection, organisation, "", kind)
    for kind, days in is_now.items():
        if was.get(kind) != days:
            retention = Retention(type=kind, raw_days=days, rolled_days=days)
            await store.put(connection, organisation, retention)


def _days(treatments: Iterable[Treatment]) -> Mapping[Iri, int]:
    found: dict[Iri, int] = {}
    for one in treatments:
        for name in one.types if one.retention_days else ():
            kind = CORE.expand(name)
            found[kind] = min(found.get(kind, one.retention_days or 0), one.retention_days or 0)
    return found
