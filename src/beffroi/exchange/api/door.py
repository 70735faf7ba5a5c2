"""The NGSI-LD API: from a request to a route, by ASGI or served directly."""

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
    language_of,
    refused,
)
from beffroi.exchange.api.askers import Askers, purpose_told
from beffroi.exchange.api.requests import Request, read_parameters
from beffroi.exchange.api.routing import Route, RouteTree
from beffroi.exchange.errors import BadRequestDataError, InvalidRequestError, TooLargeError
from beffroi.kernel.errors import BeffroiError, FailedError, NotFoundError
from beffroi.kernel.http.direct_serving import Asked, BodyLostError, Reply
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
        query = scope["query_string"].decode("latin-1")
        body = _ReceivedBody(receive)
        asked = Asked(scope["method"], _path(scope), query, _headers(scope), body)
        reply = await self.reply(asked)
        told = list(reply.headers)
        if reply.status != HTTPStatus.NO_CONTENT:
            told.append((b"content-length", str(len(reply.body)).encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": told})
        await send({"type": "http.response.body", "body": reply.body})

    async def reply(self, asked: Asked) -> Reply:
        """Answer one request; what of its body was not read is dropped, unless it is long."""
        headers = asked.headers
        try:
            answer = await self._answer(asked)
        except BareStatusError as bare:
            answer = Answer(bare.status)
        except BeffroiError as error:
            answer = refused(error, language_of(_text(headers, b"accept-language")))
        except BodyLostError:
            raise
        except Exception as error:  # noqa: BLE001 - the last line before the server's own
            answer = _bug(asked, error)
        if not asked.body.ended:
            await _drain(asked)
        tenant = headers.get(b"ngsild-tenant")
        told = (*answer.headers, (b"ngsild-tenant", tenant)) if tenant else answer.headers
        return Reply(answer.status, told, answer.body)

    async def _answer(self, asked: Asked) -> Answer:
        method, headers = asked.method, asked.headers
        path = asked.path[self._beginning :]
        if method in _WITH_BODY and b"content-length" not in headers:
            raise BareStatusError(HTTPStatus.LENGTH_REQUIRED)
        by_method, parts = self._tree.found(method, path)
        route = by_method.get(method)
        actor = await self._who(method, headers, route)
        if route is None:
            return _unrouted(by_method, headers)
        request = Request(
            method=method,
            path=path,
            query=asked.query,
            parts=tuple(parts),
            parameters=read_parameters(asked.query, route.parameters),
            headers=headers,
            actor=actor,
            tenant=_tenant(headers),
            body=await _read(asked, route.body_most),
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


class _ReceivedBody:
    """The body of a request that came by ASGI."""

    __slots__ = ("_receive", "ended")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.ended = False

    async def read(self) -> bytes:
        """Return it once it is here."""
        message = await self._receive()
        body: bytes = message.get("body", b"")
        if message.get("more_body", False):
            parts = [body]
            while message.get("more_body", False):
                message = await self._receive()
                parts.append(message.get("body", b""))
            body = b"".join(parts)
        self.ended = True
        return body

    async def drop(self) -> None:
        """Wait for its end and keep nothing of it."""
        while (await self._receive()).get("more_body", False):
            pass
        self.ended = True


async def _read(asked: Asked, most: int) -> bytes:
    told = asked.headers.get(b"content-length", b"0")
    if not told.isdigit():
        raise InvalidRequestError("exchange.not_a_length", found=told.decode("latin-1")[:80])
    if int(told) > most:
        raise TooLargeError("exchange.body_too_large", most=most)
    return b"" if told == b"0" else await asked.body.read()


async def _drain(asked: Asked) -> None:
    """Drop what was not read: a client that still sends would miss the answer."""
    told = asked.headers.get(b"content-length", b"0")
    if told.isdigit() and 0 < int(told) <= _DRAINED_MOST:
        await asked.body.drop()


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


def _bug(asked: Asked, error: Exception) -> Answer:
    reference = secrets.token_hex(4)
    _logger.error(
        "BUG in request reference=%s method=%s path=%s",
        reference,
        asked.method,
        asked.path,
        exc_info=error,
    )
    language = language_of(_text(asked.headers, b"accept-language"))
    return refused(FailedError("kernel.bug", reference=reference), language)
