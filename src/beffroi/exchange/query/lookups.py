"""Which conditions of the query language an index of an attribute's keys can serve.

A key is what ``exchange.key_of`` gives: one number, truth or short text, or JSON's null for what
has to be looked at. An answer has a key that is looked up, or that null. In the order of jsonb
texts come before numbers, and numbers before truths.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from beffroi.exchange.asking.question import Lookup
from beffroi.exchange.model import Iri
from beffroi.exchange.query.patterns import Pattern
from beffroi.exchange.query.terms import Literal, Operand, Operator, Range, Term

EXACT_BELOW: Final = 2**53
"""Below, the shortest text of a number orders as the number does; PostgreSQL compares texts."""

LISTED_MOST: Final = 100
_EQUAL: Final = "{key} = any(%s::jsonb[])"
_NUMBERS_FROM: Final = "-1e400"
_AFTER_NUMBERS: Final = "false"
_ABOVE: Final = frozenset({Operator.GREATER, Operator.GREATER_EQUAL})
_BELOW: Final = frozenset({Operator.LESS, Operator.LESS_EQUAL})
_Bound = tuple[str, Literal | None]


def lookups_of(term: Term) -> tuple[Lookup, ...]:
    """Return what an index can look up of a condition; nothing where none can."""
    path = term.path
    if len(path.names) != 1 or path.trail or path.member is not None or term.operator is None:
        return ()
    found = _lookup(path.names[0], term.operator, term.operand)
    return () if found is None else (found,)


def _lookup(name: Iri, operator: Operator, operand: Operand) -> Lookup | None:
    if isinstance(operand, Range):
        bounds = (">=", operand.low), ("<=", operand.high)
        return _between(name, *bounds) if operator is Operator.EQUAL else None
    if isinstance(operand, Pattern) or not all(map(_comparable, operand)):
        return None
    if operator is Operator.EQUAL:
        return equal_lookup(name, operand) if len(operand) <= LISTED_MOST else None
    if operator in _ABOVE and len(operand) == 1:
        return _between(name, (operator.value, operand[0]), ("<", None))
    if operator in _BELOW and len(operand) == 1:
        return _between(name, (">=", None), (operator.value, operand[0]))
    return None


def equal_lookup(attribute: Iri, values: Sequence[Literal]) -> Lookup:
    """Look for one of some values."""
    return Lookup(attribute, _EQUAL, ([msgspec.json.encode(one).decode() for one in values],))


def _between(name: Iri, above: _Bound, below: _Bound) -> Lookup | None:
    """Look for numbers; texts are compared otherwise here than by PostgreSQL."""
    (over, low), (under, high) = above, below
    for one in (low, high):
        if one is not None and (not _comparable(one) or isinstance(one, str | bool)):
            return None
    bounds = (
        _NUMBERS_FROM if low is None else repr(low),
        _AFTER_NUMBERS if high is None else repr(high),
    )
    return Lookup(name, f"{{key}} {over} %s::jsonb and {{key}} {under} %s::jsonb", bounds)


def _comparable(literal: Literal) -> bool:
    if isinstance(literal, datetime):
        return False
    return isinstance(literal, str | bool) or abs(literal) < EXACT_BELOW
