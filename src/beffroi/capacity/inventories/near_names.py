"""The known names that look most like those that are not known, for what is told of mistakes."""

from collections.abc import Collection
from typing import Final

from beffroi.territory.shape import nearest

_COMPARED_MOST: Final = 20_000


class NearNames:
    """Names that may be meant; each missing one is looked for once, the first ones alone.

    Comparing two names takes some 40 µs, and a file whose names all differ from another's asks
    for each of its rows.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = sorted(names)
        self._known = frozenset(names)
        self._found: dict[str, str] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def near(self, name: str) -> str:
        """Return the name that looks most like this one; a dash: none, or too many were asked."""
        if name not in self._found:
            compared = len(self._found) * len(self._names)
            self._found[name] = nearest(name, self._names) if compared < _COMPARED_MOST else ""
        return self._found[name] or "-"
