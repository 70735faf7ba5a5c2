"""Answering HTTP/1.1 in the loop itself, with no server's threads between: for doors that are hot.

Whoever connects is nginx, which keeps slow and silent clients, TLS and HTTP/2 away. Nothing wakes
up where nobody asks.
"""

import asyncio
import logging
import secrets
import socket
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Final, NamedTuple, Protocol, cast

import httptools

_logger = logging.getLogger(__name__)
_STOP_WITHIN_S: Final = 10.0
_BACKLOG: Final = 1_024
_HEAD_MOST: Final = 65_536
_HEADER_COSTS: Final = len(": \r\n")
_HELD_MOST: Final = 262_144
_STATUS_LINES: Final = {
    int(status): f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
_BODILESS: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

Header = tuple[bytes, bytes]


class Reply(NamedTuple):
    """What goes back; its length is told by the connection."""

    status: int
    headers: Sequence[Header]
    body: bytes


class BodyLostError(Exception):
    """The client left before all of its body was here."""


class Body(Protocol):
    """The body of a request, which may still be on its way.

    Attributes:
        ended: All of it is here.
    """

    ended: bool

    async def read(self) -> bytes:
        """Return it once it is here, whatever its length."""

    async def drop(self) -> None:
        """Wait for its end and keep nothing of it."""


class _ArrivingBody:
    """The body of a request of a connection."""

    __slots__ = ("_connection", "_dropped", "_held", "_lost", "_parts", "_reader", "ended")

    def __init__(self, connection: "_Connection") -> None:
        self._connection = connection
        self._parts: list[bytes] = []
        self._held = 0
        self._dropped = self._lost = False
        self._reader: asyncio.Future[None] | None = None
        self.ended = False

    @property
    def waits(self) -> bool:
        """Whether enough of it is here until somebody reads it."""
        return self._held > _HELD_MOST and self._reader is None and not self.ended

    async def read(self) -> bytes:
        """Return it once it is here, whatever its length."""
        if not self.ended:
            await self._end()
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    async def drop(self) -> None:
        """Wait for its end and keep nothing of it."""
        self._dropped = True
        self._parts.clear()
        if not self.ended:
            await self._end()

    def take(self, part: bytes) -> None:
        """Take what came."""
        if not self._dropped:
            self._parts.append(part)
            self._held += len(part)

    def end(self) -> None:
        """Note that nothing more comes."""
        self.ended = True
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def lose(self) -> None:
        """Note that the rest will never come, whether it is waited for yet or not."""
        self._lost = True
        if self._reader is not None and not self._reader.done():
            self._reader.set_exception(BodyLostError)

    async def _end(self) -> None:
        if self._lost:
            raise BodyLostError
        self._reader = asyncio.get_running_loop().create_future()
        self._connection.set_reading()
        await self._reader


class Asked(NamedTuple):
    """A request.

    Attributes:
        path: Decoded nowhere, as the query.
        headers: By name in small letters; those that came several times are joined by commas.
        keeps: Whether the client wants the connection to stay.
    """

    method: str
    path: str
    query: str
    headers: Mapping[bytes, bytes]
    body: Body
    keeps: bool = True


Application = Callable[[Asked], Awaitable[Reply]]


@asynccontextmanager
async def answered_on(path: Path, application: Application, mode: int) -> AsyncIterator[None]:
    """Answer on a unix socket as long as the block lasts; what is being answered then ends.

    Args:
        path: Taken over from an earlier process.
        application: What answers.
        mode: Who may connect, as ``chmod`` tells it; it holds before the first answer.
    """
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
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
    connections: set[_Connection] = set()
    loop = asyncio.get_running_loop()

    def connected() -> asyncio.Protocol:
        return _Connection(application, connections)

    if listener.family == socket.AF_UNIX:
        server = await loop.create_unix_server(connected, sock=listener, backlog=_BACKLOG)
    else:
        server = await loop.create_server(connected, sock=listener, backlog=_BACKLOG)
    try:
        yield
    finally:
        server.close()
        busy = [task for one in tuple(connections) if (task := one.finish()) is not None]
        if busy:
            await asyncio.wait(busy, timeout=_STOP_WITHIN_S)
        for one in tuple(connections):
            one.cut()


class _Connection(asyncio.Protocol):
    """One connection: its requests are answered one after the other."""

    def __init__(self, application: Application, connections: set["_Connection"]) -> None:
        self._application = application
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._head_size = 0
        self._in_head = True
        self._arriving: _ArrivingBody | None = None
        self._waiting: deque[Asked] = deque()
        self._task: asyncio.Task[None] | None = None
        self._reads = True
        self._is_full = False
        self._ends = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Forget what waits; what is being answered goes on: it may be half done."""
        self._connections.discard(self)
        self._waiting.clear()
        if self._arriving is not None:
            self._arriving.lose()

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if self._ends:
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse()
            return
        self.set_reading()

    def pause_writing(self) -> None:
        """Answer no more until the client took what was answered."""
        self._is_full = True

    def resume_writing(self) -> None:
        """Go on."""
        self._is_full = False
        self._begin()

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._target, self._headers, self._head_size = b"", {}, 0
        self._in_head = True

    def on_url(self, part: bytes) -> None:
        """Take a part of the target."""
        self._target += part
        self._weigh(len(part))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what comes after a body is none: who asks is told before it."""
        self._weigh(len(name) + len(value) + _HEADER_COSTS)
        if not self._in_head:
            return
        name = name.lower()
        headers = self._headers
        headers[name] = headers[name] + b", " + value if name in headers else value

    def on_headers_complete(self) -> None:
        """Begin to answer: the rest of the body may come meanwhile."""
        self._in_head = False
        parser, headers = self._parser, self._headers
        if headers.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
            raise ValueError(headers)
        path, _, query = _origin_form(self._target).decode("latin-1").partition("?")
        body = self._arriving = _ArrivingBody(self)
        if headers.get(b"expect", b"").lower() == b"100-continue":
            self._transport.write(_CONTINUE)
        method, keeps = parser.get_method().decode("latin-1"), parser.should_keep_alive()
        self._waiting.append(Asked(method, path, query, headers, body, keeps))
        self._begin()

    def on_body(self, part: bytes) -> None:
        """Take a part of the body."""
        if self._arriving is not None:
            self._arriving.take(part)

    def on_message_complete(self) -> None:
        """End a request."""
        if self._arriving is not None:
            self._arriving.end()

    def set_reading(self) -> None:
        """Read on, unless there is enough to do."""
        body = self._arriving
        reads = not self._waiting and not (body is not None and body.waits)
        if reads is not self._reads and not self._transport.is_closing():
            self._reads = reads
            if reads:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def finish(self) -> asyncio.Task[None] | None:
        """Close once the present answer is out; return the task that makes it."""
        self._ends = True
        self._waiting.clear()
        if self._task is None:
            self._transport.close()
        return self._task

    def cut(self) -> None:
        """Close at once."""
        self._transport.abort()

    def _weigh(self, size: int) -> None:
        self._head_size += size
        if self._head_size > _HEAD_MOST:
            raise ValueError(self._head_size)

    def _begin(self) -> None:
        if self._task is None and self._waiting and not self._is_full:
            self._task = self._loop.create_task(self._answer(self._waiting.popleft()))

    async def _answer(self, asked: Asked) -> None:
        try:
            reply = _sound(await self._application(asked))
        except asyncio.CancelledError:
            # Nobody may take the answer to a later request for the one to this.
            self._transport.abort()
            raise
        except BodyLostError:
            self._ends = True
            reply = Reply(HTTPStatus.BAD_REQUEST, (), b"")
        except Exception:
            reference = secrets.token_hex(4)
            _logger.exception("BUG in request reference=%s path=%s", reference, asked.path)
            reply = Reply(HTTPStatus.INTERNAL_SERVER_ERROR, (), b"")
        self._task = None
        keeps = asked.keeps and asked.body.ended and not self._ends
        if not self._transport.is_closing():
            self._transport.write(_written(reply, asked.method, keeps=keeps))
        if not keeps:
            self._ends = True
            self._transport.close()
            return
        self._begin()
        self.set_reading()

    def _refuse(self) -> None:
        """Refuse what is no HTTP, once what came before it is answered."""
        self._ends = True
        self._waiting.clear()
        if self._arriving is not None:
            self._arriving.lose()
        if self._task is None:
            self._transport.write(_written(Reply(HTTPStatus.BAD_REQUEST, (), b""), "", keeps=False))
            self._transport.close()


def _origin_form(target: bytes) -> bytes:
    """Return the path and query of a target, which may name the server too."""
    if target[:1] == b"/":
        return target
    url = httptools.parse_url(target)
    return (url.path or b"/") + (b"?" + url.query if url.query else b"")


def _sound(reply: Reply) -> Reply:
    """Refuse headers that would say more than one thing, and statuses that HTTP does not know."""
    if reply.status not in _STATUS_LINES or any(
        b"\n" in value or b"\r" in value for _, value in reply.headers
    ):
        raise ValueError(reply.status, reply.headers)
    return reply


def _written(reply: Reply, method: str, *, keeps: bool) -> bytes:
    parts = [_STATUS_LINES[reply.status]]
    for name, value in reply.headers:
        parts += (name, b": ", value, b"\r\n")
    if reply.status not in _BODILESS:
        parts.append(b"content-length: %d\r\n" % len(reply.body))
    parts.append(b"\r\n" if keeps else b"connection: close\r\n\r\n")
    if method != "HEAD":
        parts.append(reply.body)
    return b"".join(parts)
