"""Tells SQL what a condition of the query language lets through: never less than it accepts.

Conditions become SQL/JSON paths in strict mode, each comparison inside a filter: what a document
has not got makes a comparison unknown there, and leaves the others alone. An index of documents
(``jsonb_path_ops``) can serve equalities. What is exact is so for attributes that do not expire.
``document`` is ``exchange.model.Attribute`` by name.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from beffroi.exchange.asking.question import SqlFilter
from beffroi.exchange.model import Iri
from beffroi.exchange.query.lookups import EXACT_BELOW, LISTED_MOST, equal_lookup, lookups_of
from beffroi.exchange.query.patterns import Pattern
from beffroi.exchange.query.terms import (
    EVERY_LANGUAGE,
    Literal,
    Member,
    Operand,
    Operator,
    Path,
    Range,
    Term,
)

_COLUMNS: Final[Mapping[Member, str]] = {
    Member.CREATED_AT: "e.created_at",
    Member.MODIFIED_AT: "e.modified_at",
    Member.EXPIRES_AT: "e.expires_at",
}
_LANGUAGE: Final = '@.kind == "LanguageProperty"'
_NO_RELATIONSHIP: Final = '@.kind != "Relationship" && @.kind != "ListRelationship"'


class _PathFilter(msgspec.Struct, frozen=True):
    """What holds for an instance of an attribute, as a filter of a SQL/JSON path; "" is all."""

    text: str
    exact: bool


def term_filter(term: Term) -> SqlFilter:
    """Tell SQL about a condition that makes no hops."""
    if not term.path.names:
        return _entity_member_filter(term)
    first, *inner = term.path.names
    if term.absent:
        return _absent_filter(term)
    held = _instance_filter(term)
    for name in reversed(inner):
        at = f"@.members.{_quoted(name)}[*]"
        held = _PathFilter(f"exists({at}{_asked(held)})", held.exact)
    if not held.text:
        return SqlFilter("e.document ? %s", (first,), held.exact)
    path = f"strict $.{_quoted(first)}[*] ? ({held.text})"
    lookups = lookups_of(term)
    return SqlFilter("e.document @? %s::jsonpath", (path,), held.exact, lookups=lookups)


def _absent_filter(term: Term) -> SqlFilter:
    """Let through what lacks an attribute, and what will when an instance has expired."""
    if term.path != Path(term.path.names[:1]):
        return SqlFilter("true", exact=False)
    name = term.path.names[0]
    expires = f"$.{_quoted(name)}[*].expires_at"
    return SqlFilter(
        "not e.document ? %s or e.document @? %s::jsonpath", (name, expires), exact=False
    )


def leads_to_filter(relationship: Iri, ids: frozenset[str]) -> SqlFilter:
    """Tell SQL about a relationship that leads to one of some entities."""
    if not ids:
        return SqlFilter("false")
    if len(ids) > LISTED_MOST:
        return SqlFilter("e.document ? %s", (relationship,), exact=False)
    test = _lifted(" || ".join(f"@ == {_quoted(one)}" for one in sorted(ids)))
    path = f"strict $.{_quoted(relationship)}[*] ? (exists(@.value ? ({test})))"
    lookups = (equal_lookup(relationship, sorted(ids)),)
    return SqlFilter("e.document @? %s::jsonpath", (path,), exact=False, lookups=lookups)


def _entity_member_filter(term: Term) -> SqlFilter:
    column = _COLUMNS[term.path.member or Member.CREATED_AT]
    if term.operator is None:
        return SqlFilter(f"{column} is {'' if term.absent else 'not '}null")
    operand = term.operand
    if (
        isinstance(operand, tuple)
        and len(operand) == 1
        and isinstance(operand[0], datetime)
        and term.operator is not Operator.UNEQUAL
    ):
        sign = "=" if term.operator is Operator.EQUAL else term.operator.value
        return SqlFilter(f"{column} {sign} %s", (operand[0],))
    return SqlFilter(f"{column} is not null", exact=False)


def _instance_filter(term: Term) -> _PathFilter:
    path, operator = term.path, term.operator
    if path.member is not None:
        return _PathFilter("", exact=False)
    if operator is None and not path.trail:
        return _PathFilter("", exact=True)
    scalar = None if operator is None else _scalar_filter(operator, term.operand)
    if path.trail:
        return _part_filter(path.trail, operator, scalar)
    if operator is None or scalar is None:
        return _PathFilter("", exact=False)
    if operator is Operator.EQUAL:
        held = f"exists(@.value ? ({_lifted(scalar.text)}))"
    else:
        held = f"exists(@.value ? ({_typed(scalar.text)}))"
    if not _compares_text(term.operand):
        return _PathFilter(held, scalar.exact)
    if operator is not Operator.EQUAL:
        held = f"{_NO_RELATIONSHIP} && {held}"
    listed = f'{scalar.text} || (@.type() == "array" && exists(@[*] ? ({scalar.text})))'
    return _PathFilter(f"({held}) || ({_LANGUAGE} && exists(@.value.* ? ({listed})))", scalar.exact)


def _part_filter(
    trail: Sequence[str], operator: Operator | None, scalar: _PathFilter | None
) -> _PathFilter:
    if tuple(trail) == (EVERY_LANGUAGE,) or any(part.isdecimal() for part in trail):
        return _PathFilter("", exact=False)
    at = "@.value" + "".join(f".{_quoted(part)}" for part in trail)
    if scalar is None:
        return _PathFilter(f"{_LANGUAGE} || exists({at})", exact=False)
    test = _lifted(scalar.text) if operator is Operator.EQUAL else _typed(scalar.text)
    return _PathFilter(f"{_LANGUAGE} || exists({at} ? ({test}))", exact=False)


def _scalar_filter(operator: Operator, operand: Operand) -> _PathFilter | None:
    """Compare one value; None where SQL cannot say it."""
    if isinstance(operand, Pattern):
        head = operand.head
        if operator is not Operator.PATTERN or not head.anchored or not head.literal:
            return None
        return _PathFilter(f"@ starts with {_quoted(head.literal)}", exact=False)
    ranged = isinstance(operand, Range)
    values = (operand.low, operand.high) if isinstance(operand, Range) else operand
    written = [one for one in map(_written, values) if one is not None]
    if operator is Operator.UNEQUAL or len(written) < len(values) or len(written) > LISTED_MOST:
        return None
    if ranged:
        return _PathFilter(f"(@ >= {written[0]} && @ <= {written[1]})", exact=True)
    return _PathFilter(" || ".join(f"@ {operator} {one}" for one in written), exact=True)


def _written(literal: Literal) -> str | None:
    """Write a value as SQL/JSON paths do; None where they would compare it otherwise than we do."""
    if isinstance(literal, datetime):
        return None
    if isinstance(literal, str):
        return _quoted(literal)
    if isinstance(literal, bool):
        return "true" if literal else "false"
    return repr(literal) if abs(literal) < EXACT_BELOW else None


def _compares_text(operand: Operand) -> bool:
    if isinstance(operand, Pattern):
        return True
    if isinstance(operand, Range):
        return isinstance(operand.low, str)
    return any(isinstance(one, str) for one in operand)


def _typed(test: str) -> str:
    """Test a value, or what it says under @value."""
    return f'({test}) || (@.type() == "object" && exists(@."@value" ? ({test})))'


def _lifted(test: str) -> str:
    """Test a value, its items, or what it says under @value."""
    return f'{_typed(test)} || (@.type() == "array" && exists(@[*] ? ({test})))'


def _asked(held: _PathFilter) -> str:
    return f" ? ({held.text})" if held.text else ""


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()
