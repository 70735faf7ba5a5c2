"""Which types: ``A,B``, ``A|B``, ``(A;B)`` (ETSI GS CIM 009 v1.9.1, clause 4.17)."""

import re
from typing import Final

from beffroi.exchange.asking.question import Question, of_type
from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.model import Iri
from beffroi.exchange.query.logic import ANYTHING, question_of, read_tree
from beffroi.exchange.query.scanning import Scanner
from beffroi.exchange.representation.names import checked_name

EVERY_TYPE: Final = "*"
_TYPE: Final = re.compile(r"[^();|,\s]+")


def types_asked(text: str, context: Context, parameter: str = "type") -> Question:
    """Read a selection of types; "*" is every one.

    Raises:
        BadRequestDataError: It cannot be read.
    """
    if text.strip() == EVERY_TYPE:
        return ANYTHING

    def leaf(scanner: Scanner) -> Iri:
        name = scanner.match(_TYPE)
        if not name:
            raise scanner.mistake("exchange.asked_type_expected")
        return context.expand(checked_name(name))

    return question_of(read_tree(Scanner(parameter, text), leaf, ",|"), _ask)


def _ask(wanted: Iri) -> Question:
    return Question(
        asked=of_type(wanted),
        wanted=lambda entity: wanted in entity.types,
    )
