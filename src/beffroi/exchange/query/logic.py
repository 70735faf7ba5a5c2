"""Conditions joined by and, by or and by parentheses: read, decided, told to SQL.

And binds closer than or (ETSI GS CIM 009 v1.9.1, clauses 4.9, 4.17 and 4.19).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Generic, TypeAlias, TypeVar

import msgspec
from msgspec.structs import replace

from beffroi.exchange.asking.question import Question, SqlFilter
from beffroi.exchange.errors import TooComplexQueryError
from beffroi.exchange.model import Entity
from beffroi.exchange.query.scanning import Scanner

Leaf = TypeVar("Leaf")
Test = Callable[[Entity], bool]
_LEAVES_MOST: Final = 200


class All(msgspec.Struct, Generic[Leaf], frozen=True):
    """Every one of its parts holds."""

    parts: "tuple[Tree[Leaf], ...]"


class Some(msgspec.Struct, Generic[Leaf], frozen=True):
    """At least one of its parts holds."""

    parts: "tuple[Tree[Leaf], ...]"


class Only(msgspec.Struct, Generic[Leaf], frozen=True):
    """A condition by itself."""

    leaf: Leaf


Tree: TypeAlias = All[Leaf] | Some[Leaf] | Only[Leaf]
EVERYTHING: Final = SqlFilter("true")
ANYTHING: Final = Question(asked=EVERYTHING, wanted=lambda _: True)


def read_tree(scanner: Scanner, leaf: Callable[[Scanner], Leaf], either: str) -> Tree[Leaf]:
    """Read a whole text.

    Args:
        scanner: At its beginning.
        leaf: Reads one condition.
        either: The signs that stand for or, each one letter.

    Raises:
        BadRequestDataError: It cannot be read.
        TooComplexQueryError: It has more than 200 conditions.
    """
    tree = _either(scanner, leaf, either)
    scanner.needs_end()
    if sum(1 for _ in leaves(tree)) > _LEAVES_MOST:
        raise TooComplexQueryError(
            "exchange.asked_too_much", parameter=scanner.parameter, most=_LEAVES_MOST
        )
    return tree


def leaves(tree: Tree[Leaf]) -> Iterator[Leaf]:
    """Yield the conditions, in the order that they were written in."""
    if not isinstance(tree, Only):
        for part in tree.parts:
            yield from leaves(part)
    else:
        yield tree.leaf


def question_of(tree: Tree[Leaf], ask: Callable[[Leaf], Question]) -> Question:
    """Make the question of a tree from the questions of its conditions."""
    if isinstance(tree, All):
        return all_of([question_of(part, ask) for part in tree.parts])
    if isinstance(tree, Some):
        return some_of([question_of(part, ask) for part in tree.parts])
    return ask(tree.leaf)


def all_of(questions: Sequence[Question]) -> Question:
    """Ask for what every question asks for."""
    told = [one for one in questions if one is not ANYTHING]
    if len(told) < 2:
        return told[0] if told else ANYTHING
    return Question(
        asked=_both_asked([one.asked for one in told]),
        wanted=_every([one.wanted for one in told]),
    )


def some_of(questions: Sequence[Question]) -> Question:
    """Ask for what at least one question asks for."""
    if len(questions) == 1:
        return questions[0]
    return Question(
        asked=_either_asked([one.asked for one in questions]),
        wanted=_any([one.wanted for one in questions]),
    )


def _both_asked(filters: Sequence[SqlFilter]) -> SqlFilter:
    return replace(
        _joined(" and ", filters),
        types=min((one.types for one in filters if one.types), key=len, default=()),
        lookups=tuple(lookup for one in filters for lookup in one.lookups),
        boxes=next((one.boxes for one in filters if one.boxes), ()),
    )


def _either_asked(filters: Sequence[SqlFilter]) -> SqlFilter:
    joined = _joined(" or ", filters)
    if not all(one.types for one in filters):
        return joined
    return replace(joined, types=tuple({iri: None for one in filters for iri in one.types}))


def _joined(word: str, filters: Sequence[SqlFilter]) -> SqlFilter:
    return SqlFilter(
        word.join(f"({one.sql})" for one in filters),
        tuple(value for one in filters for value in one.parameters),
        all(one.exact for one in filters),
    )


def _every(tests: Sequence[Test]) -> Test:
    if len(tests) == 2:
        first, second = tests
        return lambda entity: first(entity) and second(entity)

    def every(entity: Entity) -> bool:
        for test in tests:  # noqa: SIM110 - half the time of all()
            if not test(entity):
                return False
        return True

    return every


def _any(tests: Sequence[Test]) -> Test:
    if len(tests) == 2:
        first, second = tests
        return lambda entity: first(entity) or second(entity)

    def some(entity: Entity) -> bool:
        for test in tests:  # noqa: SIM110 - half the time of any()
            if test(entity):
                return True
        return False

    return some


def _either(scanner: Scanner, leaf: Callable[[Scanner], Leaf], either: str) -> Tree[Leaf]:
    parts = [_both(scanner, leaf, either)]
    while any(scanner.takes(sign) for sign in either):
        parts.append(_both(scanner, leaf, either))
    return parts[0] if len(parts) == 1 else Some(tuple(parts))


def _both(scanner: Scanner, leaf: Callable[[Scanner], Leaf], either: str) -> Tree[Leaf]:
    parts = [_one(scanner, leaf, either)]
    while scanner.takes(";"):
        parts.append(_one(scanner, leaf, either))
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _one(scanner: Scanner, leaf: Callable[[Scanner], Leaf], either: str) -> Tree[Leaf]:
    scanner.skip_spaces()
    tree: Tree[Leaf]
    if scanner.takes("("):
        scanner.enter()
        tree = _either(scanner, leaf, either)
        scanner.needs(")")
        scanner.leave()
    else:
        tree = Only(leaf(scanner))
    scanner.skip_spaces()
    return tree
