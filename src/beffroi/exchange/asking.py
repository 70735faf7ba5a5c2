"""What a question comes down to for the store."""

from collections.abc import Callable
from typing import Any

import msgspec

from beffroi.exchange.model import Entity


class SqlFilter(msgspec.Struct, frozen=True):
    """A condition on ``exchange.entity e``: text of ours, with places for its values.

    Attributes:
        exact: It holds for those entities alone that are asked for; otherwise for others too.
    """

    sql: str
    parameters: tuple[Any, ...] = ()
    exact: bool = True


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
    """

    entities: tuple[Entity, ...]
    count: int | None
    more: bool
