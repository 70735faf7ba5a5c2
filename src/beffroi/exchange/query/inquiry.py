"""What a request asks of entities, read once.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.5.23, 5.2.23, 5.2.33 and 5.7.2.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

from beffroi.exchange.asking.question import Question, SqlFilter
from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import LOCATION, Iri, Json
from beffroi.exchange.query.conditions import Condition, Find, read_condition
from beffroi.exchange.query.geo import places_asked
from beffroi.exchange.query.logic import ANYTHING, all_of, some_of
from beffroi.exchange.query.ordering import OrderAsked, Rank, read_order
from beffroi.exchange.query.patterns import Pattern
from beffroi.exchange.query.projection import Projection, read_projection, refuse_contradiction
from beffroi.exchange.query.scope import scopes_asked
from beffroi.exchange.query.type_selection import EVERY_TYPE, types_asked
from beffroi.exchange.representation.excerpts import excerpt
from beffroi.exchange.representation.names import attribute_iri, is_uri

JOIN_LEVEL_MOST: Final = 10


class Join(StrEnum):
    """How linked entities are shown."""

    NONE = "@none"
    FLAT = "flat"
    INLINE = "inline"


class Selector(msgspec.Struct, frozen=True, kw_only=True):
    """Which entities, by what they are called; ids prevail over a pattern of them."""

    ids: tuple[str, ...] = ()
    id_pattern: str = ""
    types: str = ""


class PlaceAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Where entities are asked for, as it was written."""

    georel: str
    geometry: str
    coordinates: Json
    geoproperty: str = ""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks, as it was written; "" and () where it does not.

    Attributes:
        selectors: One of which an entity has to meet.
        local: "true", "false" or "".
    """

    selectors: tuple[Selector, ...] = ()
    attrs: tuple[str, ...] = ()
    q: str = ""
    csf: str = ""
    scope_q: str = ""
    place: PlaceAsked | None = None
    pick: str = ""
    omit: str = ""
    order: OrderAsked = OrderAsked(by="")
    expand_values: tuple[str, ...] = ()
    join: str = ""
    join_level: int = 1
    local: str = ""


class Inquiry(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks, read.

    Attributes:
        selection: All of it but the query language.
        condition: In the query language.
        attributes: The names of ``attrs``; none asks for all.
        pick: Members to show; None is all.
        omit: Members to leave out.
        join_level: How many relationships are followed; 0 without a join.
    """

    selection: Question
    condition: Condition | None
    rank: Rank | None
    attributes: frozenset[Iri]
    pick: Projection | None
    omit: Projection | None
    join: Join
    join_level: int

    def question(self) -> Question:
        """Ask for the entities.

        Raises:
            BadRequestDataError: It asks of linked entities; ``followed`` asks for those first.
        """
        return self._ranked(ANYTHING if self.condition is None else self.condition.question())

    async def followed(self, find: Find) -> Question:
        """Ask for the entities, once those that they lead to are found."""
        condition = self.condition
        return self._ranked(ANYTHING if condition is None else await condition.followed(find))

    def _ranked(self, question: Question) -> Question:
        whole = all_of([self.selection, question])
        return Question(asked=whole.asked, wanted=whole.wanted, rank=self.rank)


def read_inquiry(asked: Asked, context: Context) -> Inquiry:
    """Read what is asked.

    Raises:
        BadRequestDataError: A part of it cannot be read, or contradicts another.
    """
    join = _read_join(asked)
    level = asked.join_level if join is not Join.NONE else 0
    expanded = frozenset(attribute_iri(name, context) for name in asked.expand_values)
    condition = read_condition(asked.q, context, expanded=expanded) if asked.q else None
    if condition is not None and condition.depth > level:
        raise BadRequestDataError("exchange.asked_beyond_join", depth=condition.depth, level=level)
    if asked.csf:
        read_condition(asked.csf, context, parameter="csf")
    _refuse_types_afar(asked)
    attributes = frozenset(attribute_iri(name, context) for name in asked.attrs)
    parts = [
        selected(asked.selectors, context),
        having_any(attributes),
        scopes_asked(asked.scope_q) if asked.scope_q else ANYTHING,
        ANYTHING if asked.place is None else place_question(asked.place, context),
    ]
    pick, omit = _read_projections(asked, context, level)
    return Inquiry(
        selection=all_of(parts),
        condition=condition,
        rank=read_order(asked.order, context),
        attributes=attributes,
        pick=pick,
        omit=omit,
        join=join,
        join_level=level,
    )


