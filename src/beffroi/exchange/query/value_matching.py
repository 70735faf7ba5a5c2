"""Decides whether a value is what a condition asks for (ETSI GS CIM 009 v1.9.1, clause 4.9)."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from operator import ge, gt, le, lt
from typing import Any, Final

from beffroi.exchange.model import Json
from beffroi.exchange.query.patterns import Pattern
from beffroi.exchange.query.terms import Literal, Operand, Operator, Range

ValueTest = Callable[[Json], bool]
_ORDERS: Final[Mapping[Operator, Callable[[Any, Any], bool]]] = {
    Operator.GREATER: gt,
    Operator.GREATER_EQUAL: ge,
    Operator.LESS: lt,
    Operator.LESS_EQUAL: le,
}
_SHORTEST_INSTANT: Final = len("2026-07-14T09:30Z")
TYPED: Final = "@value"


def value_test(operator: Operator, operand: Operand) -> ValueTest:
    """Decide on the value of an attribute: a list is equal to what any of its items equals."""
    if isinstance(operand, Pattern):
        return _pattern_test(operator, operand)
    if operator in _ORDERS and not isinstance(operand, Range):
        return _order_test(operator, operand[0])
    equal = equality_test(operand)
    return equal if operator is Operator.EQUAL else lambda value: not equal(value)


def texts_test(operator: Operator, operand: Operand) -> Callable[[list[str]], bool]:
    """Decide on texts in several languages: one is enough, or with a refusal none may be."""
    if operator is Operator.UNEQUAL or operator is Operator.NOT_PATTERN:
        opposite = Operator.EQUAL if operator is Operator.UNEQUAL else Operator.PATTERN
        refused = value_test(opposite, operand)
        return lambda texts: not any(map(refused, texts))
    test = value_test(operator, operand)
    return lambda texts: any(map(test, texts))


def instant_test(operator: Operator, operand: Operand) -> Callable[[datetime], bool]:
    """Decide on an instant; a date is its midnight in UTC, other values never match."""
    if isinstance(operand, Pattern):
        return lambda _: False
    if isinstance(operand, Range):
        low, high = _instant_asked(operand.low), _instant_asked(operand.high)
        if low is None or high is None:
            return lambda _: operator is Operator.UNEQUAL
        inside = operator is Operator.EQUAL
        return lambda value: (low <= value <= high) is inside
    wanted = [one for one in map(_instant_asked, operand) if one is not None]
    if operator is Operator.EQUAL:
        return lambda value: value in wanted
    if operator is Operator.UNEQUAL:
        return lambda value: value not in wanted
    compare = _ORDERS[operator]
    return lambda value: bool(wanted) and compare(value, wanted[0])


def equality_test(operand: tuple[Literal, ...] | Range) -> ValueTest:
    """Decide whether a value, an item of it or what it says under @value is equal."""
    one = _range_test(operand) if isinstance(operand, Range) else _equal_test(operand)

    def test(value: Json) -> bool:
        if one(value):
            return True
        kind = type(value)
        if kind is list:
            return any(map(one, value))
        return kind is dict and TYPED in value and one(value[TYPED])

    return test


def read_moment(text: Json) -> datetime | None:
    """Read a date and time with its zone; None for anything else."""
    if type(text) is not str or len(text) < _SHORTEST_INSTANT or text[10] != "T":
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _equal_test(values: tuple[Literal, ...]) -> ValueTest:
    if len(values) == 1:
        return _single_test(values[0])
    texts = frozenset(one for one in values if isinstance(one, str))
    tests = [_single_test(one) for one in values if not isinstance(one, str)]
    if not tests:
        return lambda value: type(value) is str and value in texts
    return lambda value: (
        (type(value) is str and value in texts) or any(test(value) for test in tests)
    )


def _single_test(wanted: Literal) -> ValueTest:
    if isinstance(wanted, str):
        return lambda value: value == wanted
    if isinstance(wanted, bool):
        return lambda value: value is wanted
    if isinstance(wanted, datetime):
        return lambda value: read_moment(value) == wanted

    def equal_number(value: Json) -> bool:
        kind = type(value)
        return (kind is int or kind is float) and value == wanted

    return equal_number


def _range_test(wanted: Range) -> ValueTest:
    low: Any = wanted.low
    high: Any = wanted.high
    if isinstance(low, datetime):

        def in_time(value: Json) -> bool:
            moment = read_moment(value)
            return moment is not None and low <= moment <= high

        return in_time
    kinds = {str} if isinstance(low, str) else {int, float}
    return lambda value: type(value) in kinds and low <= value <= high


def _order_test(operator: Operator, wanted: Any) -> ValueTest:  # noqa: ANN401 - a literal
    compare = _ORDERS[operator]
    if isinstance(wanted, datetime):

        def in_time(value: Json) -> bool:
            moment = read_moment(_bare(value))
            return moment is not None and compare(moment, wanted)

        return in_time
    if isinstance(wanted, str):

        def in_letters(value: Json) -> bool:
            value = _bare(value)
            return type(value) is str and compare(value, wanted)

        return in_letters

    def in_numbers(value: Json) -> bool:
        kind = type(value)
        if kind is dict:
            value = value.get(TYPED)
            kind = type(value)
        return (kind is int or kind is float) and compare(value, wanted)

    return in_numbers


def _pattern_test(operator: Operator, pattern: Pattern) -> ValueTest:
    wanted = operator is Operator.PATTERN
    found_in = pattern.found_in

    def test(value: Json) -> bool:
        value = _bare(value)
        return type(value) is str and found_in(value) is wanted

    return test


def _bare(value: Json) -> Json:
    return value.get(TYPED) if type(value) is dict else value


def _instant_asked(literal: Literal) -> datetime | None:
    if isinstance(literal, datetime):
        return literal
    moment = read_moment(literal)
    if moment is not None or not isinstance(literal, str):
        return moment
    try:
        day = date.fromisoformat(literal)
    except ValueError:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
