"""Answering HTTP/1.1 in the loop itself, by uvicorn: no thread of a server between.

Whoever connects is nginx, which keeps slow and silent clients, TLS and HTTP/2 away. uvicorn's own
loop, which wakes up ten times a second, and its handlers of signals are left out: nothing wakes
up where nobody asks.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_STOP_WITHIN_S: Final = 10
_END_WITHIN_S: Final = 2
_LEAVING_S: Final = 0.2
# nginx lets go of its connections after 60 s: closed from here, a request might be lost.
_KEPT_IDLE_S: Final = 75
_HEAD_MOST: Final = 65_536
_UNREAD_HEAD_MOST: Final = 1_048_576
"""Of a head that has not ended: a header is told once it did, and is kept until then."""
_HELD_MOST: Final = 16_384
_HEADER_COSTS: Final = len(": \r\n")
_HEAD_BEGINS: Final = b"HTTP/1.1 "
_OF_EVENTS: Final = b"content-type: text/event-stream"

Application = Callable[[Any, Any, Any], Awaitable[None]]


@asynccontextmanager
async def answered_on(path: Path, application: Application, mode: int) -> AsyncIterator[None]:
    """Answer on a unix socket as long as the block lasts; what is being answered then ends.

    Args:
        path: Taken over from an earlier process.
        application: What answers, by ASGI.
        mode: Who may connect, as ``chmod`` tells it; it holds before the first answer.
    """
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(mode)
        async with answering(listener, application):
            try:
                yield
            finally:
                path.unlink(missing_ok=True)


@asynccontextmanager
async def answering(listener: socket.socket, application: Application) -> AsyncIterator[None]:
    """Answer on a socket that is bound, as long as the block lasts, and close it."""
    config = uvicorn.Config(
        application,
        interface="asgi3",
        http=_Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=_KEPT_IDLE_S,
        timeout_graceful_shutdown=_STOP_WITHIN_S + _END_WITHIN_S,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    try:
        yield
    finally:
        if server.server_state.connections:
            # What nginx sent on a connection that was kept is lost when that is closed: each is
            # closed with its next answer, and those alone that had none for a while from here.
            server.server_state.default_headers.append((b"connection", b"close"))
            await asyncio.sleep(_LEAVING_S)
        for connection in tuple(server.server_state.connections):
            cast("_Connection", connection).end_stream()
        cutting = asyncio.get_running_loop().call_later(_STOP_WITHIN_S, _cut, server)
        await server.shutdown(sockets=[listener])
        cutting.cancel()


def _cut(server: uvicorn.Server) -> None:
    """Close at once: what streams without end is told that nobody is there any more."""
    for connection in tuple(server.server_state.connections):
        connection.transport.abort()


class _JoinedWrites:
    """A transport that sends the head of an answer with its body; uvicorn writes them apart.

    Attributes:
        streams: What it sends last are events, without end.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self.streams = False
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._held: list[bytes] = []
        self._held_size = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else a transport has
        return getattr(self._transport, name)

    def write(self, part: bytes) -> None:
        """Send, with what is written next where that comes at once."""
        if part.startswith(_HEAD_BEGINS):
            self.streams = _OF_EVENTS in part
        if not self._held:
            self._loop.call_soon(self._send)
        self._held.append(part)
        self._held_size += len(part)
        if self._held_size > _HELD_MOST:
            self._send()

    def close(self) -> None:
        """Close once all is sent."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        held = self._held
        if held and not self._transport.is_closing():
            self._transport.write(b"".join(held))
        self._held, self._held_size = [], 0


class _Connection(HttpToolsProtocol):
    """A connection whose heads are bounded, which uvicorn leaves to others."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        joined = _JoinedWrites(cast("asyncio.Transport", transport))
        super().connection_made(cast("asyncio.Transport", joined))
        self._joined = joined
        self._is_in_head, self._unread = False, 0

    def end_stream(self) -> None:
        """Close where events are sent: the browser asks again, and whoever sends them ends."""
        if self._joined.streams:
            self._joined.close()

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        super().data_received(data)
        if self._is_in_head and self.parser is not None:
            self._unread += len(data)
            if self._unread > _UNREAD_HEAD_MOST and not self.transport.is_closing():
                self._is_in_head = False
                self.send_400_response("The head of the request is too long.")

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._head_left = _HEAD_MOST
        self._is_in_head, self._unread = True, 0

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        self._weigh(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._weigh(len(name) + len(value) + _HEADER_COSTS)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to answer; what comes after the body is no header."""
        super().on_headers_complete()
        self.headers = []
        self._is_in_head = False

    def _weigh(self, size: int) -> None:
        self._head_left -= size
        if self._head_left < 0:
            # The parser takes it for bad HTTP: 400, and the connection ends.
            raise ValueError(size)
