"""A query of the query language as a question, with what it asks of linked entities."""

from collections.abc import Awaitable, Callable, Collection, Mapping

import msgspec

from beffroi.exchange.asking.question import Question, SqlFilter
from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import Iri
from beffroi.exchange.query.logic import ANYTHING, Tree, all_of, leaves, question_of
from beffroi.exchange.query.necessities import Demand, demands_of
from beffroi.exchange.query.q_language import read_q
from beffroi.exchange.query.term_filters import leads_to_filter, term_filter
from beffroi.exchange.query.term_matching import leads_to_test, term_test
from beffroi.exchange.query.terms import Hop, Term

Find = Callable[[Question], Awaitable[frozenset[str]]]
"""Gives the ids of the entities that a question asks for."""


class Condition(msgspec.Struct, frozen=True):
    """A query that was read.

    Attributes:
        depth: How many relationships it follows at most, one after another.
        attributes: Names that it asks of the entity itself, without what the hub writes.
    """

    tree: Tree[Term]
    depth: int
    attributes: frozenset[Iri]

    def question(self) -> Question:
        """Ask for the entities that meet it.

        Raises:
            BadRequestDataError: It asks of linked entities, which have to be followed first.
        """
        return question_of(self.tree, _own_question)

    def demands(self) -> tuple[Demand, ...]:
        """Tell what an entity has to say for it to hold, as ``demands_of`` does."""
        return demands_of(self.tree)

    async def followed(self, find: Find) -> Question:
        """Ask for the entities that meet it, once the linked entities are found."""
        found = {term: await _follow(term, find) for term in leaves(self.tree) if term.hops}
        return question_of(self.tree, lambda term: _question(term, found))


def read_condition(
    text: str, context: Context, *, expanded: Collection[Iri] = (), parameter: str = "q"
) -> Condition:
    """Read a query; the arguments and errors are those of ``read_q``."""
    tree = read_q(text, context, expanded=expanded, parameter=parameter)
    terms = list(leaves(tree))
    names = (term.hops[0].relationship if term.hops else _first(term) for term in terms)
    return Condition(
        tree,
        depth=max(len(term.hops) for term in terms),
        attributes=frozenset(name for name in names if name),
    )


def _first(term: Term) -> Iri:
    return term.path.names[0] if term.path.names else ""


def _own_question(term: Term) -> Question:
    if term.hops:
        raise BadRequestDataError("exchange.asked_without_join", name=term.hops[0].relationship)
    return Question(asked=term_filter(term), wanted=term_test(term))


def _question(term: Term, found: Mapping[Term, Question]) -> Question:
    return found[term] if term.hops else _own_question(term)


async def _follow(term: Term, find: Find) -> Question:
    """Go from the last hop back to the first: which entities lead to those that are wanted."""
    question = _own_question(Term(term.path, term.operator, term.operand))
    for hop in reversed(term.hops):
        ids = await find(all_of([_of_types(hop), question]))
        question = Question(
            asked=leads_to_filter(hop.relationship, ids),
            wanted=leads_to_test(hop.relationship, ids),
        )
    if not term.absent:
        return question
    wanted = question.wanted
    return Question(asked=SqlFilter("true", exact=False), wanted=lambda entity: not wanted(entity))


def _of_types(hop: Hop) -> Question:
    if not hop.types:
        return ANYTHING
    types = frozenset(hop.types)
    return Question(
        asked=SqlFilter("e.types && %s::text[]", (list(hop.types),), types=tuple(hop.types)),
        wanted=lambda entity: not types.isdisjoint(entity.types),
    )
