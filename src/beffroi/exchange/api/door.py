"""The NGSI-LD API as an ASGI application: from a request to a route, from an answer to bytes."""

import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from http import HTTPStatus
from typing import Any, Final

from msgspec.structs import replace

from beffroi.exchange.api.answers import (
    Answer,
    BareStatusError,
    Header,
    language_of,
    refused,
)
from beffroi.exchange.api.askers import Askers, purpose_told
from beffroi.exchange.api.requests import Request, read_parameters
from beffroi.exchange.api.routing import Route, RouteTree
from beffroi.exchange.errors import BadRequestDataError, InvalidRequestError, TooLargeError
from beffroi.kernel.errors import BeffroiError, FailedError, NotFoundError
from beffroi.kernel.rights.model import Actor
from beffroi.kernel.units import MIB

_logger = logging.getLogger(__name__)
DOOR_PATH: Final = "/ngsi-ld/v1"
_BEGINNING: Final = DOOR_PATH + "/"
_WITH_BODY: Final = frozenset({"POST", "PATCH", "PUT"})
_DRAINED_MOST: Final = 4 * MIB
_TENANT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:~/-]{0,254}")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Strangers = Callable[[], Awaitable[Actor | None]]


class Door:
    """Answers what is asked below a path, such as /ngsi-ld/v1.

    Args:
        askers: Tells who asks.
        routes: What can be asked.
        beginning: What their paths begin with.
        strangers: Tells whom to take somebody without an account for; nothing: nobody comes in.
    """

    def __init__(
        self,
        askers: Askers,
        routes: Iterable[Route],
        beginning: str = _BEGINNING,
        strangers: Strangers | None = None,
    ) -> None:
        self._askers = askers
        self._strangers = strangers
        self._beginning = len(beginning)
        self._tree = RouteTree(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = _headers(scope)
        body = _Body(headers, receive)
        try:
            answer = await self._answer(scope, headers, body)
        except BareStatusError as bare:
            answer = Answer(bare.status)
        except BeffroiError as error:
            answer = refused(error, language_of(_text(headers, b"accept-language")))
        except Exception as error:  # noqa: BLE001 - the last line before the server's own
            answer = _bug(scope, headers, error)
        await body.drain()
        await _send(answer, headers, send)

    async def _answer(self, scope: Scope, headers: Mapping[bytes, bytes], body: "_Body") -> Answer:
        method: str = scope["method"]
        path = _path(scope)[self._beginning :]
        if method in _WITH_BODY and b"content-length" not in headers:
            raise BareStatusError(HTTPStatus.LENGTH_REQUIRED)
        by_method, parts = self._tree.found(method, path)
        route = by_method.get(method)
        actor = await self._who(method, headers, route)
        if route is None:
            return _unrouted(by_method, headers)
        query = scope["query_string"].decode("latin-1")
        request = Request(
            method=method,
            path=path,
            query=query,
            parts=tuple(parts),
            parameters=read_parameters(query, route.parameters),
            headers=headers,
            actor=actor,
            tenant=_tenant(headers),
            body=await body.read(route.body_most),
        )
        return await route.handler(request)

    async def _who(self, method: str, headers: Mapping[bytes, bytes], route: Route | None) -> Actor:
        stranger = None
        knocks = b"authorization" not in headers and route is not None and route.is_open
        if self._strangers is not None and knocks:
            stranger = await self._strangers()
        actor = await self._askers.who(method, headers, stranger)
        purpose = headers.get(b"beffroi-purpose")
        if not purpose:
            return actor
        return replace(actor, purpose=purpose_told(purpose))


class _Body:
    """The body of one request, which is read once."""

    __slots__ = ("_headers", "_receive", "_unread")

    def __init__(self, headers: Mapping[bytes, bytes], receive: Receive) -> None:
        self._headers = headers
        self._receive = receive
        self._unread = True

    async def read(self, most: int) -> bytes:
        told = self._headers.get(b"content-length", b"0")
        if not told.isdigit():
            raise InvalidRequestError("exchange.not_a_length", found=told.decode("latin-1")[:80])
        if int(told) > most:
            raise TooLargeError("exchange.body_too_large", most=most)
        self._unread = False
        if told == b"0":
            return b""
        message = await self._receive()
        body: bytes = message.get("body", b"")
        if not message.get("more_body", False):
            return body
        parts = [body]
        while message.get("more_body", False):
            message = await self._receive()
            parts.append(message.get("body", b""))
        return b"".join(parts)

    async def drain(self) -> None:
        """Read what was not: a client that still sends would miss the answer."""
        told = self._headers.get(b"content-length", b"0")
        if self._unread and told.isdigit() and 0 < int(told) <= _DRAINED_MOST:
            while (await self._receive()).get("more_body", False):
                pass


def _path(scope: Scope) -> str:
    raw = scope.get("raw_path")
    path = raw.decode("latin-1").partition("?")[0] if raw else scope["path"]
    return str(path)


def _headers(scope: Scope) -> Mapping[bytes, bytes]:
    pairs = scope["headers"]
    headers = dict(pairs)
    if len(headers) < len(pairs):
        headers = {}
        for name, value in pairs:
            headers[name] = headers[name] + b", " + value if name in headers else value
    return headers


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")


def _tenant(headers: Mapping[bytes, bytes]) -> str:
    given = headers.get(b"ngsild-tenant")
    if not given:
        return ""
    tenant = given.decode("latin-1")
    if not _TENANT.fullmatch(tenant):
        raise BadRequestDataError("exchange.not_a_tenant", found=tenant[:80])
    return tenant


def _unrouted(by_method: Mapping[str, Route], headers: Mapping[bytes, bytes]) -> Answer:
    if by_method:
        allowed = ", ".join(sorted(by_method)).encode()
        return Answer(HTTPStatus.METHOD_NOT_ALLOWED, b"", ((b"allow", allowed),))
    language = language_of(_text(headers, b"accept-language"))
    return refused(NotFoundError("kernel.page_unknown"), language)


def _bug(scope: Scope, headers: Mapping[bytes, bytes], error: Exception) -> Answer:
    reference = secrets.token_hex(4)
    _logger.error(
        "BUG in request reference=%s method=%s path=%s",
        reference,
        scope["method"],
        scope["path"],
        exc_info=error,
    )
    language = language_of(_text(headers, b"accept-language"))
    return refused(FailedError("kernel.bug", reference=reference), language)


async def _send(answer: Answer, headers: Mapping[bytes, bytes], send: Send) -> None:
    told: list[Header] = list(answer.headers)
    tenant = headers.get(b"ngsild-tenant")
    if tenant:
        told.append((b"ngsild-tenant", tenant))
    if answer.status != HTTPStatus.NO_CONTENT:
        told.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": told})
    await send({"type": "http.response.body", "body": answer.body})
