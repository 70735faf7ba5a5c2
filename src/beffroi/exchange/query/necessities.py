"""What an entity has to say for a query to hold: told ahead, so that it can be looked up by value.

A demand never leaves out an entity that the query wants; the query decides on the others.

Source: ETSI GS CIM 009 v1.9.1, clause 4.9.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Any, Final

import msgspec

from beffroi.exchange.model import Attribute, AttributeKind, Iri, Json
from beffroi.exchange.query.logic import All, Only, Tree
from beffroi.exchange.query.patterns import Pattern
from beffroi.exchange.query.terms import Literal, Operator, Range, Term
from beffroi.exchange.query.value_matching import TYPED, read_moment

_DEMANDS_MOST: Final = 100
_ABOVE: Final = frozenset({Operator.GREATER, Operator.GREATER_EQUAL})
_BELOW: Final = frozenset({Operator.LESS, Operator.LESS_EQUAL})
_LANGUAGES: Final = AttributeKind.LANGUAGE_PROPERTY


class Sort(Enum):
    """What can be compared with one another."""

    NUMBER = auto()
    TEXT = auto()
    TRUTH = auto()
    INSTANT = auto()


class Demand(msgspec.Struct, frozen=True):
    """An attribute says, somewhere, a value from ``low`` to ``high``; None is without an end."""

    attribute: Iri
    sort: Sort
    low: Any
    high: Any


def demands_of(tree: Tree[Term]) -> tuple[Demand, ...]:
    """Return demands of which whatever meets a query meets one; none: nothing is known."""
    if isinstance(tree, Only):
        return _of_term(tree.leaf)
    parts = [demands_of(part) for part in tree.parts]
    if isinstance(tree, All):
        return min((one for one in parts if one), key=_breadth, default=())
    found = tuple(demand for one in parts for demand in one)
    return found if all(parts) and len(found) <= _DEMANDS_MOST else ()


def said(instances: Iterable[Attribute], sort: Sort) -> list[Any]:
    """Return all of a sort that an attribute says."""
    found: list[Any] = []
    add = _ADDING[sort]
    for one in instances:
        _gather(one.value, found, add, languages=one.kind is _LANGUAGES)
    return found


def _of_term(term: Term) -> tuple[Demand, ...]:
    path, operator, operand = term.path, term.operator, term.operand
    asks_of_value = len(path.names) == 1 and not path.trail and path.member is None
    if not asks_of_value or term.hops or term.absent or isinstance(operand, Pattern):
        return ()
    name = path.names[0]
    if isinstance(operand, Range):
        is_among = operator is Operator.EQUAL
        return (_between(name, operand.low, operand.high),) if is_among else ()
    if operator is Operator.EQUAL and len(operand) <= _DEMANDS_MOST:
        return tuple(_between(name, one, one) for one in operand)
    if operator in _ABOVE:
        return (_between(name, operand[0], None),)
    if operator in _BELOW:
        return (_between(name, None, operand[0]),)
    return ()


def _between(name: Iri, low: Literal | None, high: Literal | None) -> Demand:
    end = high if low is None else low
    return Demand(name, _sort_of(end), low, high)


def _sort_of(literal: Literal | None) -> Sort:
    if isinstance(literal, bool):
        return Sort.TRUTH
    if isinstance(literal, str):
        return Sort.TEXT
    return Sort.INSTANT if isinstance(literal, datetime) else Sort.NUMBER


def _breadth(demands: Sequence[Demand]) -> tuple[int, int]:
    """Rank ways to tell the same: values, then what has two ends, one end, or two values."""
    return max(map(_breadth_of, demands)), len(demands)


def _breadth_of(demand: Demand) -> int:
    if demand.sort is Sort.TRUTH:
        return 3
    if demand.low is None or demand.high is None:
        return 2
    return int(demand.low != demand.high)


def _gather(
    value: Json, found: list[Any], add: Callable[[Json, list[Any]], None], *, languages: bool
) -> None:
    kind = type(value)
    if kind is list:
        for one in value:
            _gather(one, found, add, languages=False)
    elif kind is dict:
        for one in value.values() if languages else (value.get(TYPED),):
            _gather(one, found, add, languages=False)
    else:
        add(value, found)


def _add_number(value: Json, found: list[Any]) -> None:
    kind = type(value)
    if kind is int or kind is float:
        found.append(value)


def _add_text(value: Json, found: list[Any]) -> None:
    if type(value) is str:
        found.append(value)


def _add_truth(value: Json, found: list[Any]) -> None:
    if type(value) is bool:
        found.append(value)


def _add_instant(value: Json, found: list[Any]) -> None:
    moment = read_moment(value)
    if moment is not None:
        found.append(moment)


_ADDING: Final[dict[Sort, Callable[[Json, list[Any]], None]]] = {
    Sort.NUMBER: _add_number,
    Sort.TEXT: _add_text,
    Sort.TRUTH: _add_truth,
    Sort.INSTANT: _add_instant,
}
