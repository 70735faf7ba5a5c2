"""One endpoint, ``POST /measures``, written four ways."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from litestar import Litestar, post
from litestar.params import JSONBody
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.stacks.payload import Measure, Summary, answer_to, summarised

_HEADERS = [(b"content-type", b"application/json")]


@post("/measures", status_code=200)
async def _litestar_measure(data: JSONBody[Measure]) -> Summary:
    return summarised(data)


async def _starlette_measure(request: Request) -> Response:
    return Response(answer_to(await request.body()), media_type="application/json")


Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class RsgiProtocol(Protocol):
    """What Granian lends an RSGI application for one request."""

    async def __call__(self) -> bytes:
        """Read the whole body."""
        ...

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Answer."""
        ...


async def bare_asgi(scope: Message, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    answer = answer_to(body)
    length = (b"content-length", str(len(answer)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS, length]})
    await send({"type": "http.response.body", "body": answer})


async def bare_rsgi(_: object, protocol: RsgiProtocol) -> None:
    answer = answer_to(await protocol())
    protocol.response_bytes(200, [("content-type", "application/json")], answer)


litestar = Litestar([_litestar_measure], openapi_config=None)
starlette = Starlette(routes=[Route("/measures", _starlette_measure, methods=["POST"])])
