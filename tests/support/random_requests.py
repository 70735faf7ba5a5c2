"""Random requests to every route of an OpenAPI document, the same in each run."""

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any, Final
from urllib.parse import quote

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from litestar import Litestar
from litestar.routes import HTTPRoute
from schemathesis import Case
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

Words = Mapping[str, Sequence[Any]]
_SURE: Final = 0.75
"""How often words are taken rather than what is random."""
_PROBLEM: Final = "application/problem+json"
_SETTINGS: Final = {
    "derandomize": True,
    "database": None,
    "deadline": None,
    "phases": [Phase.generate],
    "suppress_health_check": list(HealthCheck),
}


def pages_described(application: Litestar) -> dict[str, Any]:
    """Describe what is read outside of the API: pages, drawings, files of open data."""
    paths: dict[str, Any] = {}
    for route in application.routes:
        if not isinstance(route, HTTPRoute) or route.path_format.startswith("/api"):
            continue
        if "GET" in route.methods:
            names = [(one, "path") for one in route.path_parameters]
            paths[route.path_format] = {
                "get": _operation([*names, *((one, "query") for one in _ASKED)])
            }
    return {"openapi": "3.1.0", "info": {"title": "pages", "version": "1"}, "paths": paths}


_ASKED: Final = ("at", "z", "tenant", "type", "organisation", "q", "attribute", "since", "before")


def _operation(parameters: Sequence[tuple[str, str]]) -> dict[str, Any]:
    return {
        "parameters": [
            {"name": name, "in": place, "required": place == "path", "schema": {"type": "string"}}
            for name, place in parameters
        ],
        "responses": {"default": {"description": "A page."}},
    }


def random_requests(document: Mapping[str, Any], words: Words, most: int) -> Iterator[Case[Any]]:
    """Yield some requests to each operation.

    Args:
        document: What can be asked, as OpenAPI.
        words: What may stand in the place of what is random: by the name of a parameter of the
            path, as "queries" and as "bodies".
        most: How many to each operation.
    """
    schema = schemathesis.openapi.from_dict(dict(document))
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found.err()
        yield from _drawn(found.ok(), words, most)


def _drawn(operation: APIOperation[Any, Any, Any, Any], words: Words, most: int) -> list[Case[Any]]:
    cases: list[Case[Any]] = []

    @settings(max_examples=most, **_SETTINGS)  # type: ignore[arg-type]
    @given(case=operation.as_strategy(), choice=st.randoms(use_true_random=False))
    def gather(case: Case[Any], choice: Random) -> None:
        cases.append(_with_words(case, words, choice))

    gather()
    return cases


def _with_words(case: Case[Any], words: Words, choice: Random) -> Case[Any]:
    """Put words that mean something in the place of most of what is random."""
    for name in case.path_parameters or {}:
        if choice.random() < _SURE and (some := words.get(name)):
            case.path_parameters[name] = quote(choice.choice(some), safe=":")
    known = {one.name for one in case.operation.query}
    if (fitting := [one for one in words["queries"] if known.issuperset(one)]) and (
        choice.random() < _SURE
    ):
        case.query = dict(choice.choice(fitting))
    if choice.random() < _SURE:
        case.headers.clear()
    if case.media_type and choice.random() < _SURE:
        case.body = choice.choice(words["bodies"])
    return case


async def sent(
    client: httpx.AsyncClient, case: Case[Any], headers: Mapping[str, str]
) -> httpx.Response:
    """Send a request, redirects not followed."""
    given_ = case.as_transport_kwargs(base_url="https://console.example.localhost")
    told = {name: value.encode("utf-8", "replace") for name, value in given_["headers"].items()}
    told = {
        name: value for name, value in told.items() if b"\n" not in value and b"\r" not in value
    }
    asked = {
        name: given_[name] for name in ("json", "data", "files") if given_.get(name) is not None
    }
    if isinstance(asked.get("data"), str | bytes):
        asked["content"] = asked.pop("data")
    return await client.request(
        case.method,
        given_["url"],
        params=case.query or None,
        headers={**told, **{name: value.encode() for name, value in headers.items()}},
        **asked,
    )


def conforms(case: Case[Any], answer: httpx.Response, document: Mapping[str, Any]) -> None:
    """Check that an answer is one that the document tells of."""
    told = f"{case.as_curl_command()}\n{answer.status_code} {answer.text[:500]}"
    responses = document["paths"][case.path][case.method.lower()]["responses"]
    known = {str(answer.status_code), f"{answer.status_code // 100}XX", "default"}
    assert answer.status_code in _ANYWHERE or known & set(responses), told
    if answer.status_code >= 400 and answer.content:
        assert answer.headers["content-type"].startswith(_PROBLEM), told
        problem = answer.json()
        assert problem["status"] == answer.status_code, told
        assert problem["title"], told
        assert problem["detail"], told


_ANYWHERE: Final = frozenset({401, 403, 404, 405, 409, 411, 413, 415, 422, 429, 501, 503})
"""What any route may answer, whoever describes it."""
