"""Which handler answers a request: a tree of the parts of paths, built once."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final
from urllib.parse import unquote

import msgspec

from beffroi.exchange.api.answers import Answer
from beffroi.exchange.api.requests import Request
from beffroi.kernel.units import MIB

Handler = Callable[[Request], Awaitable[Answer]]
OPEN: Final = "*"


class Route(msgspec.Struct, frozen=True):
    """What answers a method on a path.

    Attributes:
        path: Below /ngsi-ld/v1/; "*" stands for any one part.
        parameters: Those of the query that mean something here; None: they are not looked at.
        body_most: How many bytes a body may have.
        is_open: It answers without an account where something is for everybody.
    """

    method: str
    path: str
    handler: Handler
    parameters: frozenset[str] | None = frozenset()
    body_most: int = 4 * MIB
    is_open: bool = False


class _Node:
    __slots__ = ("anything", "by_method", "named")

    def __init__(self) -> None:
        self.named: dict[str, _Node] = {}
        self.anything: _Node | None = None
        self.by_method: dict[str, Route] = {}


class RouteTree:
    """Routes by their paths."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            node = self._root
            for part in route.path.split("/"):
                if part == OPEN:
                    node.anything = node.anything or _Node()
                    node = node.anything
                else:
                    node = node.named.setdefault(part, _Node())
            node.by_method[route.method] = route

    def found(self, method: str, path: str) -> tuple[dict[str, Route], Sequence[str]]:
        """Return the routes of a path by method, and its open parts, decoded; none: unknown.

        A slash at the end means nothing, or, after the name of a collection, an id left empty.
        """
        closed = path.removesuffix("/")
        found = self._walked(closed)
        if closed is not path and "/" not in closed and method not in found[0]:
            emptied = self._walked(path)
            return emptied if method in emptied[0] else found
        return found

    def _walked(self, path: str) -> tuple[dict[str, Route], Sequence[str]]:
        node = self._root
        open_parts = []
        for part in path.split("/"):
            named = node.named.get(part)
            if named is not None:
                node = named
            elif node.anything is not None:
                node = node.anything
                open_parts.append(unquote(part, errors="replace") if "%" in part else part)
            else:
                return {}, ()
        return node.by_method, open_parts
