"""MQTT topics as uplinks declare them: ``sensors/{device}/up``."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Generic, TypeVar

import msgspec

_LEVEL: Final = re.compile(r"\{([A-Za-z][A-Za-z0-9_]*)\}")
_ANY: Final = "+"
BoundT = TypeVar("BoundT")


class TopicPattern(msgspec.Struct, frozen=True):
    """A topic some of whose levels have names.

    Attributes:
        levels: As declared; "+" where a level has a name.
        names: By the place of their level.
    """

    levels: tuple[str, ...]
    names: tuple[tuple[int, str], ...]

    @classmethod
    def of(cls, topic: str) -> "TopicPattern | None":
        """Read a topic; nothing where it is none, such as one with wildcards or a name twice."""
        levels, names = [], []
        for place, level in enumerate(topic.split("/")):
            named = _LEVEL.fullmatch(level)
            if named:
                names.append((place, named[1]))
                levels.append(_ANY)
            elif re.search(r"[{}#+\x00-\x1f]", level):
                return None
            else:
                levels.append(level)
        told = [name for _, name in names]
        unusable = not topic or topic.startswith("$") or len(set(told)) < len(told)
        return None if unusable else cls(tuple(levels), tuple(names))

    def read(self, levels: list[str]) -> dict[str, str] | None:
        """Return the named levels of a topic; nothing where it is another one."""
        for declared, level in zip(self.levels, levels, strict=True):
            if declared not in (_ANY, level):
                return None
        found = {name: levels[place] for place, name in self.names}
        return found if all(found.values()) else None


class TopicTable(Generic[BoundT]):
    """Finds what a topic belongs to, first what writes more of its levels out."""

    def __init__(self, patterns: Iterable[tuple[TopicPattern, BoundT]]) -> None:
        self._first: dict[tuple[int, str], list[tuple[TopicPattern, BoundT]]] = {}
        for pattern, bound in sorted(patterns, key=lambda one: len(one[0].names)):
            self._first.setdefault((len(pattern.levels), pattern.levels[0]), []).append(
                (pattern, bound)
            )

    def found(self, topic: str) -> tuple[BoundT, Mapping[str, str]] | None:
        """Return what a topic belongs to first, and its named levels."""
        return next(self.matching(topic), None)

    def matching(self, topic: str) -> Iterator[tuple[BoundT, Mapping[str, str]]]:
        """Give all that a topic may belong to, each with its named levels."""
        levels = topic.split("/")
        for first in (levels[0], _ANY):
            for pattern, bound in self._first.get((len(levels), first), ()):
                named = pattern.read(levels)
                if named is not None:
                    yield bound, named
