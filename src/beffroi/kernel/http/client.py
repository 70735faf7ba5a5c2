"""Calling a platform's API from the command line."""

import time
from collections.abc import Iterator
from typing import Any, Protocol, TypeVar

import httpx
import msgspec

from beffroi.kernel.http.problems import Problem
from beffroi.kernel.operations.model import Operation, OperationState

AnswerT = TypeVar("AnswerT")
_ANSWER_WITHIN_S = 60.0
_POLL_S = 0.2


class RefusedError(Exception):
    """The platform said no; the problem tells why and what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.detail} {problem.remedy}")
        self.problem = problem


class OperationWatcher(Protocol):
    """Shows an operation that is under way."""

    def __call__(self, operation: Operation) -> None:
        """Take note of where it stands."""
        ...


class ApiClient:
    """A signed-in asker."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def ask(
        self,
        method: str,
        path: str,
        kind: type[AnswerT],
        body: object = None,
        *,
        media_type: str = "application/json",
    ) -> AnswerT:
        """Send one request and read its answer as a value of the kind.

        Args:
            method: GET, POST, PUT, PATCH or DELETE.
            path: With what it is asked for.
            kind: What the answer is.
            body: Sent as JSON.
            media_type: Of the body.

        Raises:
            RefusedError: The platform answered with a problem.
            TransportError: What stands before the platform answered in its place.
        """
        content = None if body is None else msgspec.json.encode(body)
        answer = self._client.request(
            method, path, content=content, headers={"Content-Type": media_type}
        )
        if answer.is_error:
            raise _refusal(answer)
        return msgspec.json.decode(answer.content or b"null", type=kind)

    def text(self, path: str) -> str:
        """Get a text."""
        return self._got(path).text

    def content(self, path: str) -> bytes:
        """Get a file."""
        return self._got(path).content

    def _got(self, path: str) -> httpx.Response:
        answer = self._client.get(path)
        if answer.is_error:
            raise _refusal(answer)
        return answer

    def finish(self, operation: Operation, watcher: OperationWatcher) -> Operation:
        """Follow an operation to its end."""
        while operation.state is OperationState.RUNNING:
            watcher(operation)
            time.sleep(_POLL_S)
            operation = self.ask("GET", f"/api/operations/{operation.id}", Operation)
        watcher(operation)
        return operation

    def events(self, path: str) -> Iterator[str]:
        """Give the data of server-sent events until the reader leaves."""
        timeout = httpx.Timeout(_ANSWER_WITHIN_S, read=None)
        with self._client.stream("GET", path, timeout=timeout) as answer:
            if answer.is_error:
                answer.read()
                raise _refusal(answer)
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    yield line.removeprefix("data:").removeprefix(" ")


def _refusal(answer: httpx.Response) -> RefusedError | httpx.TransportError:
    """Read a problem; a web server tells in a page of its own that the platform is away."""
    try:
        return RefusedError(msgspec.json.decode(answer.content, type=Problem))
    except msgspec.DecodeError:
        return httpx.TransportError(f"{answer.status_code} {answer.reason_phrase}")


def client_over_socket(socket: str, token: str, language: str) -> ApiClient:
    """Reach a platform of this machine."""
    transport = httpx.HTTPTransport(uds=socket)
    return ApiClient(_http_client("http://platform", token, language, transport=transport))


def client_over_network(url: str, token: str, language: str) -> ApiClient:
    """Reach a platform elsewhere."""
    return ApiClient(_http_client(url, token, language))


def _http_client(url: str, token: str, language: str, **options: Any) -> httpx.Client:  # noqa: ANN401
    return httpx.Client(
        base_url=url,
        headers={"Authorization": f"Bearer {token}", "Accept-Language": language},
        timeout=_ANSWER_WITHIN_S,
        **options,
    )
