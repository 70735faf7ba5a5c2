"""The nouns of the query language (ETSI GS CIM 009 v1.9.1, clause 4.9)."""

from datetime import datetime
from enum import StrEnum

import msgspec

from beffroi.exchange.model import Iri
from beffroi.exchange.query.patterns import Pattern


class Operator(StrEnum):
    """How a value is compared."""

    EQUAL = "=="
    UNEQUAL = "!="
    NOT_PATTERN = "!~="
    PATTERN = "~="
    GREATER_EQUAL = ">="
    LESS_EQUAL = "<="
    GREATER = ">"
    LESS = "<"


EQUALITIES = frozenset({Operator.EQUAL, Operator.UNEQUAL})
PATTERNS = frozenset({Operator.PATTERN, Operator.NOT_PATTERN})


class Member(StrEnum):
    """What an entity or an attribute says of itself."""

    CREATED_AT = "createdAt"
    MODIFIED_AT = "modifiedAt"
    EXPIRES_AT = "expiresAt"
    OBSERVED_AT = "observedAt"
    UNIT_CODE = "unitCode"
    DATASET_ID = "datasetId"


OF_ENTITIES = frozenset({Member.CREATED_AT, Member.MODIFIED_AT, Member.EXPIRES_AT})
INSTANTS = OF_ENTITIES | {Member.OBSERVED_AT}

EVERY_LANGUAGE = "*"


class Path(msgspec.Struct, frozen=True):
    """Where a value is.

    Attributes:
        names: Of an attribute, of one of its attributes, and so on.
        member: What the last of them, or the entity, says of itself; None is its value.
        trail: Into a compound value; a language; or "*" for every language.
    """

    names: tuple[Iri, ...]
    member: Member | None = None
    trail: tuple[str, ...] = ()


Literal = bool | int | float | str | datetime


class Range(msgspec.Struct, frozen=True):
    """From one value to another, with both; they are of one kind."""

    low: int | float | str | datetime
    high: int | float | str | datetime


Operand = tuple[Literal, ...] | Range | Pattern


class Hop(msgspec.Struct, frozen=True):
    """From an entity to those that one of its relationships leads to.

    Attributes:
        relationship: Its name.
        types: One of which the other entity has to have, where any is given.
    """

    relationship: Iri
    types: tuple[Iri, ...]


class Term(msgspec.Struct, frozen=True):
    """One condition.

    Attributes:
        path: Where the value is, in the entity that the last hop leads to.
        operator: None asks whether it is there.
        operand: What it is compared with.
        hops: To other entities.
        absent: Asks whether it is not there.
    """

    path: Path
    operator: Operator | None = None
    operand: Operand = ()
    hops: tuple[Hop, ...] = ()
    absent: bool = False
