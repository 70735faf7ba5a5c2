"""The only SQL that tells which types an organisation holds."""

import msgspec

from beffroi.exchange.model import Iri
from beffroi.kernel.database import Connection, fetch_all


class OwnedType(msgspec.Struct, frozen=True):
    """A type that an organisation holds entities of."""

    type: Iri
    entities: int


async def owned_types(connection: Connection, organisation: str) -> list[OwnedType]:
    """Return the types that an organisation holds entities of, under any tenant."""
    return await fetch_all(
        connection,
        OwnedType,
        "select t.type, count(*) as entities from exchange.entity e "
        "cross join unnest(e.types) as t(type) where e.organisation = %s "
        "group by t.type order by t.type",
        (organisation,),
    )
