"""The NGSI-LD API, an application of ASGI: from a request to a route."""

import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
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
from beffroi.exchange.errors import BadRequestDataError, TooLargeError
from beffroi.kernel.errors import BeffroiError, FailedError, NotFoundError
from beffroi.kernel.rights.model import Actor
from beffroi.kernel.units import MIB

_logger = logging.getLogger(__name__)
DOOR_PATH: Final = "/ngsi-ld/v1"
_BEGINNING: Final = DOOR_PATH + "/"
_WITH_BODY: Final = frozenset({"POST", "PATCH", "PUT"})
_DRAINED_MOST: Final = 4 * MIB
_TENANT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:~/-]{0,254}")

Headers = Mapping[bytes, bytes]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Strangers = Callable[[], Awaitable[Actor | None]]


class _BodyLostError(Exception):
    """The client left before all of its body was here: nobody is there to be answered."""


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
        """Answer one request; what of its body was not read is dropped, unless it is long."""
        headers = _headers(scope["headers"])
        body = _Body(headers, receive)
        try:
            answer = await self._answered(scope, headers, body)
            ends = not body.ended and not await body.dropped()
        except _BodyLostError:
            return
        told = [*answer.headers]
        if tenant := headers.get(b"ngsild-tenant"):
            told.append((b"ngsild-tenant", tenant))
        if answer.status != HTTPStatus.NO_CONTENT:
            told.append((b"content-length", b"%d" % len(answer.body)))
        if ends:
            told.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": answer.status, "headers": told})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answered(self, scope: Scope, headers: Headers, body: "_Body") -> Answer:
        try:
            return await self._answer(scope, headers, body)
        except BareStatusError as bare:
            return Answer(bare.status)
        except BeffroiError as error:
            return refused(error, language_of(_text(headers, b"accept-language")))
        except _BodyLostError:
            raise
        except Exception as error:  # noqa: BLE001 - the last line before the server's own
            return _bug(scope, headers, error)

    async def _answer(self, scope: Scope, headers: Headers, body: "_Body") -> Answer:
        method, query = scope["method"], scope["query_string"].decode("latin-1")
        path = scope["raw_path"].decode("latin-1")[self._beginning :]
        if method in _WITH_BODY and b"content-length" not in headers:
            raise BareStatusError(HTTPStatus.LENGTH_REQUIRED)
        by_method, parts = self._tree.found(method, path)
        route = by_method.get(method)
        actor = await self._who(method, headers, route)
        if route is None:
            return _unrouted(by_method, headers)
        if body.length > route.body_most:
            raise TooLargeError("exchange.body_too_large", most=route.body_most)
        request = Request(
            method=method,
            path=path,
            query=query,
            parts=tuple(parts),
            parameters=read_parameters(query, route.parameters),
            headers=headers,
            actor=actor,
            tenant=_tenant(headers),
            body=await body.read() if body.length else b"",
        )
        return await route.handler(request)

    async def _who(self, method: str, headers: Headers, route: Route | None) -> Actor:
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
    """The body of a request, which may still be on its way.

    Attributes:
        length: As the head tells it.
        ended: All of it is here, or there is none.
    """

    __slots__ = ("_receive", "ended", "length")

    def __init__(self, headers: Headers, receive: Receive) -> None:
        self._receive = receive
        self.length = int(headers.get(b"content-length", b"0"))
        self.ended = not self.length and b"transfer-encoding" not in headers

    async def read(self) -> bytes:
        """Return it once it is here."""
        parts = []
        while not self.ended:
            parts.append(await self._received())
        return b"".join(parts)

    async def dropped(self) -> bool:
        """Tell whether it was waited for, to keep nothing of it: who still sends hears nothing."""
        if not 0 < self.length <= _DRAINED_MOST:
            return False
        while not self.ended:
            await self._received()
        return True

    async def _received(self) -> bytes:
        message = await self._receive()
        if message["type"] != "http.request":
            raise _BodyLostError
        self.ended = not message["more_body"]
        part: bytes = message["body"]
        return part


def _headers(pairs: Sequence[Header]) -> Headers:
    headers = dict(pairs)
    if len(headers) < len(pairs):
        headers = {}
        for name, value in pairs:
            headers[name] = headers[name] + b", " + value if name in headers else value
    return headers


def _text(headers: Headers, name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")


def _tenant(headers: Headers) -> str:
    given = headers.get(b"ngsild-tenant")
    if not given:
        return ""
    tenant = given.decode("latin-1")
    if not _TENANT.fullmatch(tenant):
        raise BadRequestDataError("exchange.not_a_tenant", found=tenant[:80])
    return tenant


def _unrouted(by_method: Mapping[str, Route], headers: Headers) -> Answer:
    if by_method:
        allowed = ", ".join(sorted(by_method)).encode()
        return Answer(HTTPStatus.METHOD_NOT_ALLOWED, b"", ((b"allow", allowed),))
    language = language_of(_text(headers, b"accept-language"))
    return refused(NotFoundError("kernel.page_unknown"), language)


def _bug(scope: Scope, headers: Headers, error: Exception) -> Answer:
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
