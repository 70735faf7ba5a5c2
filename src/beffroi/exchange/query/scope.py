"""Where in hierarchies: ``/a/b``, ``/a/+/c``, ``/a/#`` (ETSI GS CIM 009 v1.9.1, clause 4.19)."""

import re
from typing import Final

from beffroi.exchange.asking.question import Question, SqlFilter
from beffroi.exchange.model import Entity
from beffroi.exchange.query.logic import question_of, read_tree
from beffroi.exchange.query.scanning import Scanner

_SCOPE: Final = re.compile(r"/?(?:\+|[^\W\d_]\w*)(?:/(?:\+|[^\W\d_]\w*))*(?:/#)?|/#")
_LEVEL: Final = "[^/]+"


def scopes_asked(text: str) -> Question:
    """Read a selection of scopes.

    Raises:
        BadRequestDataError: It cannot be read.
    """
    return question_of(read_tree(Scanner("scopeQ", text), _read_scope, ",|"), _ask)


def _read_scope(scanner: Scanner) -> str:
    found = scanner.match(_SCOPE)
    if not found:
        raise scanner.mistake("exchange.asked_scope_expected")
    return found if found[0] == "/" else "/" + found


def _ask(scope: str) -> Question:
    if scope == "/#":
        return Question(
            asked=SqlFilter("cardinality(e.scopes) > 0"), wanted=lambda entity: bool(entity.scopes)
        )
    if "+" not in scope and "#" not in scope:
        return Question(
            # As the index has it, which leaves out entities in no scope.
            asked=SqlFilter("e.scopes @> %s::text[] and cardinality(e.scopes) > 0", ([scope],)),
            wanted=lambda entity: scope in entity.scopes,
        )
    below = scope.endswith("/#")
    levels = scope.removesuffix("/#").replace("+", _LEVEL)
    pattern = f"^{levels}(?:/.*)?$" if below else f"^{levels}$"
    matches = re.compile(pattern).match

    def wanted(entity: Entity) -> bool:
        return any(matches(one) for one in entity.scopes)

    return Question(
        asked=SqlFilter("exists (select from unnest(e.scopes) one where one ~ %s)", (pattern,)),
        wanted=wanted,
    )
