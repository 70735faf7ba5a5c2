"""Reads the query language (ETSI GS CIM 009 v1.9.1, clause 4.9)."""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Final

import msgspec

from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import Iri
from beffroi.exchange.query.logic import Tree, read_tree
from beffroi.exchange.query.patterns import Pattern
from beffroi.exchange.query.scanning import Scanner
from beffroi.exchange.query.terms import (
    EQUALITIES,
    OF_ENTITIES,
    PATTERNS,
    Hop,
    Literal,
    Member,
    Operand,
    Operator,
    Path,
    Range,
    Term,
)
from beffroi.exchange.representation.names import attribute_iri, checked_name

_NAME: Final = re.compile(r"[^\W\d_]\w*")
_IRI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\s=!<>~\[\]{}();|,\"]+")
_HINT: Final = re.compile(r"[^\W\d_]\w*(?:,[^\W\d_]\w*)*:")
_TRAIL: Final = re.compile(r"[^\[\]{}();|,\"]+")
_BARE: Final = re.compile(r"(?![=!<>~])(?:[^;|(),\"\s.]|\.(?!\.))+")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.,]{8,18}(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_WORDS: Final = {"true": True, "false": False}
_HOPS_MOST: Final = 10


def read_q(
    text: str, context: Context, *, expanded: Collection[Iri] = (), parameter: str = "q"
) -> Tree[Term]:
    """Read a query.

    Args:
        text: As it was asked.
        context: What names stand for.
        expanded: Attributes whose values in the query are names to expand.
        parameter: What the asker calls it.

    Raises:
        BadRequestDataError: It cannot be read.
        TooComplexQueryError: It has too many conditions.
    """
    reader = _Reader(context, expanded)
    return read_tree(Scanner(parameter, text), reader.term, "|")


def read_path(scanner: Scanner, context: Context) -> Path:
    """Read where a value is: ``a.b[c.d]``, ``a.observedAt``, ``modifiedAt``."""
    return _Reader(context, ()).path(scanner, inside=False)


class _Reader:
    """Reads the conditions of a query."""

    def __init__(self, context: Context, expanded: Collection[Iri]) -> None:
        self._context = context
        self._expanded = expanded

    def term(self, scanner: Scanner) -> Term:
        """Read a condition."""
        absent = scanner.takes("!")
        hops: list[Hop] = []
        path = self._hops_and_path(scanner, hops)
        scanner.skip_spaces()
        operator = None if absent else _read_operator(scanner)
        if operator is None:
            return Term(path, None, (), tuple(hops), absent)
        return Term(path, operator, self._operand(scanner, operator, path), tuple(hops))

    def _hops_and_path(self, scanner: Scanner, hops: list[Hop]) -> Path:
        types = self._types(scanner) if hops else ()
        begun = scanner.at
        name = _read_name(scanner, inside=bool(hops))
        if not scanner.takes("{"):
            scanner.at = begun
            if hops:
                hops[-1] = Hop(hops[-1].relationship, types)
            return self.path(scanner, inside=bool(hops))
        if hops:
            hops[-1] = Hop(hops[-1].relationship, types)
        hops.append(Hop(attribute_iri(name, self._context), ()))
        if len(hops) > _HOPS_MOST:
            raise scanner.mistake("exchange.asked_too_deep", most=_HOPS_MOST)
        path = self._hops_and_path(scanner, hops)
        scanner.needs("}")
        return path

    def _types(self, scanner: Scanner) -> tuple[Iri, ...]:
        hint = scanner.match(_HINT)
        if not hint:
            return ()
        return tuple(self._context.expand(checked_name(one)) for one in hint[:-1].split(","))

    def path(self, scanner: Scanner, *, inside: bool) -> Path:
        """Read where a value is."""
        begun = scanner.at
        name = _read_name(scanner, inside=inside)
        if name in OF_ENTITIES:
            if scanner.sees(".") or scanner.sees("["):
                raise scanner.mistake("exchange.asked_end_of_path")
            return Path((), Member(name))
        names = [self._attribute(name, begun, scanner)]
        while scanner.sees(".") and not scanner.sees(".."):
            scanner.at += 1
            begun = scanner.at
            name = _read_name(scanner, inside=True)
            if name in Member.__members__.values():
                if scanner.sees(".") or scanner.sees("["):
                    raise scanner.mistake("exchange.asked_end_of_path")
                return Path(tuple(names), Member(name))
            names.append(self._attribute(name, begun, scanner))
        return Path(tuple(names), None, _read_trail(scanner))

    def _attribute(self, name: str, begun: int, scanner: Scanner) -> Iri:
        try:
            return attribute_iri(name, self._context)
        except BadRequestDataError:
            raise scanner.mistake("exchange.asked_name_reserved", at=begun, name=name) from None

    def _operand(self, scanner: Scanner, operator: Operator, path: Path) -> Operand:
        scanner.skip_spaces()
        if operator in PATTERNS:
            return _read_pattern(scanner)
        expands = bool(path.names) and path.names[-1] in self._expanded
        begun = scanner.at
        first = self._literal(scanner, expands=expands)
        if operator not in EQUALITIES:
            if isinstance(first, bool):
                raise scanner.mistake("exchange.asked_not_ordered", at=begun)
            if scanner.sees(",") or scanner.sees(".."):
                raise scanner.mistake("exchange.asked_single_value", operator=operator)
            return (first,)
        if scanner.takes(".."):
            last = self._literal(scanner, expands=expands)
            kind = str if isinstance(first, str) else type(first)
            numbers = not isinstance(first, bool) and isinstance(first, int | float)
            if isinstance(first, bool) or isinstance(last, bool):
                raise scanner.mistake("exchange.asked_not_ordered", at=begun)
            if not isinstance(last, (int, float) if numbers else kind):
                raise scanner.mistake("exchange.asked_range_of_two_kinds", at=begun)
            return Range(first, last)
        values = [first]
        while scanner.takes(","):
            scanner.skip_spaces()
            values.append(self._literal(scanner, expands=expands))
        return tuple(values)

    def _literal(self, scanner: Scanner, *, expands: bool) -> Literal:
        if scanner.sees('"'):
            text = _read_quoted(scanner)
            return self._context.expand(text) if expands else text
        begun = scanner.at
        text = scanner.match(_BARE)
        if not text:
            raise scanner.mistake("exchange.asked_value_expected")
        if expands:
            return self._context.expand(text)
        if text in _WORDS:
            return _WORDS[text]
        if _NUMBER.fullmatch(text):
            return _number(text, begun, scanner)
        if _INSTANT.fullmatch(text):
            try:
                return datetime.fromisoformat(text)
            except ValueError:
                raise scanner.mistake("exchange.asked_instant_expected", at=begun) from None
        return text


def _read_name(scanner: Scanner, *, inside: bool) -> str:
    found = "" if inside else scanner.match(_IRI)
    found = found or scanner.match(_NAME)
    if not found:
        raise scanner.mistake("exchange.asked_name_expected")
    return found


def _read_trail(scanner: Scanner) -> tuple[str, ...]:
    if not scanner.takes("["):
        return ()
    body = scanner.match(_TRAIL)
    parts = tuple(body.split("."))
    if not all(parts):
        raise scanner.mistake("exchange.asked_member_expected")
    scanner.needs("]")
    return parts


def _read_operator(scanner: Scanner) -> Operator | None:
    for operator in Operator:
        if scanner.takes(operator):
            return operator
    return None


def _read_quoted(scanner: Scanner) -> str:
    begun = scanner.at
    quoted = scanner.match(_QUOTED)
    if not quoted:
        raise scanner.mistake("exchange.asked_quote_open")
    try:
        text: str = msgspec.json.decode(quoted, type=str)
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise scanner.mistake("exchange.asked_escape_unreadable", at=begun) from None
    if "\0" in text:
        raise scanner.mistake("exchange.asked_control_character", at=begun)
    return text


def _read_pattern(scanner: Scanner) -> Pattern:
    begun, depth = scanner.at, 0
    if scanner.sees('"'):
        return Pattern(scanner.parameter, _read_quoted(scanner), begun + 1)
    while scanner.at < len(scanner.text):
        sign = scanner.text[scanner.at]
        if sign == ";" or (depth == 0 and sign in "|)"):
            break
        depth += (sign == "(") - (sign == ")")
        scanner.at += 1
    text = scanner.text[begun : scanner.at].rstrip(" ")
    if not text:
        raise scanner.mistake("exchange.asked_value_expected")
    return Pattern(scanner.parameter, text, begun)


def _number(text: str, begun: int, scanner: Scanner) -> int | float:
    try:
        number: int | float = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise scanner.mistake("exchange.asked_number_too_large", at=begun) from None
    return number
