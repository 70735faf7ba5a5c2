"""Questions about history, made from what a request asks of entities.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.9, 4.10, 4.19, 4.23 and 5.7.4.4.
"""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from beffroi.exchange.asking.question import Question
from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import LOCATION, Entity, Iri
from beffroi.exchange.query.conditions import read_condition
from beffroi.exchange.query.inquiry import (
    Asked,
    place_question,
    read_inquiry,
    refuse_too_wide,
    selected,
)
from beffroi.exchange.query.logic import ANYTHING
from beffroi.exchange.query.ordering import OrderAsked
from beffroi.exchange.query.scope import scopes_asked
from beffroi.exchange.representation.excerpts import excerpt
from beffroi.exchange.representation.names import attribute_iri
from beffroi.exchange.temporal.model import TemporalQuestion

_Wanted = Callable[[Entity], bool]
_DESCENDING: Final[Mapping[str, bool]] = {
    "": False,
    "id": False,
    "id;asc": False,
    "id;desc": True,
}


def read_question(asked: Asked, context: Context) -> TemporalQuestion:
    """Read which entities a question about history means.

    Args:
        asked: What it asks, as it was written.
        context: What names stand for.

    Raises:
        BadRequestDataError: It cannot be read, asks for everything, or for another order than
            that of ids.
    """
    by = asked.order.by
    if by not in _DESCENDING:
        raise BadRequestDataError("exchange.order_not_by_id", found=excerpt(by))
    asked = replace(asked, order=OrderAsked(by=""))
    refuse_too_wide(asked, read_inquiry(asked, context))
    named = selected(asked.selectors, context)
    expanded = frozenset(attribute_iri(name, context) for name in asked.expand_values)
    condition = read_condition(asked.q, context, expanded=expanded) if asked.q else None
    valued = ANYTHING if condition is None else condition.question()
    scoped = scopes_asked(asked.scope_q) if asked.scope_q else ANYTHING
    placed = _placed(asked, context)
    tests = [one.wanted for one in (named, valued, scoped) if one is not ANYTHING] + placed
    return TemporalQuestion(
        asked=named.asked,
        wanted=lambda entity: all(test(entity) for test in tests),
        judges_values=condition is not None or bool(placed),
        judges_scopes=scoped is not ANYTHING,
        descending=_DESCENDING[by],
    )


def _placed(asked: Asked, context: Context) -> list[_Wanted]:
    """Return the test that an entity was somewhere: that one of its places was there."""
    if asked.place is None:
        return []
    named = asked.place.geoproperty
    geoproperty = attribute_iri(named, context) if named else LOCATION
    question = place_question(asked.place, context)
    return [lambda entity: _ever_placed(entity, geoproperty, question)]


def _ever_placed(entity: Entity, geoproperty: Iri, question: Question) -> bool:
    return any(
        question.wanted(replace(entity, attributes={geoproperty: (replace(one, dataset_id=""),)}))
        for one in entity.attributes.get(geoproperty, ())
    )
