"""A web server on loopback that answers @contexts, hangs, redirects and lies."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class ContextServer:
    """What it answers is set by path; what it was asked is counted.

    Attributes:
        asked: Requests by path.
    """

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.origin = ""
        self._answers: dict[str, bytes] = {}
        self._pauses: dict[str, asyncio.Event] = {}
        self._connections: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    def url(self, path: str) -> str:
        """Return the address of a path."""
        return f"{self.origin}{path}"

    def put(self, path: str, context: object) -> str:
        """Answer a @context from now on; return its address."""
        return self.put_bytes(path, json.dumps({"@context": context}).encode())

    def put_bytes(self, path: str, body: bytes, status: int = 200, *headers: str) -> str:
        """Answer anything from now on; return its address."""
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers]
        self._answers[path] = "\r\n".join((*lines, "", "")).encode() + body
        return self.url(path)

    def put_raw(self, path: str, answer: bytes) -> str:
        """Send these bytes, whether they are HTTP or not; return the address."""
        self._answers[path] = answer
        return self.url(path)

    def hang(self, path: str) -> asyncio.Event:
        """Answer this path only once the event that is returned is set."""
        return self._pauses.setdefault(path, asyncio.Event())

    async def start(self, port: int = 0) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._converse, "127.0.0.1", port)
        self.origin = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Let go what hangs, cut every connection, and answer no more."""
        assert self._server is not None
        for pause in self._pauses.values():
            pause.set()
        self._server.close()
        for connection in tuple(self._connections):
            connection.close()
        await self._server.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ", 2)[1].decode()
                self.asked[path] += 1
                if path in self._pauses:
                    await self._pauses[path].wait()
                missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
                writer.write(self._answers.get(path, missing))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._connections.discard(writer)
            writer.close()


@asynccontextmanager
async def context_server() -> AsyncIterator[ContextServer]:
    """Run a server; what hangs is let go at the end."""
    server = ContextServer()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
