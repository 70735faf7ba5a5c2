"""Asking the origin, through nginx's own door to every application."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
import msgspec
from yarl import URL

from beffroi.delivery.storability import OriginAnswer

BODY_BYTES_MOST: Final = 8 * 1024 * 1024
_PAGE_WITHIN_S: Final = 60.0
_RELAY_WITHIN_S: Final = 140.0
_CONNECTIONS_MOST: Final = 256
UNANSWERED: Final = "unanswered"
_UNANSWERED_HEADER: Final = "x-beffroi-unanswered"
_FAILURE_FROM: Final = 500
_HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
Headers = Sequence[tuple[str, str]]


class Fetched(msgspec.Struct, frozen=True):
    """A whole answer of the origin to a target."""

    target: str
    answer: OriginAnswer
    body: bytes

    def answers(self, target: str) -> bool:
        """Tell whether a visitor's own target has the same query: ignored parameters are left out.

        The paths are equal but for the way in which they are escaped.
        """
        return target.partition("?")[2] == self.target.partition("?")[2]

    def without_cookies(self) -> "Fetched":
        """Return the answer as several visitors may read it."""
        headers = tuple(one for one in self.answer.headers if one[0] != "set-cookie")
        answer = msgspec.structs.replace(self.answer, headers=headers)
        return msgspec.structs.replace(self, answer=answer)


class Unreachable(Exception):  # noqa: N818 - an outcome that callers name
    """The origin gave no whole answer; ``reason`` is one short word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TooLarge(Exception):  # noqa: N818 - an outcome that callers name
    """The answer has more bytes than a stored page may have."""


class Streamed(Exception):  # noqa: N818 - an outcome that callers name
    """The answer's end is not to be waited for."""


class Origin:
    """The applications and the files behind nginx's direct socket."""

    def __init__(self, socket: Path) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(socket), limit=_CONNECTIONS_MOST),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            timeout=aiohttp.ClientTimeout(total=None),
            max_line_size=16_384,
            max_field_size=16_384,
        )

    async def close(self) -> None:
        """Let the connections go."""
        await self._session.close()

    async def page(
        self, host: str, target: str, is_whole: Callable[[OriginAnswer], bool]
    ) -> Fetched:
        """Ask for a page as an anonymous visitor of whom nothing is known.

        No header of a visitor is handed on: none can change what the next ones read.

        Args:
            host: Whose page.
            target: Path and query.
            is_whole: Tells by its head whether an answer's end is waited for.

        Raises:
            Unreachable: No whole answer came in time.
            TooLarge: It is larger than what is stored.
            Streamed: It is not waited for.
        """
        headers = {
            "Host": host,
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "User-Agent": "beffroi-filler",
            "X-Real-IP": "127.0.0.1",
        }
        try:
            async with (
                asyncio.timeout(_PAGE_WITHIN_S),
                self._session.get(_url(target), headers=headers, allow_redirects=False) as answer,
            ):
                head = _answered_head(answer)
                if not is_whole(head):
                    answer.close()
                    raise Streamed
                return Fetched(target, head, await _bounded_body(answer))
        except TimeoutError as error:
            raise Unreachable("timeout") from error
        except aiohttp.ClientError as error:
            raise Unreachable("broken") from error

    @asynccontextmanager
    async def relayed(
        self, method: str, target: str, headers: Headers, body: AsyncIterator[bytes] | None
    ) -> AsyncIterator[tuple[OriginAnswer, AsyncIterator[bytes]]]:
        """Hand a visitor's own request on and give the answer as it comes.

        Raises:
            Unreachable: No answer came in time.
        """
        passed = [(name, value) for name, value in headers if name not in _HOP_BY_HOP]
        try:
            async with (
                asyncio.timeout(_RELAY_WITHIN_S) as deadline,
                self._session.request(
                    method, _url(target), headers=passed, data=body, allow_redirects=False
                ) as answer,
            ):
                deadline.reschedule(None)
                yield _answered_head(answer), answer.content.iter_any()
        except TimeoutError as error:
            raise Unreachable("timeout") from error
        except aiohttp.ClientError as error:
            raise Unreachable("broken") from error


def end_to_end(headers: Headers) -> list[tuple[str, str]]:
    """Return the headers that concern more than one connection."""
    named = {
        word.strip().lower()
        for name, value in headers
        if name == "connection"
        for word in value.split(",")
    }
    left_out = _HOP_BY_HOP | named
    return [
        (name, value)
        for name, value in headers
        if name not in left_out and not name.startswith(("x-accel-", "x-beffroi-"))
    ]


def _url(target: str) -> URL:
    return URL(f"http://origin{target}", encoded=True)


def _answered_head(answer: aiohttp.ClientResponse) -> OriginAnswer:
    """Return an answer's head.

    Raises:
        Unreachable: nginx answered in the place of an application that did not.
    """
    head = _head(answer)
    if head.status >= _FAILURE_FROM and _UNANSWERED_HEADER in dict(head.headers):
        answer.close()
        raise Unreachable(UNANSWERED)
    return head


def _head(answer: aiohttp.ClientResponse) -> OriginAnswer:
    return OriginAnswer(
        status=answer.status,
        headers=tuple(
            (name.decode("latin-1").lower(), value.decode("latin-1"))
            for name, value in answer.raw_headers
        ),
    )


async def _bounded_body(answer: aiohttp.ClientResponse) -> bytes:
    if (answer.content_length or 0) > BODY_BYTES_MOST:
        answer.close()
        raise TooLarge
    chunks: list[bytes] = []
    size = 0
    async for chunk in answer.content.iter_any():
        size += len(chunk)
        if size > BODY_BYTES_MOST:
            answer.close()
            raise TooLarge
        chunks.append(chunk)
    return b"".join(chunks)
