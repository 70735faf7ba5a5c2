"""What a question comes down to for the store."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from beffroi.exchange.model import Entity, Iri


class Lookup(msgspec.Struct, frozen=True):
    """What an attribute is asked to say, in terms of ``exchange.key_of``, which an index can have.

    Attributes:
        condition: On the key of an answer, where that is not JSON's null: with a place for the
            key, and places for values.
        parameters: As PostgreSQL reads jsonb.
    """

    attribute: Iri
    condition: str
    parameters: tuple[Any, ...]


class SqlFilter(msgspec.Struct, frozen=True):
    """A condition on ``exchange.entity e``: text of ours, with places for its values.

    Attributes:
        exact: It holds for those entities alone that are asked for; otherwise for others too.
        types: Each answer is of one of these; nothing: of any.
        lookups: Each answer meets all of these.
        boxes: Each answer that has bounds touches one of these; nothing: wherever it is.
    """

    sql: str
    parameters: tuple[Any, ...] = ()
    exact: bool = True
    types: tuple[Iri, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    boxes: tuple[str, ...] = ()

    @property
    def is_type_alone(self) -> bool:
        """Tell whether it asks for no more than a type."""
        return self.sql == _OF_TYPE

    @property
    def is_types_alone(self) -> bool:
        """Tell whether it asks to be of one of its types, and for nothing else."""
        any_of_types = " or ".join([f"({_OF_TYPE})"] * len(self.types))
        return self.is_type_alone or (len(self.types) > 1 and self.sql == any_of_types)


_OF_TYPE: Final = "e.types @> %s::text[]"


def of_type(iri: Iri) -> SqlFilter:
    """Ask for entities of a type."""
    return SqlFilter(_OF_TYPE, ([iri],), types=(iri,))


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Which entities are asked for.

    Attributes:
        asked: Never leaves one out that is wanted.
        wanted: Decides.
        rank: The order, the least first; nothing: that of creation.
    """

    asked: SqlFilter
    wanted: Callable[[Entity], bool]
    rank: Callable[[Entity], Any] | None = None


class Window(msgspec.Struct, frozen=True):
    """Which of the answers.

    Attributes:
        count: Tell how many there are in all.
    """

    offset: int
    limit: int
    count: bool


class Page(msgspec.Struct, frozen=True):
    """A part of the answers.

    Attributes:
        count: How many there are in all, where that was asked.
        more: Others follow.
        owners: To which organisation each entity belongs.
    """

    entities: tuple[Entity, ...]
    count: int | None
    more: bool
    owners: tuple[str, ...] = ()
