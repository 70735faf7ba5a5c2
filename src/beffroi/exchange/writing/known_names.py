"""Which attributes entities of a type have, or once had: what the writer met, kept once.

Whoever asks for the attributes of a type looks whether an entity has each of these now.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from beffroi.exchange.model import Entity, Iri
from beffroi.exchange.store import Attributes
from beffroi.kernel.database import Connection, execute

_REMEMBERED_MOST: Final = 100_000
_SHAPES_MOST: Final = 10_000
_ADD: Final = """
insert into exchange.type_name (tenant, organisation, type, attribute, kind)
select * from unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
on conflict do nothing
"""


class Name(NamedTuple):
    """That an entity of one type alone has an attribute of a kind."""

    tenant: str
    organisation: str
    type: Iri
    attribute: Iri
    kind: str


class KnownNames:
    """Keeps the names that a writer meets; those that it knows cost no statement."""

    def __init__(self) -> None:
        self._known: set[Name] = set()
        self._known_shapes: set[tuple[str, ...]] = set()

    def unknown_of(
        self, tenant: str, organisation: str, types: tuple[Iri, ...], attributes: Attributes
    ) -> Sequence[Name]:
        """Return the names of an entity, or none where all of such a shape are known."""
        kinds = [one.kind for instances in attributes.values() for one in instances]
        shape = (tenant, organisation, *types, "", *attributes, *kinds)
        if shape in self._known_shapes:
            return ()
        names = tuple(names_of(tenant, organisation, types, attributes))
        # With several instances of one attribute, the kinds do not tell whose they are.
        if len(kinds) == len(attributes) and self._known.issuperset(names):
            if len(self._known_shapes) > _SHAPES_MOST:
                self._known_shapes.clear()
            self._known_shapes.add(shape)
        return names

    async def keep(self, connection: Connection, met: Iterable[Name]) -> None:
        """Keep names in the commit of the entities that have them.

        They are taken as kept once a second look finds them: the first may be rolled back.
        """
        missing = sorted(set(met) - self._known)
        if not missing:
            return
        added = await execute(connection, _ADD, tuple(map(list, zip(*missing, strict=True))))
        if added == 0:
            if len(self._known) > _REMEMBERED_MOST:
                self._known.clear()
            self._known.update(missing)


def names_of(
    tenant: str, organisation: str, types: tuple[Iri, ...], attributes: Attributes
) -> Iterator[Name]:
    """Yield the names of an entity of one type; of one of several types none."""
    if len(types) == 1:
        for attribute, instances in attributes.items():
            for one in instances:
                yield Name(tenant, organisation, types[0], attribute, one.kind.value)


def added_names(
    tenant: str, organisation: str, held: Entity, changed: Attributes
) -> Iterator[Name]:
    """Yield the names of attributes that an entity had not, or had of other kinds."""
    for attribute, instances in changed.items():
        kinds = [one.kind for one in held.attributes.get(attribute, ())]
        if any(one.kind not in kinds for one in instances):
            yield from names_of(tenant, organisation, held.types, {attribute: instances})
