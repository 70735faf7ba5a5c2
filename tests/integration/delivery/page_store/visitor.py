"""Visitors who write their requests letter by letter, each from an address of its own."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import count

import msgspec

from tests.support.waiting import scaled

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CRAWLER = "Mozilla/5.0 (compatible; ExampleBot/1.0; +https://bot.example/)"
_ANSWER_WITHIN_S = 30
_WITHOUT_BODY = frozenset({204, 304})
_numbers = count(2)


class Seen(msgspec.Struct, frozen=True):
    """A whole answer; a header that is told repeatedly has its values on lines."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def note(self) -> str:
        """What the page store tells of itself."""
        return self.headers.get("cache-status", "")


def fresh_address() -> str:
    """Draw an address of this machine that no other visitor has: each has a rate of its own."""
    number = next(_numbers)
    return f"127.{1 + number // 62_500}.{number // 250 % 250}.{1 + number % 250}"


class Visitor:
    """One client; its connection stays open between its requests."""

    def __init__(self, port: int, host: str, trust: ssl.SSLContext, agent: str = BROWSER) -> None:
        self.address = fresh_address()
        self._port = port
        self._host = host
        self._trust = trust
        self._agent = agent
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, target: str = "/", **headers: str) -> Seen:
        """Ask for a page; ``Accept_Language`` means ``Accept-Language``."""
        return await self.ask("GET", target, headers)

    async def ask(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Seen:
        """Send a request of these very letters and read its answer."""
        given = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        said = {"Host": f"{self._host}:{self._port}", "User-Agent": self._agent, **given}
        if body or method in {"POST", "PUT", "PATCH"}:
            said["Content-Length"] = str(len(body))
        lines = "".join(f"{name}: {value}\r\n" for name, value in said.items())
        request = f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body
        async with asyncio.timeout(scaled(_ANSWER_WITHIN_S)):
            return await self._exchanged(request, method)

    async def begin(self, request: bytes) -> asyncio.StreamReader:
        """Send bytes; return where the answer is to be read."""
        reader, writer = await self._connection()
        writer.write(request)
        await writer.drain()
        return reader

    async def leave(self) -> None:
        """Close the connection, whatever is under way."""
        if self._open is not None:
            _, writer = self._open
            self._open = None
            writer.transport.abort()
            with suppress(OSError, ssl.SSLError):
                await writer.wait_closed()

    async def _exchanged(self, request: bytes, method: str) -> Seen:
        was_open = self._open is not None
        reader, writer = await self._connection()
        try:
            writer.write(request)
            seen = await read_answer(reader, method)
        except asyncio.IncompleteReadError as error:
            await self.leave()
            # The server closed an idle connection: a browser asks again (RFC 9112, 9.3.1).
            if not was_open or error.partial or method not in {"GET", "HEAD"}:
                raise
            return await self._exchanged(request, method)
        except BaseException:
            await self.leave()
            raise
        if seen.headers.get("connection") == "close":
            await self.leave()
        return seen

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._open is None or self._open[0].at_eof():
            await self.leave()
            self._open = await asyncio.open_connection(
                "127.0.0.1",
                self._port,
                ssl=self._trust,
                server_hostname=self._host,
                local_addr=(self.address, 0),
                limit=1024 * 1024,
            )
        return self._open


async def read_answer(reader: asyncio.StreamReader, method: str = "GET") -> Seen:
    """Read one whole answer.

    Raises:
        asyncio.IncompleteReadError: The connection was closed in the midst of it.
    """
    status, headers = await read_head(reader)
    if method == "HEAD" or status in _WITHOUT_BODY:
        return Seen(status, headers, b"")
    if headers.get("transfer-encoding") != "chunked":
        return Seen(status, headers, await reader.readexactly(int(headers["content-length"])))
    body = b"".join([piece async for piece in read_pieces(reader)])
    return Seen(status, headers, body)


async def read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """Read an answer's status and headers."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    headers: dict[str, str] = {}
    for name, _, value in (line.partition(": ") for line in lines if line):
        known = headers.get(name.lower())
        headers[name.lower()] = value if known is None else f"{known}\n{value}"
    return int(first.split()[1]), headers


async def read_pieces(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Read a body's chunks as they come."""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        yield await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)


@asynccontextmanager
async def visiting(*visitors: Visitor) -> AsyncIterator[None]:
    """Have visitors leave at the end."""
    try:
        yield
    finally:
        for one in visitors:
            await one.leave()
