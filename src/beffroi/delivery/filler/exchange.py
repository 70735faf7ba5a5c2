"""One request's way in and out, as Granian's RSGI gives it."""

from collections.abc import AsyncIterator
from typing import Protocol


class BodyStream(Protocol):
    """An answer's body under way."""

    async def send_bytes(self, data: bytes) -> None:
        """Send a piece."""
        ...


class Exchange(Protocol):
    """Gives a request's body and takes its answer, once."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Give the request's body, piece by piece."""
        ...

    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None:
        """Answer without a body."""
        ...

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Answer with a whole body."""
        ...

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> BodyStream:
        """Begin an answer whose body follows."""
        ...
