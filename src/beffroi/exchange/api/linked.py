"""Entities that relationships lead to, fetched along with those that have them.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.5.23, 4.21 and 5.7.1.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from beffroi.exchange.api.requests import Request
from beffroi.exchange.asking.question import Question, SqlFilter, Window
from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.errors import TooComplexQueryError
from beffroi.exchange.model import Attribute, AttributeKind, Entity, Iri, Json
from beffroi.exchange.query.inquiry import Inquiry, Join
from beffroi.exchange.query.projection import Projection
from beffroi.exchange.representation.writing import Form, Linked, written
from beffroi.exchange.service import Exchange

JOINING: Final = frozenset({"join", "joinLevel", "containedBy"})
_LINKED_MOST: Final = 2_000
_RELATIONSHIPS: Final = frozenset({AttributeKind.RELATIONSHIP, AttributeKind.LIST_RELATIONSHIP})


class View(msgspec.Struct, frozen=True):
    """What is shown of an entity, and of those that it leads to."""

    form: Form
    pick: Projection | None = None
    omit: Projection | None = None

    def beyond(self, relationship: Iri) -> "View":
        """Return what is shown of the entities that a relationship leads to."""
        pick = None if self.pick is None else self.pick.linked.get(relationship)
        omit = None if self.omit is None else self.omit.linked.get(relationship)
        shown = None if pick is None else pick.picked
        hidden = frozenset() if omit is None else omit.names
        return View(replace(self.form, pick=shown, omit=hidden), pick, omit)

    def targets(self, entity: Entity) -> Iterator[tuple[Iri, str]]:
        """Yield the relationships that are shown, and where they lead."""
        pick, omit = self.form.pick, self.form.omit
        for name, instances in entity.attributes.items():
            if (pick is None or name in pick) and name not in omit:
                for target in _targets(instances):
                    yield name, target


class LinkedEntities(msgspec.Struct, frozen=True):
    """What relationships lead to.

    Attributes:
        flat: To be told beside the entities, each in its form.
        inline: To be told inside the relationships.
    """

    flat: tuple[tuple[Entity, Form], ...] = ()
    inline: Linked | None = None


_NOTHING: Final = LinkedEntities()


async def linked_entities(
    exchange: Exchange,
    request: Request,
    entities: Sequence[Entity],
    context: Context,
    asked: tuple[Inquiry, Form],
) -> LinkedEntities:
    """Fetch what a request wants joined.

    Raises:
        TooComplexQueryError: More than 2,000 entities would be joined.
    """
    inquiry, form = asked
    if inquiry.join is Join.NONE:
        return _NOTHING
    view = View(form, inquiry.pick, inquiry.omit)
    fetching = _Fetching(exchange, request, frozenset(request.listed("containedBy")))
    found = await fetching.found(entities, view, inquiry.join_level)
    if inquiry.join is Join.FLAT:
        return LinkedEntities(flat=tuple((one, beyond.form) for one, beyond in found.values()))
    known = {one.id: one for one in entities} | {key: one for key, (one, _) in found.items()}
    inline = _inline(known, context, view, inquiry.join_level, fetching.contained)
    return LinkedEntities(inline=inline)


class _Fetching:
    """Fetches level by level, each entity once."""

    def __init__(self, exchange: Exchange, request: Request, contained: frozenset[str]) -> None:
        self._exchange = exchange
        self._request = request
        self.contained = contained

    async def found(
        self, entities: Sequence[Entity], view: View, levels: int
    ) -> Mapping[str, tuple[Entity, View]]:
        """Return entities by their ids, each as the first way to it shows it."""
        found: dict[str, tuple[Entity, View]] = {}
        level = [(one, view) for one in entities]
        seen = {one.id for one in entities} | self.contained
        for _ in range(levels):
            views: dict[str, View] = {}
            for entity, shown in level:
                for name, target in shown.targets(entity):
                    if target not in seen and target not in views:
                        views[target] = shown.beyond(name)
            if len(found) + len(views) > _LINKED_MOST:
                raise TooComplexQueryError("exchange.too_many_joined", most=_LINKED_MOST)
            if not views:
                break
            level = [(one, views[one.id]) for one in await self._by_ids(sorted(views))]
            found |= {one.id: (one, shown) for one, shown in level}
            seen |= views.keys()
        return found

    async def _by_ids(self, ids: Sequence[str]) -> Sequence[Entity]:
        question = Question(asked=SqlFilter("e.id = any(%s)", (ids,)), wanted=lambda _: True)
        window = Window(0, len(ids), count=False)
        request = self._request
        page = await self._exchange.page(request.actor, request.tenant, question, window)
        return page.entities


def _inline(
    known: Mapping[str, Entity],
    context: Context,
    view: View,
    levels: int,
    above: frozenset[str],
) -> Linked:
    """Return what writes an entity into a relationship, and others into that one's."""

    def linked(name: Iri, target: str) -> Json:
        entity = known.get(target)
        if entity is None or target in above:
            return None
        beyond = view.beyond(name)
        deeper = None
        if levels > 1:
            deeper = _inline(known, context, beyond, levels - 1, above | {target})
        return written(entity, context, beyond.form, deeper)

    return linked


def _targets(instances: Sequence[Attribute]) -> Iterator[str]:
    for one in instances:
        if one.kind in _RELATIONSHIPS:
            yield from [one.value] if isinstance(one.value, str) else one.value
        for inner in one.members.values():
            yield from _targets(inner)
