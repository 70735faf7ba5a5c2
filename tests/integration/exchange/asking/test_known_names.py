"""Names of attributes are kept once, and entities of a known shape are not looked through again."""

from beffroi.exchange.model import Attribute, AttributeKind
from beffroi.exchange.writing.known_names import KnownNames
from beffroi.kernel.database import Database, fetch_tuples
from beffroi.kernel.database.pool import EVERYTHING

_PROPERTY, _RELATIONSHIP = AttributeKind.PROPERTY, AttributeKind.RELATIONSHIP
_SHAPES: list[dict[str, list[AttributeKind]]] = [
    {"a": [_PROPERTY]},
    {"a": [_PROPERTY], "b": [_PROPERTY]},
    {"a": [_PROPERTY], "b": [_RELATIONSHIP]},
    {"a": [_PROPERTY, _PROPERTY], "c": [_RELATIONSHIP]},
    {"a": [_PROPERTY], "c": [_PROPERTY, _RELATIONSHIP]},
]


async def test_no_name_is_missed_and_no_shape_looked_through_for_ever(database: Database) -> None:
    known = KnownNames()
    for organisation in ("town", "neighbour"):
        for kinds in _SHAPES:
            attributes = {
                name: tuple(Attribute(kind=one, value="a:b") for one in of_one)
                for name, of_one in kinds.items()
            }
            for turn in range(4):
                async with database.transaction(EVERYTHING) as connection:
                    met = known.unknown_of("", organisation, ("t:T",), attributes)
                    await known.keep(connection, met)
                    kept = await fetch_tuples(
                        connection,
                        "select attribute, kind from exchange.type_name where organisation = %s",
                        (organisation,),
                    )
                assert {(name, one.value) for name in kinds for one in kinds[name]} <= set(kept)
                if turn == 3 and all(len(one) == 1 for one in kinds.values()):
                    assert met == ()
