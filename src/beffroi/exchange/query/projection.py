"""Which members of entities are shown (ETSI GS CIM 009 v1.9.1, clause 4.21)."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import Iri
from beffroi.exchange.query.scanning import Scanner
from beffroi.exchange.representation.names import attribute_iri

_NAME: Final = re.compile(r"[^{}();|,\[\]\"\s]+")
_OF_ENTITIES: Final = frozenset(
    {"id", "type", "scope", "createdAt", "modifiedAt", "deletedAt", "expiresAt"}
)


class Projection(msgspec.Struct, frozen=True):
    """Members of entities.

    Attributes:
        names: Those that stand by themselves: names of attributes, or "id", "type", "scope" and
            what the hub writes, as ``representation.writing.Form`` has them.
        linked: Members of the entities that a relationship leads to, by its name.
    """

    names: frozenset[str]
    linked: Mapping[Iri, "Projection"]

    @property
    def depth(self) -> int:
        """How many relationships it follows, one after another."""
        return max((1 + one.depth for one in self.linked.values()), default=0)

    @property
    def picked(self) -> frozenset[str]:
        """What to show of an entity: a relationship that leads on is shown itself."""
        return self.names | frozenset(self.linked)


def read_projection(parameter: str, text: str, context: Context) -> Projection:
    """Read ``a,b{c,d}``.

    Raises:
        BadRequestDataError: It cannot be read.
    """
    scanner = Scanner(parameter, text)
    projection = _members(scanner, context)
    scanner.needs_end()
    return projection


def refuse_contradiction(pick: Projection | None, omit: Projection | None) -> None:
    """Refuse to show and to leave out the same member."""
    if pick is None or omit is None:
        return
    both = pick.names & omit.names
    if both:
        raise BadRequestDataError("exchange.picked_and_omitted", name=min(both))
    for name in pick.linked.keys() & omit.linked.keys():
        refuse_contradiction(pick.linked[name], omit.linked[name])


def _members(scanner: Scanner, context: Context) -> Projection:
    names: set[str] = set()
    linked: dict[Iri, Projection] = {}
    while True:
        scanner.skip_spaces()
        name = scanner.match(_NAME)
        if not name:
            raise scanner.mistake("exchange.asked_name_expected")
        iri = name if name in _OF_ENTITIES else attribute_iri(name, context)
        scanner.skip_spaces()
        if scanner.takes("{"):
            scanner.enter()
            linked[iri] = _members(scanner, context)
            scanner.needs("}")
            scanner.leave()
            scanner.skip_spaces()
        else:
            names.add(iri)
        if not scanner.takes(",") and not scanner.takes("|"):
            return Projection(frozenset(names), linked)
