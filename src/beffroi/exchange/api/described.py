"""What the door can be asked, as an OpenAPI document that is made of its routes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from beffroi import __version__
from beffroi.exchange.api.answers import GEO_JSON, JSON, LD_JSON, PROBLEM_JSON, Answer, answered
from beffroi.exchange.api.requests import Request
from beffroi.exchange.api.routing import OPEN, Route

PATH: Final = "openapi.json"
_WITH_BODY: Final = frozenset({"POST", "PATCH", "PUT"})
_PROBLEM: Final = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "remedy": {"type": "string"},
    },
}
_HEADERS: Final = {
    "NGSILD-Tenant": "Whose entities; left out: those of the default tenant.",
    "Beffroi-Purpose": "What others' entities are wanted for.",
}


class DescriptionRoute:
    """Answers the description of some routes, and of itself."""

    def __init__(self, routes: Sequence[Route], beginning: str) -> None:
        self._routes = (*routes, Route("GET", PATH, self.show))
        self._document = description(self._routes, beginning)

    def routes(self) -> Sequence[Route]:
        """Return them all."""
        return self._routes

    async def show(self, _request: Request) -> Answer:
        """Describe what can be asked."""
        return answered(self._document)


def description(routes: Iterable[Route], beginning: str) -> Mapping[str, Any]:
    """Describe routes whose paths begin alike."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        path, names = _named(route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, names)
    return {
        "openapi": "3.1.0",
        "info": {"title": "beffroi, NGSI-LD", "version": __version__},
        "servers": [{"url": beginning.rstrip("/")}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": {"Problem": _PROBLEM},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _named(path: str) -> tuple[str, Sequence[str]]:
    """Name the open parts of a path after what precedes them."""
    parts: list[str] = []
    names: list[str] = []
    before = ""
    for part in path.split("/"):
        if part == OPEN:
            name = f"{before}_{len(names) + 1}"
            names.append(name)
            parts.append(f"{{{name}}}")
        else:
            before = part
            parts.append(part)
    return "/" + "/".join(parts), names


def _operation(route: Route, names: Sequence[str]) -> dict[str, Any]:
    told = (route.handler.__doc__ or "").partition("\n")[0]
    operation: dict[str, Any] = {
        "summary": told or "Answer that it is not offered yet.",
        "parameters": [
            *(_parameter(one, "path", is_required=True) for one in names),
            *(_parameter(one, "query") for one in sorted(route.parameters or ())),
            *(_parameter(one, "header", told) for one, told in _HEADERS.items()),
        ],
        "responses": {
            "2XX": {"description": "Done.", "content": _content(JSON, LD_JSON, GEO_JSON)},
            "default": {
                "description": "Refused.",
                "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    }
    if route.method in _WITH_BODY:
        operation["requestBody"] = {"content": _content(JSON, LD_JSON)}
    return operation


def _parameter(
    name: str, place: str, told: str = "", *, is_required: bool = False
) -> dict[str, Any]:
    schema = {"type": "string"}
    parameter = {"name": name, "in": place, "required": is_required, "schema": schema}
    return parameter | {"description": told} if told else parameter


def _content(*media_types: str) -> dict[str, Any]:
    return {one: {"schema": {}} for one in media_types}