def refuse_too_wide(asked: Asked, inquiry: Inquiry) -> None:
    """Refuse to look through everything without being told to stay here (clause 5.7.2.4).

    Raises:
        BadRequestDataError: It names no type, no attribute and no place, and is not local.
    """
    narrow = (
        any(one.types for one in asked.selectors)
        or asked.attrs
        or asked.place is not None
        or (inquiry.condition is not None and inquiry.condition.attributes)
        or asked.local == "true"
    )
    if not narrow:
        raise BadRequestDataError("exchange.asked_too_wide")


def selected(selectors: Sequence[Selector], context: Context) -> Question:
    """Ask for entities that one of some selectors names; without any, for all."""
    if not selectors:
        return ANYTHING
    return some_of([_selected(one, context) for one in selectors])


def having_any(attributes: frozenset[Iri]) -> Question:
    """Ask for entities that have one of some attributes; without any, for all."""
    if not attributes:
        return ANYTHING
    return Question(
        asked=SqlFilter("e.document ?| %s::text[]", (sorted(attributes),)),
        wanted=lambda entity: not attributes.isdisjoint(entity.attributes),
    )


def place_question(place: PlaceAsked, context: Context) -> Question:
    """Ask for entities that are somewhere."""
    geoproperty = attribute_iri(place.geoproperty, context) if place.geoproperty else LOCATION
    return places_asked(place.georel, place.geometry, place.coordinates, geoproperty)


def _selected(selector: Selector, context: Context) -> Question:
    types = types_asked(selector.types, context) if selector.types else ANYTHING
    if selector.ids:
        return all_of([types, _with_ids(selector.ids)])
    return all_of([types, _with_pattern(selector.id_pattern)]) if selector.id_pattern else types


def _with_ids(ids: tuple[str, ...]) -> Question:
    for one in ids:
        if not is_uri(one):
            raise BadRequestDataError("exchange.not_a_uri", name="id", found=excerpt(one))
    wanted = frozenset(ids)
    return Question(
        asked=SqlFilter("e.id = any(%s::text[])", (sorted(wanted),)),
        wanted=lambda entity: entity.id in wanted,
    )


def _with_pattern(text: str) -> Question:
    pattern = Pattern("idPattern", text)
    head, found_in = pattern.head, pattern.found_in
    exact = head.rest in {"", ".*"}
    asked = SqlFilter("true", exact=False)
    if head.literal and head.anchored:
        asked = SqlFilter("starts_with(e.id, %s)", (head.literal,), exact)
    elif head.literal:
        asked = SqlFilter("strpos(e.id, %s) > 0", (head.literal,), exact)
    return Question(asked=asked, wanted=lambda entity: found_in(entity.id))


def _read_join(asked: Asked) -> Join:
    if not asked.join:
        return Join.NONE
    try:
        join = Join(asked.join)
    except ValueError:
        raise BadRequestDataError(
            "exchange.join_unknown", found=excerpt(asked.join), known=", ".join(Join)
        ) from None
    if not 1 <= asked.join_level <= JOIN_LEVEL_MOST:
        raise BadRequestDataError(
            "exchange.join_level_range", found=asked.join_level, most=JOIN_LEVEL_MOST
        )
    return join


def _refuse_types_afar(asked: Asked) -> None:
    if asked.local == "false" and any(one.types == EVERY_TYPE for one in asked.selectors):
        raise BadRequestDataError("exchange.every_type_is_local")


def _read_projections(
    asked: Asked, context: Context, level: int
) -> tuple[Projection | None, Projection | None]:
    if asked.attrs and (asked.pick or asked.omit):
        raise BadRequestDataError("exchange.attrs_and_projection")
    pick = read_projection("pick", asked.pick, context) if asked.pick else None
    omit = read_projection("omit", asked.omit, context) if asked.omit else None
    refuse_contradiction(pick, omit)
    for one in (pick, omit):
        if one is not None and one.depth > level:
            raise BadRequestDataError("exchange.asked_beyond_join", depth=one.depth, level=level)
    return pick, omit
