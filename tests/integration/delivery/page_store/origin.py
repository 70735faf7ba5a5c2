"""An application whose every answer the test decides, and which remembers what it was asked."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

_BODY_KEPT = 64 * 1024
_PIECE = 256 * 1024
STORED = ("Cache-Control", "max-age=600")


class Heard(msgspec.Struct, frozen=True):
    """A request as the application got it; names of headers in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    body_bytes: int

    @property
    def is_of_the_filler(self) -> bool:
        return self.headers.get("user-agent") == "beffroi-filler"

    @property
    def cookie(self) -> str:
        return self.headers.get("cookie", "")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An answer; ``claimed_bytes`` may lie about the length of what is sent.

    Attributes:
        body: Sent whole, with its length, unless there are pieces.
        pieces: Sent one after the other, as chunks; without the last, empty one when ``cut``.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    claimed_bytes: int | None = None
    pieces: AsyncIterator[bytes] | None = None
    cut: bool = False


Answering = Callable[[Heard], Told | Awaitable[Told]]


def page(text: str, *headers: tuple[str, str], status: int = 200) -> Told:
    """An HTML page that may be stored for ten minutes, unless a header says otherwise."""
    named = {name.lower() for name, _ in headers}
    usual = (("Content-Type", "text/html; charset=utf-8"), STORED)
    kept = tuple(one for one in usual if one[0].lower() not in named)
    return Told(status=status, headers=(*kept, *headers), body=text.encode())


class Origin:
    """The application; ``answering`` may be replaced at any moment."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.answering: Answering = lambda heard: page(f"page {heard.target}")
        self._server: asyncio.Server | None = None
        self._socket: Path | None = None

    def asked(self, target: str) -> list[Heard]:
        """Return the requests for a target."""
        return [one for one in self.heard if one.target == target]

    async def open(self, folder: Path) -> None:
        """Listen where the platform looks for an instance."""
        (folder / "listen").mkdir(parents=True, exist_ok=True)
        for path in (folder.parent, folder, folder / "listen"):
            path.chmod(0o755)
        self._socket = folder / "listen" / "http.sock"
        await self.come_back()

    async def come_back(self) -> None:
        """Listen, again."""
        assert self._socket is not None
        self._server = await asyncio.start_unix_server(self._take, self._socket, backlog=1024)
        self._socket.chmod(0o777)

    async def leave(self) -> None:
        """Refuse every connection."""
        assert self._server is not None
        assert self._socket is not None
        self._server.close()
        self._socket.unlink(missing_ok=True)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heard = await _read(reader)
            self.heard.append(heard)
            told = self.answering(heard)
            await _send(writer, await told if inspect.isawaitable(told) else told)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def opened_origin(folder: Path) -> AsyncIterator[Origin]:
    """Listen as long as the test lasts."""
    origin = Origin()
    await origin.open(folder)
    try:
        yield origin
    finally:
        await origin.leave()


async def _read(reader: asyncio.StreamReader) -> Heard:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(": ")
        if colon:
            known = headers.get(name.lower())
            headers[name.lower()] = value if known is None else f"{known}, {value}"
    kept, size = bytearray(), 0
    async for piece in _body(reader, headers):
        size += len(piece)
        kept += piece[: _BODY_KEPT - len(kept)]
    return Heard(method, target, headers, bytes(kept), size)


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> AsyncIterator[bytes]:
    if headers.get("transfer-encoding") == "chunked":
        while size := int(await reader.readline(), 16):
            yield await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readline()
        return
    left = int(headers.get("content-length", "0"))
    while left:
        piece = await reader.read(min(left, _PIECE))
        if not piece:
            raise asyncio.IncompleteReadError(b"", left)
        left -= len(piece)
        yield piece


async def _send(writer: asyncio.StreamWriter, told: Told) -> None:
    length = len(told.body) if told.claimed_bytes is None else told.claimed_bytes
    framing = ("Transfer-Encoding", "chunked") if told.pieces else ("Content-Length", str(length))
    headers = (*told.headers, framing, ("Connection", "close"))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    writer.write(f"HTTP/1.1 {told.status} Told\r\n{lines}\r\n".encode("latin-1"))
    if told.pieces is None:
        writer.write(told.body)
        await writer.drain()
        return
    async for piece in told.pieces:
        writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        await writer.drain()
    if not told.cut:
        writer.write(b"0\r\n\r\n")
    await writer.drain()
